package engine

import "slices"

// The state of a closure lives outside of the engine, and so does its truth. The engine
// knows only the base of each operation: the state that its slot held before the
// operation, as the program or the server said. A closure that wants its base needs no
// call; one that leaves gives its base back to the next closure of the slot; a state that the
// server tells becomes the base of all that follow.
//
// When an operation has ended although the server may have it, its slot is unsure. No record
// of an entity would last that long, so the unsure slots are kept in a list of their own.

// base is the state that a closure's slot held before the operation.
type base struct {
	state any
	known bool
}

// SetBase tells the state that a closure's slot held before the operation.
func (o *Op) SetBase(state any) { o.more().base = base{state, true} }

// base is the state of the slot before the operation, as far as anybody said.
func (o *Op) base() base {
	if o.ext == nil {
		return base{}
	}
	return o.ext.base
}

// is reports whether the slot is known to have held a state.
func (b base) is(state any) bool { return b.known && sameState(b.state, state) }

// movesSlot reports whether a closure found another state outside than it wants.
func (o *Op) movesSlot() bool {
	return o.Type.Closure && o.base().known && !o.base().is(o.Args)
}

// sameState compares two states outside; states that cannot be compared differ.
func sameState(a, b any) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return a == b
}

// takeBaseOf gives a closure the base of the one whose place it takes.
func (o *Op) takeBaseOf(older *Op) {
	if b := older.base(); b.known && o.Type.Closure {
		o.SetBase(b.state)
	}
}

// giveBaseBack gives this closure's base to the next one of the slot.
func (o *Op) giveBaseBack() {
	b := o.base()
	for p := o.part.next; p != nil && b.known; p = p.next {
		if p.op.sharesSlot(o) {
			p.op.SetBase(b.state)
			return
		}
	}
}

// leaveBase makes the state that the server holds now the base of later closures of the
// slot.
func (o *Op) leaveBase(state any) {
	for p := o.part.entity.first; p != nil; p = p.next {
		if p.op.pos > o.pos && p.op.sharesSlot(o) && p.op.base().known {
			p.op.SetBase(state)
		}
	}
}

// leaveOldBase tells later closures of the slot that the server did not get this one: its
// base is theirs.
func (o *Op) leaveOldBase() {
	if b := o.base(); b.known {
		o.leaveBase(b.state)
	}
}

// outsideMoves notes that the state outside of the engine was changed, or must be.
func (e *Engine) outsideMoves(ent *Entity) { e.touch(ent).outside = true }

// adoptOutside has the state outside brought to the server's.
func (e *Engine) adoptOutside(o *Op, state any) {
	e.outsideMoves(o.part.entity)
	e.emit(Effect{Kind: Adopt, Op: o, Entity: o.part.entity, Value: state})
}

// closureSucceeded ends a closure. The server may tell the state of its slot; if
// that is not the wanted one, the state outside is brought to it.
func (e *Engine) closureSucceeded(o *Op, t Truth) {
	e.touch(o.part.entity)
	state := o.Args
	if t.Presence == Present && !sameState(t.Value, o.Args) {
		state = t.Value
		e.adoptOutside(o, state)
		e.gaveWay(o)
	}
	o.leaveBase(state)
	e.endSlotDoubt(o)
	e.confirm(o, o.part.entity)
}

// adoptLate brings the state outside to the server's after a call whose operation had
// been taken back.
func (e *Engine) adoptLate(o *Op, t Truth) {
	state := o.Args
	if t.Presence == Present {
		state = t.Value
	}
	o.leaveBase(state)
	doubted := e.endSlotDoubt(o) // the base was a guess
	if doubted || !o.base().is(state) {
		e.adoptOutside(o, state)
	}
}

// maxUnsureSlots bounds the slots of closures that are remembered as unsure.
const maxUnsureSlots = 256

// slotName names a slot of a closure, also after its entity has been forgotten.
type slotName struct {
	space                *Space
	entity, family, slot string
}

func (o *Op) slotName() slotName {
	ent := o.part.entity
	return slotName{ent.space, ent.id, o.Type.Family, o.Slot}
}

// slotUnsure reports whether the server's state of the operation's slot is unknown.
func (e *Engine) slotUnsure(o *Op) bool {
	return len(e.unsureSlots) > 0 && slices.Contains(e.unsureSlots, o.slotName())
}

// leaveSlotDoubt notes that the server's state of a closure's slot is unknown. Of a slot
// without a base nothing could end the doubt, so it is only told.
func (e *Engine) leaveSlotDoubt(o *Op) {
	if o.base().known {
		if e.slotUnsure(o) {
			return
		}
		if len(e.unsureSlots) == maxUnsureSlots {
			e.unsureSlots = slices.Delete(e.unsureSlots, 0, 1)
		}
		e.unsureSlots = append(e.unsureSlots, o.slotName())
	}
	e.emit(Effect{Kind: TruthUnsure, Op: o, Entity: o.part.entity})
}

// endSlotDoubt notes that the server told the state of a closure's slot, and reports
// whether the slot was unsure.
func (e *Engine) endSlotDoubt(o *Op) bool {
	i := slices.Index(e.unsureSlots, o.slotName())
	if i < 0 {
		return false
	}
	if e.unsureSlots = slices.Delete(e.unsureSlots, i, i+1); len(e.unsureSlots) == 0 {
		e.unsureSlots = nil
	}
	e.emit(Effect{Kind: TruthSure, Op: o, Entity: o.part.entity})
	return true
}
