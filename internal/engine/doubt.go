package engine

import "slices"

// maxDoubts bounds the slots of closures that are remembered as doubtful.
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

// leaveDoubt notes that nobody knows whether the server has an operation that was
// taken back. The truth of an entity of closures is nowhere, so no record of it would
// last: their slots are kept in a list of their own, without the oldest when it is full.
func (e *Engine) leaveDoubt(o *Op) {
	switch {
	case o.outcome == Confirmed:
	case !o.Type.Closure:
		o.parts(func(p *part) { p.entity.doubt = true })
	case o.ext != nil && o.ext.hasBase && !slices.Contains(e.doubts, o.slotName()):
		if len(e.doubts) == maxDoubts {
			e.doubts = slices.Delete(e.doubts, 0, 1)
		}
		e.doubts = append(e.doubts, o.slotName())
	}
}

// endDoubt notes that the server told what a closure's slot holds, and reports whether
// that was in doubt.
func (e *Engine) endDoubt(o *Op) bool {
	i := slices.Index(e.doubts, o.slotName())
	if i < 0 {
		return false
	}
	if e.doubts = slices.Delete(e.doubts, i, i+1); len(e.doubts) == 0 {
		e.doubts = nil
	}
	return true
}

// inDoubt reports whether the server may get, or may have got, what was taken back.
func (e *Engine) inDoubt(o *Op) bool {
	ent := o.part.entity
	if f := ent.lane.flight; f != nil && f.state == Ended && f.outcome != Confirmed {
		return true
	}
	return ent.doubt || slices.Contains(e.doubts, o.slotName())
}
