package engine

import "github.com/optimist-go/optimist/internal/errorf"

// Check verifies every invariant and returns the first violation. It is for tests:
// it looks at everything.
func (e *Engine) Check() error {
	if len(e.touched)+len(e.dirty)+len(e.victims)+len(e.orphans)+len(e.suspects) > 0 {
		return errorf.New("scratch is not empty between steps")
	}
	pending := make(map[*Op]bool)
	parked, held := 0, 0
	flights := make(map[*Op]bool)
	lanes := make(map[*lane]bool)
	for ent := range e.Busy {
		if ent.first == nil {
			return errorf.New("%s is busy without operations", ent.id)
		}
		if err := e.checkEntity(ent); err != nil {
			return errorf.New("entity %s: %w", ent.id, err)
		}
		for o := range ent.Ops {
			switch {
			case pending[o]:
			case o.state == Parked:
				parked++
			case o.held != notHeld:
				held++
			}
			pending[o] = true
		}
		if l := ent.lane; !lanes[l] {
			lanes[l] = true
			if l.flight != nil {
				flights[l.flight] = true
			}
			if err := e.checkLane(l); err != nil {
				return errorf.New("lane of %s: %w", ent.id, err)
			}
		}
	}
	switch {
	case len(pending) != e.pending:
		return errorf.New("%d operations in the lists, %d counted", len(pending), e.pending)
	case parked != e.parked:
		return errorf.New("%d parked in the lists, %d counted", parked, e.parked)
	case held != e.held:
		return errorf.New("%d held in the lists, %d counted", held, e.held)
	case len(flights) > e.inFlight:
		return errorf.New("%d calls in the lanes, %d counted", len(flights), e.inFlight)
	case e.inFlight > e.cfg.MaxInFlight:
		return errorf.New("%d calls in flight, at most %d allowed", e.inFlight, e.cfg.MaxInFlight)
	}
	return nil
}

func (e *Engine) checkEntity(ent *Entity) error {
	value, presence := ent.truth, ent.presence
	var pos uint64
	n, parked, held := 0, 0, 0
	var prev *part
	for p := ent.first; p != nil; prev, p = p, p.next {
		o := p.op
		n++
		switch {
		case p.prev != prev || p.entity != ent:
			return errorf.New("operation %d is linked wrongly", o.seq)
		case o.pos <= pos && (prev == nil || prev.op != o): // two entities of a group may have become one
			return errorf.New("operation %d is out of order", o.seq)
		case o.state == Ended || o.state == Fresh:
			return errorf.New("operation %d is in the fold in state %d", o.seq, o.state)
		case (o.state == Waiting && o.held == notHeld || o.state == InFlight) != o.linked():
			return errorf.New("operation %d in state %d: in a lane %v", o.seq, o.state, o.linked())
		case o.held != e.mustHold(o):
			return errorf.New("operation %d is held %d, and must be %d", o.seq, o.held, e.mustHold(o))
		case o.state == InFlight && ent.lane.flight != o:
			return errorf.New("operation %d is in flight, but not its lane's flight", o.seq)
		case o.state == Waiting && o.due > e.now && o.due != Never && (o.timer == 0 || e.timers.entries[o.timer-1].at > o.due):
			return errorf.New("operation %d waits without a timer", o.seq)
		case p.stands && ent.creationUpTo(p.prev) == nil:
			return errorf.New("operation %d stands on a creation that is done, or on none", o.seq)
		case o.undoesItself():
			return errorf.New("operation %d undoes itself", o.seq)
		}
		switch {
		case o.state == Parked:
			parked++
		case o.held != notHeld:
			held++
		}
		pos = o.pos
		var err error
		if value, presence, err = p.refold(value, presence); err != nil {
			return errorf.New("operation %d does not apply: %w", o.seq, err)
		}
		if presence != p.presence || value != nil && !ent.space.same(value, p.after) {
			return errorf.New("operation %d caches %v, the fold gives %v", o.seq, p.after, value)
		}
	}
	if ent.last != prev || n != int(ent.unended) || parked != int(ent.parked) || held != int(ent.held) {
		return errorf.New("%d operations (%d parked, %d held) listed, %d (%d, %d) counted",
			n, parked, held, ent.unended, ent.parked, ent.held)
	}
	return nil
}

// undoesItself reports whether following undoneBy from o leads back to it.
func (o *Op) undoesItself() bool {
	seen := map[*Op]bool{}
	for by := o; by.ext != nil && by.ext.undoneBy != nil && !seen[by]; by = by.ext.undoneBy {
		seen[by] = true
		if by.ext.undoneBy == o {
			return true
		}
	}
	return false
}

func (o *Op) linked() (linked bool) {
	o.parts(func(p *part) { linked = linked || p.inLane })
	return linked
}

func (e *Engine) checkLane(l *lane) error {
	var prev *part
	var pos uint64
	for p := l.first; p != nil; prev, p = p, p.laneNext {
		if p.lanePrev != prev || p.op.pos <= pos || !p.inLane {
			return errorf.New("operation %d is linked wrongly", p.op.seq)
		}
		pos = p.op.pos
	}
	if l.last != prev {
		return errorf.New("the last operation is not the last")
	}
	if l.first == nil {
		return nil
	}
	if e.timers.next() <= e.now {
		return nil // the next Tick wakes the operations that have fallen due
	}
	if o := l.first.op; !l.queued && l.flight == nil && o.due <= e.now && e.sendable(o) &&
		e.inFlight < e.cfg.MaxInFlight && e.gate.open(e) {
		return errorf.New("operation %d could be sent, but nobody will", o.seq)
	}
	return nil
}
