package engine

// An entity is unsure when an operation has ended although the server may have it: the
// operation was taken back and nobody answered its call, or its budget was spent on
// attempts without an answer. Nothing is sent again for it. Truth that is
// newer than the doubt ends it. Of closures see closure.go.

// doubt is the uncertainty about an entity.
type doubt struct {
	since   Time   // a read that began then or later ends it
	version uint64 // truth of this version, or a later one, ends it
}

// Unsure reports whether an operation of the entity has ended although the server may
// have it, and no newer truth has come since. Of closures see the effects.
func (ent *Entity) Unsure() bool { return ent.doubt != nil }

// leaveDoubt notes that nobody knows whether the server has an operation that has ended.
func (e *Engine) leaveDoubt(o *Op) {
	switch {
	case o.outcome == Confirmed:
		return
	case o.Type.Closure:
		e.leaveSlotDoubt(o)
		return
	}
	o.parts(func(p *part) {
		ent := p.entity
		if p.contained {
			return
		}
		version := ent.version + 1
		if o.state == Acked && p.index == 0 && !o.ext.silent {
			version = max(version, o.ext.version)
		}
		if ent.doubt != nil {
			version = max(version, ent.doubt.version)
		}
		e.note(ent)
		ent.doubt = &doubt{since: e.now, version: version}
		e.emit(Effect{Kind: TruthUnsure, Op: o, Entity: ent})
	})
}

// reassure ends an entity's doubt: newer truth is held.
func (e *Engine) reassure(ent *Entity) {
	if ent.doubt != nil {
		e.note(ent)
		ent.doubt = nil
		e.emit(Effect{Kind: TruthSure, Entity: ent})
	}
}

// endedBy reports whether truth t, which came and is not older than the truth held, is
// newer than the doubt. Truth that says neither a version nor when it was read is as new as its
// arrival.
func (d *doubt) endedBy(t Truth) bool {
	switch {
	case t.Presence == NotLoaded:
		return false
	case t.Version >= d.version, t.ReadAt != 0 && t.ReadAt >= d.since:
		return true
	}
	return t.Version == 0 && t.ReadAt == 0
}

// inDoubt reports whether nobody knows what the server holds: it may get, or may have got, an
// operation that has ended otherwise, or the value held is of an earlier era.
func (e *Engine) inDoubt(o *Op) bool {
	return o.part.entity.inDoubt() || e.slotUnsure(o)
}

func (ent *Entity) inDoubt() bool {
	f := ent.lane.flight
	return ent.doubt != nil || ent.outlived || f != nil && f.state == Ended && f.outcome != Confirmed
}
