package engine

import "slices"

// Truth may come under the server's name of an entity before anybody knows that it is the
// one made here. Or the server tells two creations one and the same name. Then two records are
// held of one entity, each with its own truth, operations and watchers. They become one, under
// the first name that was paired first, when no call is under way in either; until then nothing
// more leaves from them.

// two are the names under which there may be two records of the entity of a pair: that of from
// becomes part of that of to.
func (p *Name) two() (from, to string) {
	if p.of != nil {
		return p.First, p.of.First
	}
	return p.Server, p.First
}

// leaveTwins forgets what a pair has to do with others of its entity.
func (n *names) leaveTwins(p *Name) {
	switch {
	case p.of != nil:
		if i := slices.Index(p.of.twins, p); i >= 0 {
			p.of.twins = slices.Delete(p.of.twins, i, i+1)
		}
	case n.server[p.Server] != p:
	case len(p.twins) == 0:
		delete(n.server, p.Server)
	default:
		heir := p.twins[0]
		n.server[p.Server] = heir
		heir.of, heir.twins = nil, p.twins[1:]
		for _, q := range heir.twins {
			q.of = heir
		}
	}
}

// OtherNames are the names of the entity other than its first one, in the order in which they
// were told.
func (ent *Entity) OtherNames() (all []string) {
	if ent.space.names == nil {
		return nil
	}
	p := ent.space.names.first[ent.id]
	if p == nil || p.Server == "" || p.Server == p.First {
		return nil
	}
	all = append(all, p.Server)
	for _, q := range p.twins {
		if !q.apart {
			all = append(all, q.First)
		}
	}
	return all
}

// apart reports whether an entity of the operation is one of two that have still to become one.
func (o *Op) apart() (apart bool) {
	o.parts(func(p *part) {
		if n := p.entity.space.names; n != nil {
			for _, pair := range n.apart {
				from, to := pair.two()
				apart = apart || p.entity.id == from || p.entity.id == to
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
		from, to := pair.two()
		for _, id := range [...]string{to, from} {
			if other := ent.space.entities[id]; other != nil && other.calling() && (to == ent.id || from == ent.id) {
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
	fromID, id := p.two()
	from := s.entities[fromID]
	if from == nil { // it has been forgotten
		p.apart = false
		return true
	}
	if ent := s.entities[id]; from.calling() || ent != nil && ent.calling() {
		return false
	}
	ent := e.entity(s, id)
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
	truth := Truth{Presence: from.presence, Value: from.truth, Version: from.version, ReadAt: max(from.settledAt, 1)}
	fresh := e.takeOver(ent, from)
	for q := ent.first; q != nil; q = q.next {
		if ent.creationUpTo(q.prev) == nil {
			e.free(q) // the server has it, or a deletion lies between
		}
	}
	e.taken(ent, truth, fresh, fresh)
	from.doubt, from.unread = nil, false
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

// takeOver takes over the truth of a record that becomes part of ent, with all that is known of
// it, if that is the newer one, and reports that.
func (e *Engine) takeOver(ent, from *Entity) bool {
	ent.unread = ent.unread || from.unread
	if !from.newerThan(ent) {
		ent.settledAt = max(ent.settledAt, from.settledAt)
		return false
	}
	was := ent.presence
	if ent.outlived && !from.outlived {
		e.leaveEra(ent)
	}
	ent.settledAt = max(ent.settledAt, from.settledAt)
	ent.truth, ent.presence, ent.outlived = from.truth, from.presence, from.outlived
	ent.predicted, ent.derived, ent.unversioned = from.predicted, from.derived, from.unversioned || from.version == 0 && ent.version != 0
	ent.version, ent.floor = max(ent.version, from.version), max(ent.floor, from.floor)
	ent.place(from.Position())
	e.truthMoved(ent, was)
	e.emit(Effect{Kind: TruthTaken, Entity: ent})
	return true
}

// newerThan reports whether the truth of one record is newer than that of another of the same
// entity.
func (ent *Entity) newerThan(other *Entity) bool {
	switch {
	case ent.presence == NotLoaded || other.presence == NotLoaded && other.version == 0:
		return ent.presence != NotLoaded
	case ent.version == 0:
		return ent.settledAt >= other.settledAt
	case other.version == 0:
		return true
	}
	a, b := max(ent.version, ent.floor), max(other.version, other.floor)
	return a > b || a == b && other.unversioned && !ent.unversioned
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
	p.entity = ent
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
	if p.next != nil {
		e.markDirty(ent, p.next) // it has not seen p, also where the value of p stays
	}
	if parked || held {
		e.suspectBehind(o) // others are behind it now
	}
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
