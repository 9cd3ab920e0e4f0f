package engine

// Truth is the word of the server about one entity.
type Truth struct {
	Presence Presence // Unknown: no value was said
	Value    any
	Version  uint64    // 0: none
	At       Timestamp // of the last change, 0: not said
	By       string    // client of the last change
	ID       string    // the server's name of an entity that was made here
	Contains []string
	Era      uint64 // 0: the one held
	// Wrote, in an answer, is the version of the write, where the value told is older.
	Wrote uint64
	// ReadAt is when the read began that found this truth, for truth without a
	// version. 0: it is as new as its arrival.
	ReadAt Time
	// Position is the place of the change in the server's feed. 0: not said.
	Position uint64
}

// receive takes truth that came by push or refetch, and settles the operations that it
// contains.
func (e *Engine) receive(in *Receive) {
	e.meet(in.Truth.Era)
	if in.Space.names != nil {
		e.learnPushed(&in.EntityTruth)
	}
	ent := e.entity(in.Space, in.Entity)
	e.touch(ent)
	in.Old = !e.adopt(ent, in.Truth) && in.Truth.Presence != NotLoaded
	if in.Reread {
		e.endOfRead(ent, in.Truth.Presence != NotLoaded)
	}
	e.rebase(nil)
}

// adopt takes truth and settles every operation that the truth then held contains,
// without refolding. covered: the truth then held is at least as new as t.
func (e *Engine) adopt(ent *Entity, t Truth) (covered bool) {
	fresh, covered := e.take(ent, t)
	e.taken(ent, t, fresh, covered)
	return covered
}

// taken settles the operations that the truth held contains, after t came.
func (e *Engine) taken(ent *Entity, t Truth, fresh, covered bool) {
	if fresh {
		e.touch(ent).told = true
	}
	if covered && ent.doubt != nil && ent.doubt.endedBy(t) {
		e.reassure(ent)
	}
	if f := ent.lane.flight; covered && f != nil && f.state == Ended && len(t.Contains) > 0 && e.names(t, f) {
		f.parts(func(p *part) { p.contained = p.contained || p.entity == ent }) // its answer need not say so any more
	}
	for p := ent.first; p != nil; {
		o, next := p.op, p.next
		switch {
		case covered && len(t.Contains) > 0 && e.names(t, o) && !p.nameless():
			e.nowContained(p)
		case o.state != Acked:
		case o.ext.guess:
			if fresh && e.showsGuess(p) {
				e.confirm(o, o.shownBy(ent))
			}
		case !ent.shows(o, t, fresh):
		default:
			told := ent
			if t.Version != 0 || !fresh {
				told = o.shownBy(ent)
			}
			if t.ReadAt != 0 { // a read since then is at least of that version
				ent.version = max(ent.version, o.ext.version)
			}
			e.confirm(o, told)
		}
		p = next
	}
}

// nowContained notes that the truth held contains an operation, also one that has not left in
// this life: the server's word counts. A group ends when the truth of all its entities
// contains it; until then it is not applied again to the entities whose truth does.
func (e *Engine) nowContained(p *part) {
	o := p.op
	if p.entity.unversioned {
		p.entity.isPast(p.entity.version)
	}
	if o.Group() {
		if !p.contained {
			p.contained = true
			e.markDirty(p.entity, p)
		}
		all := true
		o.parts(func(p *part) { all = all && p.contained })
		if !all {
			return
		}
	}
	if o.state == InFlight {
		e.emit(Effect{Kind: Abort, Op: o})
	}
	e.confirm(o, p.entity)
}

// names reports whether the truth says that it contains the operation.
func (e *Engine) names(t Truth, o *Op) bool {
	for _, id := range t.Contains {
		if o.is(e, id) {
			return true
		}
	}
	return false
}

// shows reports whether, after t came, the truth held is as new as an acknowledged
// operation waits for.
func (ent *Entity) shows(o *Op, t Truth, fresh bool) bool {
	return ent.version >= o.ext.version || fresh && t.Version == 0 && (t.ReadAt == 0 || t.ReadAt >= o.ext.ackedAt)
}

// take replaces the truth held by t, unless t is older (not fresh). It does not refold.
// covered: the truth then held is at least as new as t.
func (e *Engine) take(ent *Entity, t Truth) (fresh, covered bool) {
	if e.isOutlived(t) {
		e.touch(ent)
		e.emit(Effect{Kind: TruthStale, Entity: ent})
		return false, false
	}
	if t.Presence == NotLoaded {
		return false, t.Version != 0 && t.Version <= ent.version
	}
	e.touch(ent)
	ent.latest = max(ent.latest, t.At) // of older truth as well: the truth held came after it
	held := ent.presence != NotLoaded || ent.version != 0
	switch {
	case t.Version != 0 && held && t.Version < max(ent.version, ent.floor):
		e.emit(Effect{Kind: TruthStale, Entity: ent})
		return false, true
	case t.Version != 0 && held && t.Version == ent.version && !ent.unversioned:
		if t.Position != 0 { // it was not said before, or is said again
			ent.place(t.Position)
		}
		return false, true
	case ent.outdates(t):
		e.emit(Effect{Kind: TruthStale, Entity: ent})
		return false, false
	}
	was := ent.presence
	moved := was != t.Presence || !ent.space.same(ent.truth, t.Value)
	ent.truth, ent.presence = t.Value, t.Presence
	if t.Presence == Absent {
		ent.truth = nil
	}
	if t.Version != 0 {
		ent.version = t.Version
	}
	ent.unversioned = t.Version == 0 && ent.version != 0
	if ent.outlived {
		e.leaveEra(ent)
	}
	ent.predicted, ent.derived = false, t.Version == 0
	ent.settledAt = e.now
	ent.place(t.Position)
	if moved {
		e.truthMoved(ent, was)
	}
	e.emit(Effect{Kind: TruthTaken, Entity: ent})
	return true, true
}

// isPast notes that the value held is later than truth of a version, if there are versions.
func (ent *Entity) isPast(version uint64) {
	if version != 0 {
		ent.floor = max(ent.floor, version+1)
	}
}

// outdates reports whether truth without version was read before something settled.
func (ent *Entity) outdates(t Truth) bool {
	return t.Version == 0 && t.ReadAt != 0 && t.ReadAt < ent.settledAt
}

// confirm ends an operation that the server has. Truth of the entity told (nil:
// none) contains it already; into the truth of its other entities it is folded, for
// the server carried the operation out and said no more.
func (e *Engine) confirm(o *Op, told *Entity) {
	e.untie(o)
	var deleted *part
	if o.deletes() {
		deleted = maker(o.part.prev)
	}
	e.leaveLanes(o)
	if told != nil {
		e.touch(told).told = true
	}
	o.parts(func(p *part) {
		e.confirmGuesses(p, told)
		if p.entity != told && !p.contained {
			e.foldIntoTruth(p)
		} else if !o.Type.Closure {
			e.compare(p)
		}
		p.entity.settledAt, p.entity.unversioned = e.now, false
		e.remove(p)
	})
	e.settle(o, Confirmed, nil, nil)
	if deleted != nil && deleted.kind() == Create && deleted.op.state != Acked { // nobody knew whether it was made
		e.endCreation(deleted, o)
	}
}

// foldUntold folds an operation that the server has into the truth of an entity whose value the
// answer does not tell, unless the truth held is of the version of the write, or later. Truth
// from before the write is older than the truth then held.
func (e *Engine) foldUntold(p *part, in *Answer) (folded bool) {
	ent, wrote := p.entity, in.wrote(p.entity)
	if wrote != 0 && wrote <= ent.version {
		return false
	}
	if !p.contained {
		e.foldIntoTruth(p)
	}
	if wrote != 0 && ent.presence != NotLoaded {
		ent.isPast(wrote - 1)
	}
	return true
}

func (e *Engine) foldIntoTruth(p *part) {
	if p.op.Type.Closure {
		return // the state outside has it already
	}
	ent := p.entity
	value, presence, err := p.apply(ent.truth, ent.presence)
	if err != nil {
		return // the server did it to a truth that we do not have; it will tell
	}
	if presence == ent.presence && ent.space.same(value, ent.truth) {
		return
	}
	e.touch(ent)
	was := ent.presence
	ent.truth, ent.presence = value, presence
	ent.predicted, ent.derived = true, true
	ent.place(0)
	ent.isPast(ent.version)
	e.truthMoved(ent, was)
}
