package engine

// Undo brings the slot of an operation back to the wish before it: the wish of the
// operation that it superseded, else truth. An operation that has not left is taken out of
// the fold, or that wish takes its place; after it has left, an inverse is sent behind it.
//
// What came before an operation is remembered beside the operations, for the newest of those
// whose type can be undone, and in memory only. So other types pay nothing, and a tap pays
// for one entry of a list. Of an operation that is not remembered any more, or was restored,
// the fold still tells the value before it, as long as it is unsettled.

// maxBefores is how many operations are remembered.
const maxBefores = 100

// before is what an operation found when it was accepted.
type before struct {
	op       *Op
	value    any // the view; of a group: []Was, and presence is nothing
	presence Presence
	// superseded had the wish of the slot then, and had not left. nil: none had.
	superseded *Op
	// sweeping: it ended a creation, and operations on it, so that nothing is left to put back.
	sweeping bool
}

// Was is how one entity of a group was before it.
type Was struct {
	Value    any
	Presence Presence
}

// befores is a ring. Invariant: next is where the oldest is, once it is full.
type befores struct {
	all  []before
	next int
}

// remember notes what an operation that is about to be accepted finds. The first word about
// an operation counts.
func (e *Engine) remember(b *before) {
	if !b.op.Type.Undoable {
		return
	}
	r := &e.befores
	newest := r.next - 1
	if newest < 0 {
		newest = len(r.all) - 1
	}
	switch {
	case newest >= 0 && r.all[newest].op == b.op:
	case len(r.all) < maxBefores:
		r.all = append(r.all, *b)
	default:
		r.all[r.next] = *b
		if r.next++; r.next == maxBefores {
			r.next = 0
		}
	}
}

// rememberAs has an operation that is put in the place of another, by no tap, stand for the
// tap of the other.
func (e *Engine) rememberAs(o, older *Op) {
	if b := e.beforeOf(older); b != nil {
		again := *b
		again.op = o
		e.remember(&again)
	}
}

// beforeOf is what the operation found, or nil when that is not remembered.
func (e *Engine) beforeOf(o *Op) *before {
	for i := range e.befores.all {
		if b := &e.befores.all[i]; b.op == o {
			return b
		}
	}
	return nil
}

// UndoWay is how an operation is undone.
type UndoWay uint8

const (
	NothingToUndo UndoWay = iota // it came to nothing, or has been undone: by Undoing.By
	TakeOut                      // it leaves the fold, and nothing is sent
	PutBack                      // an operation with the wish of Undoing.Wish takes its place
	Invert                       // an inverse of it is sent, of Undoing.Value
)

// Undoing says how an operation would be undone now.
type Undoing struct {
	Way      UndoWay
	By       *Op
	Wish     *Op
	Value    any // before the operation; of a group: []Was, in the order of its entities
	Presence Presence
}

// Undoing says how an operation would be undone, or why it cannot be.
func (e *Engine) Undoing(o *Op) (Undoing, error) {
	if by := o.UndoneBy(); by != nil {
		return Undoing{By: by}, nil
	}
	b := e.beforeOf(o)
	switch unsent := o.state == Waiting && !o.left; {
	case o.outcome == RolledBack || o.outcome == Cancelled:
		return Undoing{By: o}, nil
	case o.state == Parked:
		return Undoing{Way: TakeOut}, nil
	case unsent && b != nil && b.superseded != nil:
		return Undoing{Way: PutBack, Wish: b.superseded}, nil
	case unsent && (b == nil || !b.sweeping):
		return Undoing{Way: TakeOut}, nil
	case o.state == Ended && b == nil:
		return Undoing{}, ErrSettled
	case o.changedSince():
		return Undoing{}, ErrChangedSince
	case b == nil && o.Group():
		was := make([]Was, 0, 1+len(o.ext.group))
		o.parts(func(p *part) {
			value, presence := p.before()
			was = append(was, Was{value, presence})
		})
		return Undoing{Way: Invert, Value: was}, nil
	case b == nil:
		value, presence := o.part.before()
		return Undoing{Way: Invert, Value: value, Presence: presence}, nil
	}
	return Undoing{Way: Invert, Value: b.value, Presence: b.presence}, nil
}

// UndoneBy is the operation that has undone this one, or nil. One that came to nothing has
// not, nor has one that was undone itself.
func (o *Op) UndoneBy() *Op {
	if o.ext == nil || o.ext.undoneBy == nil {
		return nil
	}
	by := o.ext.undoneBy
	if by.outcome == RolledBack || by.outcome == Cancelled || by.UndoneBy() != nil {
		return nil
	}
	return by
}

// changedSince reports whether the slot no longer holds what the operation wrote, as far as
// anybody can say.
func (o *Op) changedSince() (changed bool) {
	if o.Type.Pessimistic && o.state != Ended { // the view does not show it
		for p := o.part.next; p != nil; p = p.next {
			changed = changed || p.op.sharesSlot(o)
		}
		return changed
	}
	o.parts(func(p *part) {
		ent := p.entity.space.Find(p.entity.id)
		if ent == nil {
			return
		}
		if value, presence := ent.View(); presence != NotLoaded {
			so, known := p.wants(value, presence)
			changed = changed || known && !so
		}
	})
	return changed
}

// Undo undoes an operation, in the way that Undoing told since the last Step.
type Undo struct {
	Op      *Op
	Earlier *Op      // PutBack: a fresh operation with the type, the arguments and the slot of Wish
	Inverse *Execute // Invert: the inverse
	By      *Op      // the engine sets it: the operation that undoes Op, or Op, if it is that alone
}

func (in *Undo) step(e *Engine) error { return e.undo(in) }

func (e *Engine) undo(in *Undo) error {
	o := in.Op
	u, err := e.Undoing(o)
	if err != nil {
		return err
	}
	var by *Op
	switch {
	case u.Way == NothingToUndo:
		in.By = u.By
		return nil
	case u.Way == TakeOut:
		in.By = o
		return e.cancel(Cancel{Op: o})
	case u.Way == PutBack && in.Earlier != nil:
		by = in.Earlier
		err = e.putBack(o, by)
	case u.Way == Invert && in.Inverse != nil:
		by = in.Inverse.Op
		if o.state != Ended && !in.Inverse.removes(o) {
			in.Inverse.After = append(in.Inverse.After, o)
		}
		err = e.execute(in.Inverse)
	default:
		err = ErrInvalid
	}
	if err != nil {
		return err
	}
	in.By = o.UndoneWith(by)
	return nil
}

// UndoneWith notes that an operation which was accepted undoes this one, also where it was no Undo
// that had it accepted, and returns the one that it has joined, or it.
func (o *Op) UndoneWith(by *Op) *Op {
	if joined := by.JoinedTo(); joined != nil {
		by = joined
	}
	if by.ext != nil {
		by.ext.undoneBy = nil // the inverse joined it, so its wish holds again
	}
	o.more().undoneBy = by
	return by
}

// removes reports whether the inverse will stand on the creation that it undoes, and so goes
// with it in any case.
func (in *Execute) removes(creation *Op) bool {
	ent := in.found()
	if ent == nil || !in.Op.deletes() {
		return false
	}
	c := ent.creationUpTo(ent.last)
	return c != nil && c.op == creation
}

// putBack lets an operation with the wish that an unsent one superseded take its place.
func (e *Engine) putBack(o, earlier *Op) error {
	ent := o.part.entity
	e.touch(ent)
	if err := earlier.fitsInPlaceOf(o); err != nil {
		return err
	}
	if !o.handsOn(earlier) {
		return ErrUnstored
	}
	if err := checkStored(earlier, earlier.Type.Kind, ent, o.part.prev); err != nil {
		return err
	}
	earlier.raiseTimestamp(ent)
	return e.supersede(o, earlier, Merged{Rule: TakeSecond})
}

// undone reports whether an inverse waits behind the operation, so that no person needs to
// decide about it.
func (o *Op) undone() bool { return o.UndoneBy() != nil }

// leavesInverse lets the inverse n of an operation that comes to nothing go on without it,
// where the server may have the operation: nobody else would take it back there.
func (e *Engine) leavesInverse(o, n *Op) bool {
	if n != o.ext.undoneBy || !o.mayBeDone() && o.state != InFlight {
		return false
	}
	n.ext.deps = without(n.ext.deps, o)
	e.wakeOp(n)
	return true
}
