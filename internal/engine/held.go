package engine

// A parked operation waits for a person. Later operations of its slot, and operations that
// depend on it, must not overtake it: they are held. A held operation is out of its lane,
// so that it stands in no other operation's way, and comes back to its place when the
// parked one is decided. Operations that must not overtake a held one are held as well.

// hold says whether an operation waits behind a parked one, and so which other operations
// have to wait with it.
type hold uint8

const (
	notHeld    hold = iota
	onCreation      // it stands on a creation that waits; others pass it
	heldBack        // it must not overtake; operations that must not overtake it wait as well
)

// IsHeld reports whether the operation waits behind one that waits for a person.
func (o *Op) IsHeld() bool { return o.held != notHeld }

// Idle reports whether nothing will move any more before a person decides.
func (e *Engine) Idle() bool { return e.inFlight == 0 && e.pending == e.parked+e.held }

// mustHold says whether a parked operation, or one held behind it, is in front of o.
func (e *Engine) mustHold(o *Op) hold {
	if e.parked == 0 || o.state != Waiting {
		return notHeld
	}
	for _, d := range o.Deps() {
		if d.state == Parked || d.held != notHeld {
			return heldBack
		}
	}
	h := notHeld
	o.parts(func(p *part) {
		if p.entity.parked+p.entity.held == 0 {
			return
		}
		if p.creationWaits() {
			h = max(h, onCreation)
		}
		for q := p.holder(); q != nil && h < heldBack; q = q.prev {
			if q.holds(p) {
				h = heldBack
			}
		}
	})
	return h
}

// holder is the nearest part that may hold p. A deletion that passes its creation passes the
// others on it as well: they go with it when it is confirmed.
func (p *part) holder() *part {
	if c := p.creation(); c != nil && p.passes(c) {
		return c
	}
	return p.prev
}

// holds reports whether p, a later part of its entity, must not overtake q, which waits
// for a person.
func (q *part) holds(p *part) bool {
	o, later := q.op, p.op
	switch {
	case o.state == Parked:
		return o.sharesSlot(later) && !p.passes(q)
	case o.held == heldBack:
		return o.sharesSlot(later) || o.standsAlone() || later.standsAlone()
	}
	return false
}

// creationWaits reports whether p stands on a creation that waits for a person.
func (p *part) creationWaits() bool {
	c := p.creation()
	return c != nil && (c.op.state == Parked && !p.passes(c) || c.op.held != notHeld)
}

// passes reports whether p removes the entity that q makes, a creation that may have
// reached the server: no decision about q can make that removal wrong.
func (p *part) passes(q *part) bool {
	return p.stands && p.op.deletes() && q.kind() == Create && q.op.mayBeDone() && !p.entity.Nameless()
}

// standsAlone reports whether the operation commutes with none of its entity.
func (o *Op) standsAlone() bool { return o.Type.Barrier || o.Group() || o.Type.Kind != Change }

// suspect notes that an operation may have to be held.
func (e *Engine) suspect(o *Op) {
	if e.parked > 0 && !o.suspected {
		o.suspected = true
		e.suspects = append(e.suspects, o)
	}
}

// suspectBehind suspects the operations that o may hold.
func (e *Engine) suspectBehind(o *Op) {
	o.parts(func(p *part) {
		for q := p.next; q != nil; q = q.next {
			if !q.op.suspected && p.holds(q) {
				e.suspect(q.op)
			}
		}
		p.standing(func(q *part) { e.suspect(q.op) })
	})
	if o.ext != nil {
		for _, n := range o.ext.dependents {
			e.suspect(n)
		}
	}
}

// holdBack takes held operations out of their lanes, out of the way of others.
func (e *Engine) holdBack() {
	for i := 0; i < len(e.suspects); i++ { // holding one may add some
		o := e.suspects[i]
		o.suspected = false
		was, must := o.held, e.mustHold(o)
		if must <= was {
			continue
		}
		if was == notHeld {
			e.leaveLanes(o)
		}
		e.setHeld(o, must)
		e.suspectBehind(o)
	}
	e.suspects = emptied(e.suspects)
}

func (e *Engine) setHeld(o *Op, held hold) {
	by := 0
	if o.held != notHeld {
		by--
	}
	if o.held = held; held != notHeld {
		by++
	}
	e.held += by
	o.parts(func(p *part) { p.entity.held += int32(by) })
}

// letGo puts the operations that o may have held back into their lanes. Those that another
// operation holds as well are held again before anything is sent.
func (e *Engine) letGo(o *Op) {
	if e.held == 0 {
		return
	}
	o.parts(func(p *part) {
		for q := p.next; q != nil; q = q.next {
			e.rejoin(q.op)
		}
	})
	if o.ext != nil {
		for _, n := range o.ext.dependents {
			e.rejoin(n)
		}
	}
}

// letPass puts the deletions that stand on a creation back into their lanes: since it may
// have reached the server they pass the parked operations between the two.
func (e *Engine) letPass(creation *Op) {
	if e.held == 0 || !creation.Creates() {
		return
	}
	creation.parts(func(c *part) {
		c.standing(func(p *part) {
			if p.op.deletes() {
				e.rejoin(p.op)
			}
		})
	})
}

func (e *Engine) rejoin(o *Op) {
	if o.held == notHeld {
		return
	}
	e.setHeld(o, notHeld)
	e.joinLanes(o)
	e.wakeOp(o)
	e.letGo(o)
}
