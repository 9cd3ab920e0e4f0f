package engine

// Truth may come under the server's name of an entity before anybody knows that it is the
// one made here. Then two records are held, each with its own truth, operations and
// watchers. They become one, under the first name, when no call is under way in either;
// until then nothing more leaves from them.

// apart reports whether an entity of the operation is one of two that have still to become one.
func (o *Op) apart() (apart bool) {
	o.parts(func(p *part) {
		if n := p.entity.space.names; n != nil {
			for _, pair := range n.apart {
				apart = apart || pair.First == p.entity.id || pair.Server == p.entity.id
			}
		}
	})
	return apart
}

// callingApart is the operation whose call prevents that the entity becomes one with another,
// or nil.
func (ent *Entity) callingApart() *Op {
	if ent.space.names == nil {
		return nil
	}
	for _, pair := range ent.space.names.apart {
		for _, id := range [...]string{pair.First, pair.Server} {
			if other := ent.space.entities[id]; other != nil && other.calling() && (pair.First == ent.id || pair.Server == ent.id) {
				return other.lane.flight
			}
		}
	}
	return nil
}

// calling reports whether a call of the entity is under way.
func (ent *Entity) calling() (calling bool) {
	if f := ent.lane.flight; f != nil {
		f.parts(func(p *part) { calling = calling || p.entity == ent })
	}
	return calling
}

// uniteAll makes one of each two entities that are one, and have no call under way. spaces
// are those of the entities that the Step that runs has touched.
func (e *Engine) uniteAll() {
	for i := 0; i < len(e.touched); i++ { // uniting may add some
		s := e.touched[i].entity.space
		if s.names == nil {
			continue
		}
		for j := 0; j < len(s.names.apart); {
			p := s.names.apart[j]
			if !e.unite(p) {
				j++
				continue
			}
			s.names.apart = append(s.names.apart[:j:j], s.names.apart[j+1:]...)
			e.apart--
		}
	}
	e.rebase(nil)
}

// unite makes one entity of the two that have the names of a pair, unless a call is under way.
func (e *Engine) unite(p *Name) bool {
	s := p.Space
	from := s.entities[p.Server]
	if from == nil { // it has been forgotten
		p.apart = false
		return true
	}
	if ent := s.entities[p.First]; from.calling() || ent != nil && ent.calling() {
		return false
	}
	ent := e.entity(s, p.First)
	p.apart = false
	t := e.touch(ent)
	t.outside = t.outside || from.pins > 0 // those who saw the other have to see this one
	e.touch(from)
	ent.latest = max(ent.latest, from.latest)
	if ent.doubt == nil {
		ent.doubt = from.doubt
	}
	for q := from.first; q != nil; q = from.first {
		e.moveTo(ent, q)
	}
	// The truth held under the server's name enters as if it came now, and was read when it came.
	e.adopt(ent, Truth{Presence: from.presence, Value: from.truth, Version: from.version, ReadAt: max(from.settledAt, 1)})
	ent.floor = max(ent.floor, from.floor)
	from.doubt = nil
	from.truth, from.presence, from.version, from.floor, from.latest = nil, NotLoaded, 0, 0, 0
	e.drop(from)
	if from.pins > 0 {
		n := s.names
		if n.united == nil {
			n.united = make(map[*Entity]*Entity)
		}
		n.united[from] = ent
		ent.pins++ // by all who hold the other
	}
	e.emit(Effect{Kind: EntitiesUnited, Entity: ent, Value: from})
	e.wake(ent.lane)
	return true
}

// moveTo makes a part one of another entity, at its position.
func (e *Engine) moveTo(ent *Entity, p *part) {
	o, from := p.op, p.entity
	linked := o.linked()
	if linked {
		e.leaveLanes(o)
	}
	parked, held := o.state == Parked, o.held != notHeld
	e.remove(p)
	p.entity, p.stands = ent, false
	e.insert(p)
	if parked {
		ent.parked++
	}
	if held {
		from.held--
		ent.held++
	}
	if linked {
		e.joinLanes(o)
	}
	e.markDirty(ent, p)
	e.suspect(o)
	e.wakeOp(o)
}

// Now is the record that stands for one that somebody has held for long: the same, unless
// it has become part of another.
func (ent *Entity) Now() *Entity {
	if n := ent.space.names; n != nil {
		if to := n.united[ent]; to != nil {
			return to.Now()
		}
	}
	return ent
}
