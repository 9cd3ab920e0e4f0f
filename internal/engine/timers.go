package engine

// timerHeap holds operations by deadline. Deadlines mostly move later (each tap of
// a burst moves its own), so an entry is not moved with them: when it comes up
// early it is put back. Invariant: a waiting operation whose due lies in the future
// is armed, and then has an entry at or before due.
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

// reset forgets every entry, and the memory of a burst.
func (h *timerHeap) reset() {
	if cap(h.entries) > 64 {
		h.entries = nil
	}
	clear(h.entries)
	h.entries = h.entries[:0]
}

func (h *timerHeap) push(t timer) {
	h.entries = append(h.entries, t)
	i := len(h.entries) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h.entries[parent].at <= t.at {
			break
		}
		h.entries[i] = h.entries[parent]
		i = parent
	}
	h.entries[i] = t
}

func (h *timerHeap) pop() timer {
	top := h.entries[0]
	n := len(h.entries) - 1
	t := h.entries[n]
	h.entries[n] = timer{}
	h.entries = h.entries[:n]
	if n == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h.entries[child+1].at < h.entries[child].at {
			child++
		}
		if t.at <= h.entries[child].at {
			break
		}
		h.entries[i] = h.entries[child]
		i = child
	}
	h.entries[i] = t
	return top
}

// arm makes sure that the engine is woken when a waiting operation falls due.
func (e *Engine) arm(o *Op) {
	if o.due > e.now && !o.armed {
		o.armed = true
		e.addTimer(o.due, o)
	}
}

// addTimer also keeps the heap in proportion to what is unsettled: operations that
// end before their time leave entries behind.
func (e *Engine) addTimer(at Time, o *Op) {
	if len(e.timers.entries) > 2*e.pending+64 {
		old := e.timers.entries
		e.timers.entries = make([]timer, 0, e.pending+64)
		for _, t := range old {
			if t.op.state == Waiting {
				e.timers.push(t)
			} else {
				t.op.armed = false
			}
		}
	}
	e.timers.push(timer{at, o})
}

// tick handles what has fallen due.
func (e *Engine) tick() {
	for e.timers.next() <= e.now {
		o := e.timers.pop().op
		o.armed = false
		if o.state == Waiting && e.now >= o.expiry() {
			e.expire(o)
			continue
		}
		if o.state != Waiting {
			continue
		}
		if o.due > e.now {
			e.arm(o)
		} else {
			e.wakeOp(o)
		}
	}
}

// flush ends every debounce. Waits between attempts go on.
func (e *Engine) flush() {
	e.hurry(func(o *Op) bool { return !o.left })
}

// hurry makes the chosen waiting operations due now.
func (e *Engine) hurry(chosen func(*Op) bool) {
	for ent := range e.Busy {
		for o := range ent.Ops {
			if o.state == Waiting && o.due > e.now && chosen(o) {
				o.due = e.now
				o.armed = false // its entry may be later than what it waits for next
				e.wakeOp(o)
			}
		}
	}
}

// expiry is when the operation's total deadline ends.
func (o *Op) expiry() Time {
	if o.Type.Deadline <= 0 {
		return Never
	}
	return o.burst + o.Type.Deadline
}

// expire gives up a waiting operation whose total deadline has passed. One whose
// outcome is unknown may not be called a failure: it is parked.
func (e *Engine) expire(o *Op) {
	if o.unknown {
		e.park(o, ErrDeadline)
		return
	}
	e.fail(o, ErrDeadline)
}
