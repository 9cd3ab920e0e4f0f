package engine

import "fmt"

// Check verifies every invariant and returns the first violation. It is for tests:
// it looks at everything.
func (e *Engine) Check() error {
	if len(e.touched)+len(e.dirty)+len(e.victims) > 0 {
		return fmt.Errorf("scratch is not empty between steps")
	}
	pending := make(map[*Op]bool)
	parked, busy := 0, 0
	flights := make(map[*Op]bool)
	lanes := make(map[*lane]bool)
	for ent := range e.Busy {
		busy++
		if ent.first == nil {
			return fmt.Errorf("%s is busy without operations", ent.id)
		}
		if err := e.checkEntity(ent); err != nil {
			return fmt.Errorf("entity %s: %w", ent.id, err)
		}
		for o := range ent.Ops {
			if !pending[o] && o.state == Parked {
				parked++
			}
			pending[o] = true
		}
		if l := ent.lane; !lanes[l] {
			lanes[l] = true
			if l.flight != nil {
				flights[l.flight] = true
			}
			if err := e.checkLane(l); err != nil {
				return fmt.Errorf("lane of %s: %w", ent.id, err)
			}
		}
	}
	switch {
	case len(pending) != e.pending:
		return fmt.Errorf("%d operations in the lists, %d counted", len(pending), e.pending)
	case parked != e.parked:
		return fmt.Errorf("%d parked in the lists, %d counted", parked, e.parked)
	case len(flights) > e.inFlight:
		return fmt.Errorf("%d calls in the lanes, %d counted", len(flights), e.inFlight)
	case e.inFlight > e.cfg.MaxInFlight:
		return fmt.Errorf("%d calls in flight, at most %d allowed", e.inFlight, e.cfg.MaxInFlight)
	}
	return nil
}

func (e *Engine) checkEntity(ent *Entity) error {
	value, presence := ent.truth, ent.presence
	var pos uint64
	n, parked := 0, 0
	var prev *part
	for p := ent.first; p != nil; prev, p = p, p.next {
		o := p.op
		n++
		switch {
		case p.prev != prev || p.entity != ent:
			return fmt.Errorf("operation %d is linked wrongly", o.seq)
		case o.pos <= pos:
			return fmt.Errorf("operation %d is out of order", o.seq)
		case o.state == Ended || o.state == Fresh:
			return fmt.Errorf("operation %d is in the fold in state %d", o.seq, o.state)
		case (o.state == Waiting || o.state == InFlight) != o.linked():
			return fmt.Errorf("operation %d in state %d: in a lane %v", o.seq, o.state, o.linked())
		case o.state == InFlight && ent.lane.flight != o:
			return fmt.Errorf("operation %d is in flight, but not its lane's flight", o.seq)
		case o.state == Waiting && o.due > e.now && !o.armed:
			return fmt.Errorf("operation %d waits without a timer", o.seq)
		}
		if o.state == Parked {
			parked++
		}
		pos = o.pos
		var err error
		if value, presence, err = p.fold(value, presence); err != nil {
			return fmt.Errorf("operation %d does not apply: %w", o.seq, err)
		}
		if presence != p.presence || value != nil && !ent.space.same(value, p.after) {
			return fmt.Errorf("operation %d caches %v, the fold gives %v", o.seq, p.after, value)
		}
	}
	if ent.last != prev || n != int(ent.unended) || parked != int(ent.parked) {
		return fmt.Errorf("%d operations (%d parked) listed, %d (%d) counted", n, parked, ent.unended, ent.parked)
	}
	return nil
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
			return fmt.Errorf("operation %d is linked wrongly", p.op.seq)
		}
		pos = p.op.pos
	}
	if l.last != prev {
		return fmt.Errorf("the last operation is not the last")
	}
	if l.first == nil {
		return nil
	}
	if e.timers.next() <= e.now {
		return nil // the next Tick wakes what has fallen due
	}
	if o := l.first.op; !l.queued && l.flight == nil && o.due <= e.now && e.sendable(o) &&
		e.inFlight < e.cfg.MaxInFlight && e.gate.open(e) {
		return fmt.Errorf("operation %d could be sent, but nobody will", o.seq)
	}
	return nil
}
