package engine

// timerHeap holds waiting operations by when they want to be looked at. Invariants:
// an operation is in it at most once, at op.timer-1 (op.timer is 0 when it is not);
// one that waits for a time to come has an entry at or before that time. Deadlines
// mostly move later (each tap of a burst moves its own), so an entry is not moved with
// them: when it comes up early it is put back.
type timerHeap struct{ entries []timer }

type timer struct {
	at Time
	op *Op
}

func (h *timerHeap) next() Time {
	if len(h.entries) == 0 {
		return Never
	}
	return h.entries[0].at
}

func (h *timerHeap) put(i int, t timer) {
	h.entries[i] = t
	t.op.timer = int32(i + 1)
}

// up moves t, which belongs at i or above, to its place.
func (h *timerHeap) up(i int, t timer) {
	for i > 0 {
		parent := (i - 1) / 2
		if h.entries[parent].at <= t.at {
			break
		}
		h.put(i, h.entries[parent])
		i = parent
	}
	h.put(i, t)
}

// down moves t, which belongs at i or below, to its place.
func (h *timerHeap) down(i int, t timer) {
	for {
		child := 2*i + 1
		if child >= len(h.entries) {
			break
		}
		if child+1 < len(h.entries) && h.entries[child+1].at < h.entries[child].at {
			child++
		}
		if t.at <= h.entries[child].at {
			break
		}
		h.put(i, h.entries[child])
		i = child
	}
	h.put(i, t)
}

// remove takes an operation out, if it is in.
func (h *timerHeap) remove(o *Op) {
	if o.timer == 0 {
		return
	}
	i, n := int(o.timer)-1, len(h.entries)-1
	o.timer = 0
	last := h.entries[n]
	h.entries[n] = timer{}
	h.entries = h.entries[:n]
	switch {
	case i == n:
	case i > 0 && last.at < h.entries[(i-1)/2].at:
		h.up(i, last)
	default:
		h.down(i, last)
	}
	if n == 0 && cap(h.entries) > 64 {
		h.entries = nil // a burst must not be remembered
	}
}

// hand gives one operation's entry to another.
func (h *timerHeap) hand(from, to *Op) {
	if from.timer == 0 || to.timer != 0 {
		return
	}
	to.timer, from.timer = from.timer, 0
	h.entries[to.timer-1].op = to
}

// schedule makes sure that a waiting operation is looked at when it falls due, and
// when its deadline ends.
func (e *Engine) schedule(o *Op) {
	at := Never
	if o.state != Acked {
		at = o.Deadline()
	}
	if o.due > e.now {
		at = min(at, o.due)
	}
	e.lookAt(o, at)
}

// lookAt makes sure that an operation is looked at when a time has come, or earlier.
func (e *Engine) lookAt(o *Op, at Time) {
	h := &e.timers
	switch {
	case at == Never:
	case o.timer == 0:
		h.entries = append(h.entries, timer{})
		h.up(len(h.entries)-1, timer{at, o})
	case h.entries[o.timer-1].at > at:
		h.up(int(o.timer)-1, timer{at, o})
	}
}

// tick handles the operations that have fallen due.
func (e *Engine) tick() {
	for e.timers.next() <= e.now {
		o := e.timers.entries[0].op
		e.timers.remove(o)
		if o.state == Acked {
			e.timeGuess(o)
			continue
		}
		if e.now >= o.Deadline() {
			e.expire(o)
			continue
		}
		e.schedule(o)
		if o.due <= e.now {
			e.wakeOp(o)
		}
	}
}

// flush ends every debounce. Waits between attempts go on.
func (e *Engine) flush() {
	e.hurry(func(o *Op) Time {
		if o.left {
			return Never
		}
		return e.now
	})
}

// hurry makes waiting operations due at another time, if that is sooner.
func (e *Engine) hurry(until func(*Op) Time) {
	for ent := range e.Busy {
		for o := range ent.Ops {
			if o.state != Waiting || o.due <= e.now {
				continue
			}
			if sooner := until(o); sooner < o.due {
				o.due = sooner
				e.schedule(o)
				e.wakeOp(o)
			}
		}
	}
}

// Deadline is when the operation's total deadline ends, which ends a call under way as
// well, or Never.
func (o *Op) Deadline() Time {
	if o.Type.Deadline <= 0 {
		return Never
	}
	return o.burst.plus(o.Type.Deadline)
}

// expire gives up a waiting operation whose total deadline has passed.
func (e *Engine) expire(o *Op) { e.giveUp(o, ErrDeadline) }

// giveUp ends an operation whose time is over. One of unknown outcome that nobody ever
// answered may not be called a failure: it is parked, unless a deletion follows it.
func (e *Engine) giveUp(o *Op, err error) {
	if o.unknown && o.answeredAttempts() == 0 && !o.deletionBehind() {
		e.park(o, err)
		return
	}
	e.fail(o, err)
}
