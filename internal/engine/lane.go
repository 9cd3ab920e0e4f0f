package engine

// lane orders the sending of operations. Invariants: at most one call is under way
// (flight); first..last are the operations that have still to be sent or answered and
// are not held, by op.pos; only the first may leave.
type lane struct {
	first, last *part
	flight      *Op // whose call is under way, even if the operation has ended

	queued               bool
	users                int32 // entities, when named
	readyPrev, readyNext *lane
	name                 string // when named
}

// laneName names a lane, also after it has been forgotten.
type laneName struct {
	space *Space
	named bool
	name  string // of the lane, or of the entity whose own it is
}

func (ent *Entity) laneName() laneName {
	if ent.lane == &ent.own {
		return laneName{ent.space, false, ent.id}
	}
	return laneName{ent.space, true, ent.lane.name}
}

// laneQueue is a first-in-first-out list of lanes. Lanes that have just sent go to the
// back, which shares the cap on sends fairly. It is linked through the lanes, so that one
// whose operations have all ended leaves it at once, also while nothing is sent.
type laneQueue struct{ first, last *lane }

func (q *laneQueue) push(l *lane) {
	l.queued, l.readyPrev = true, q.last
	if q.last == nil {
		q.first = l
	} else {
		q.last.readyNext = l
	}
	q.last = l
}

func (q *laneQueue) remove(l *lane) {
	if l.readyPrev == nil {
		q.first = l.readyNext
	} else {
		l.readyPrev.readyNext = l.readyNext
	}
	if l.readyNext == nil {
		q.last = l.readyPrev
	} else {
		l.readyNext.readyPrev = l.readyPrev
	}
	l.queued, l.readyPrev, l.readyNext = false, nil, nil
}

// joinLanes links the operation's parts into their lanes by position.
func (e *Engine) joinLanes(o *Op) {
	o.parts(func(p *part) {
		l := p.entity.lane
		after := l.last
		for after != nil && after.op.pos > o.pos {
			after = after.lanePrev
		}
		if after != nil && after.op == o {
			return // a group whose entities share the lane is in it once
		}
		p.inLane = true
		p.lanePrev = after
		if after == nil {
			p.laneNext, l.first = l.first, p
		} else {
			p.laneNext, after.laneNext = after.laneNext, p
		}
		if p.laneNext == nil {
			l.last = p
		} else {
			p.laneNext.lanePrev = p
		}
	})
}

// leaveLanes unlinks the operation from its lanes; the operation that is first then may
// be sent. If it is parked or held, the operations that it holds are let go.
func (e *Engine) leaveLanes(o *Op) {
	if o.held != notHeld {
		e.setHeld(o, notHeld)
		e.letGo(o)
	} else if o.state == Parked {
		e.letGo(o)
	}
	o.parts(func(p *part) {
		if !p.inLane {
			return
		}
		l := p.entity.lane
		if p.lanePrev == nil {
			l.first = p.laneNext
		} else {
			p.lanePrev.laneNext = p.laneNext
		}
		if p.laneNext == nil {
			l.last = p.lanePrev
		} else {
			p.laneNext.lanePrev = p.lanePrev
		}
		p.lanePrev, p.laneNext, p.inLane = nil, nil, false
		if l.first == nil && l.queued {
			e.ready.remove(l)
		}
		e.wake(l)
	})
}

// wake puts a lane whose head may be sendable into the queue.
func (e *Engine) wake(l *lane) {
	if l.queued || l.flight != nil || l.first == nil || l.first.op.due > e.now {
		return
	}
	e.ready.push(l)
}

// wakeOp wakes the lanes of an operation for which something has changed.
func (e *Engine) wakeOp(o *Op) {
	e.suspect(o)
	o.parts(func(p *part) { e.wake(p.entity.lane) })
}

// pump sends the heads of free lanes, in turn, under the cap.
func (e *Engine) pump() {
	for {
		if len(e.suspects) > 0 {
			e.holdBack()
		}
		if e.ready.first == nil || e.inFlight >= e.cfg.MaxInFlight || !e.gate.open(e) {
			return
		}
		l := e.turn()
		e.ready.remove(l)
		o := l.first.op
		if !e.sendable(o) {
			continue
		}
		if o.mentions() {
			wait, err := e.checkNames(o)
			if err != nil {
				e.condemn(o, nil, err)
				e.rebase(o)
			}
			if wait || err != nil {
				continue
			}
		}
		if e.settleIfAlreadySo(o) {
			continue // leaveLanes has woken the lane for its next head
		}
		e.send(o)
	}
}

// sendable reports whether the operation is first in all its lanes, all of them are
// free, and nothing else holds it back.
func (e *Engine) sendable(o *Op) bool {
	if o.state != Waiting || o.due > e.now || o.Type.Stored && o.journal != journaled {
		return false
	}
	free := true
	o.parts(func(p *part) {
		l := p.entity.lane
		if l.flight != nil || l.first == nil || l.first.op != o {
			free = false
		}
	})
	if e.apart > 0 && o.apart() {
		return false
	}
	if !free || e.waitsForDependency(o) {
		return false
	}
	if len(e.gate.asked) > 0 {
		if until := e.gate.askedFor(o); until > e.now {
			e.lookAt(o, until)
			return false
		}
	}
	return true
}

// waitsForDependency reports whether an operation on which o depends has not been
// accepted by the server yet.
func (e *Engine) waitsForDependency(o *Op) bool {
	for _, d := range o.Deps() {
		if d.state != Acked && d.state != Ended {
			return true
		}
	}
	return false
}

// send lets an attempt leave.
func (e *Engine) send(o *Op) {
	o.state = InFlight
	if o.ext != nil {
		o.ext.outlived = false
	}
	e.timers.remove(o)
	o.left = true
	o.calls = increased(o.calls)
	if o.ext != nil {
		o.ext.unmarked = false
	}
	if o.Type.Resolve != nil {
		on := o.part.entity.ground()
		for i := range o.more().group {
			on.rest = append(on.rest, o.ext.group[i].entity.ground())
		}
		o.ext.leftOn = &on
	}
	e.inFlight++
	e.gate.sent(o)
	o.parts(func(p *part) {
		p.entity.lane.flight = o
		p.entity.pins++
	})
	if !e.Quiet {
		e.tellUnseen(o)
	}
	e.emit(Effect{Kind: Send, Op: o})
}

// landed is the end of a call: the lanes are free for the next.
func (e *Engine) landed(o *Op) {
	e.inFlight--
	o.parts(func(p *part) {
		p.entity.lane.flight = nil
		p.entity.pins--
		e.touch(p.entity) // may be released at the end of the step
		e.wake(p.entity.lane)
	})
}
