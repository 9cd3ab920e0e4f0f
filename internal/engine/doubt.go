package engine

import "slices"

// An entity is unsure when an operation has ended although the server may have it: the
// operation was taken back and nobody answered its call, or its budget was spent on
// attempts without an answer. Nothing is sent again for it. What the server holds is
// learned from truth that is newer than the doubt.

// doubt is what an entity is unsure about.
type doubt struct {
	since   Time   // a read that began then or later ends it
	version uint64 // truth of this version, or a later one, ends it
}

// maxDoubts bounds the slots of closures that are remembered as unsure.
const maxDoubts = 256

// slotName names a slot of a closure, also after its entity has been forgotten.
type slotName struct {
	space                *Space
	entity, family, slot string
}

func (o *Op) slotName() slotName {
	ent := o.part.entity
	return slotName{ent.space, ent.id, o.Type.Family, o.Slot}
}

// Unsure reports whether an operation of the entity has ended although the server may
// have it, and no newer truth has come since. Of closures see the effects.
func (ent *Entity) Unsure() bool { return ent.doubt != nil }

// leaveDoubt notes that nobody knows whether the server has an operation that has ended.
// The truth of an entity of closures is nowhere, so no record of it would last: their
// slots are kept in a list of their own, without the oldest when it is full.
func (e *Engine) leaveDoubt(o *Op) {
	switch {
	case o.outcome == Confirmed:
		return
	case !o.Type.Closure:
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
			ent.doubt = &doubt{since: e.now, version: version}
			e.emit(Effect{Kind: TruthUnsure, Op: o, Entity: ent})
		})
		return
	case o.ext == nil || !o.ext.hasBase: // nobody knows what its slot held, so nothing can end the doubt
		e.emit(Effect{Kind: TruthUnsure, Op: o, Entity: o.part.entity})
		return
	case slices.Contains(e.doubts, o.slotName()):
		return
	case len(e.doubts) == maxDoubts:
		e.doubts = slices.Delete(e.doubts, 0, 1)
	}
	e.doubts = append(e.doubts, o.slotName())
	e.emit(Effect{Kind: TruthUnsure, Op: o, Entity: o.part.entity})
}

// reassure ends an entity's doubt: newer truth is held.
func (e *Engine) reassure(ent *Entity) {
	if ent.doubt != nil {
		ent.doubt = nil
		e.emit(Effect{Kind: TruthSure, Entity: ent})
	}
}

// endedBy reports whether truth t, which came and is not older than what is held, is newer
// than the doubt. Truth that says neither a version nor when it was read is as new as its
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

// endSlotDoubt notes that the server told what a closure's slot holds, and reports
// whether the slot was unsure.
func (e *Engine) endSlotDoubt(o *Op) bool {
	i := slices.Index(e.doubts, o.slotName())
	if i < 0 {
		return false
	}
	if e.doubts = slices.Delete(e.doubts, i, i+1); len(e.doubts) == 0 {
		e.doubts = nil
	}
	e.emit(Effect{Kind: TruthSure, Op: o, Entity: o.part.entity})
	return true
}

// inDoubt reports whether the server may get, or may have got, an operation that has
// ended otherwise.
func (e *Engine) inDoubt(o *Op) bool {
	return o.part.entity.inDoubt() || len(e.doubts) > 0 && slices.Contains(e.doubts, o.slotName())
}

func (ent *Entity) inDoubt() bool {
	f := ent.lane.flight
	return ent.doubt != nil || f != nil && f.state == Ended && f.outcome != Confirmed
}
