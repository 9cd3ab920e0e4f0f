package engine

// Behind a parked operation, which waits for a person, waits what must not overtake it:
// later operations of its slot, and those that depend on it. These are held. They are
// out of their lanes then, so that they stand in nobody else's way, and come back to
// their places when what holds them is decided. What must not overtake a held one is
// held as well.

// Held reports whether nothing will move any more before a person decides.
func (e *Engine) Held() bool { return e.inFlight == 0 && e.pending == e.parked+e.held }

// mustHold reports whether something that waits for a person is in front of o.
func (e *Engine) mustHold(o *Op) bool {
	if e.parked == 0 || o.state != Waiting {
		return false
	}
	for _, d := range o.Deps() {
		if d.state == Parked || d.part.held {
			return true
		}
	}
	found := false
	o.parts(func(p *part) {
		if p.entity.parked+p.entity.held == 0 {
			return
		}
		for q := p.prev; q != nil && !found; q = q.prev {
			found = q.op.holds(o)
		}
	})
	return found
}

// holds reports whether a later operation of one of its entities must not overtake o,
// which waits for a person.
func (o *Op) holds(later *Op) bool {
	switch {
	case o.state == Parked:
		return o.sharesSlot(later)
	case o.part.held:
		return o.sharesSlot(later) || o.standsAlone() || later.standsAlone()
	}
	return false
}

// standsAlone reports whether the operation commutes with none of its entity.
func (o *Op) standsAlone() bool { return o.Type.Barrier || o.Group() || o.Type.Kind != Change }

// suspect notes that an operation may have to be held.
func (e *Engine) suspect(o *Op) {
	if e.parked > 0 && !o.part.suspected {
		o.part.suspected = true
		e.suspects = append(e.suspects, o)
	}
}

// suspectBehind suspects those that o may hold.
func (e *Engine) suspectBehind(o *Op) {
	o.parts(func(p *part) {
		for q := p.next; q != nil; q = q.next {
			if !q.op.part.suspected && o.holds(q.op) {
				e.suspect(q.op)
			}
		}
	})
	if o.ext != nil {
		for _, n := range o.ext.needers {
			e.suspect(n)
		}
	}
}

// holdBack takes what is held out of the way of others.
func (e *Engine) holdBack() {
	for i := 0; i < len(e.suspects); i++ { // holding one may add some
		o := e.suspects[i]
		o.part.suspected = false
		if !o.part.held && e.mustHold(o) {
			e.leaveLanes(o)
			e.setHeld(o, true)
			e.suspectBehind(o)
		}
	}
	e.suspects = emptied(e.suspects)
}

func (e *Engine) setHeld(o *Op, held bool) {
	by := 1
	if o.part.held = held; !held {
		by = -1
	}
	e.held += by
	o.parts(func(p *part) { p.entity.held += int32(by) })
}

// letGo puts what o may have held back into its lanes. What something else holds as
// well is held again before anything is sent.
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
		for _, n := range o.ext.needers {
			e.rejoin(n)
		}
	}
}

func (e *Engine) rejoin(o *Op) {
	if !o.part.held {
		return
	}
	e.setHeld(o, false)
	e.joinLanes(o)
	e.wakeOp(o)
	e.letGo(o)
}
