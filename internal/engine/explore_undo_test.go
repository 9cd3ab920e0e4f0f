package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func init() { exploreLike.Undoable = true }

// undoWorld is a world in which the last tap on "like a" can be undone: at the end it must be
// as if it had never been.
type undoWorld struct {
	*world
	last   *Op  // the tap, or the operation that it joined; or that undid it
	before bool // the state before it, and after it
	after  bool
	undone *Op // the operation that was undone last, with no tap after it
	by     *Op
	likes  []*Op // all of them
}

func newUndoWorld() *undoWorld { return &undoWorld{world: newWorld()} }

func (w *undoWorld) liked() bool {
	value, _ := w.ent(0).View()
	v, _ := value.(model)
	return v.Like
}

func (w *undoWorld) tapLike() error {
	w.before = w.liked()
	w.undone, w.by = nil, nil
	if err := w.tap(0, false); err != nil {
		return err
	}
	w.after = !w.before
	w.last = w.tapped
	w.likes = append(w.likes, w.last)
	if joined := w.last.JoinedTo(); joined != nil {
		w.last = joined
		was, _ := w.e.beforeOf(joined).value.(model) // the shared one is undone
		w.before = was.Like
	}
	return nil
}

// undo undoes the last tap, or undo.
func (w *undoWorld) undo() error {
	o := w.last
	u, err := w.e.Undoing(o)
	if errors.Is(err, ErrChangedSince) && w.liked() != w.after {
		return nil
	}
	if err != nil {
		return err
	}
	in := &Undo{Op: o}
	w.stamp++
	fresh := func(typ *Type, args any) *Op {
		return &Op{Type: typ, Args: args, Slot: "like", Timestamp: w.stamp}
	}
	switch u.Way {
	case NothingToUndo:
		return nil
	case PutBack:
		in.Earlier = fresh(u.Wish.Type, u.Wish.Args)
		w.known = append(w.known, in.Earlier)
	case Invert:
		was, _ := u.Value.(model)
		in.Inverse = &Execute{Space: w.space, Entity: entityNames[0], Op: fresh(o.Type, wish{on: was.Like})}
		w.known = append(w.known, in.Inverse.Op)
	}
	if err := w.step(in); err != nil {
		return err
	}
	w.likes = append(w.likes, in.By)
	if w.liked() != w.before && !w.failed(o, in.By) {
		return fmt.Errorf("undone by %d, and %v is shown", in.By.seq, w.liked())
	}
	w.intents[0][0].void = true // what follows is looked at here
	w.undone, w.by = o, in.By
	w.last, w.before, w.after = in.By, w.after, w.before
	return nil
}

// failed reports whether another like has come to nothing, which may have been the wish before.
func (w *undoWorld) failed(but ...*Op) bool {
	return slices.ContainsFunc(w.likes, func(o *Op) bool { return o.outcome == RolledBack && !slices.Contains(but, o) })
}

func (w *undoWorld) calmDown() error {
	if err := w.world.calmDown(); err != nil {
		return err
	}
	o, by := w.undone, w.by
	if o == nil {
		return nil
	}
	switch {
	case by == o, by.outcome == Confirmed, by.outcome == Superseded: // it came about
	case o.outcome == RolledBack: // they came to nothing together
	default:
		return nil // the inverse failed
	}
	if w.failed(o, by) {
		return nil
	}
	if by.Conflict() == TookTheirs || o.Conflict() == TookTheirs {
		return nil
	}
	if holds := w.servers[0].value.Like; holds != w.after {
		return fmt.Errorf("the tap that made it %v was undone, and the server holds %v", !w.after, holds)
	}
	return nil
}

func (w *undoWorld) fingerprint() []byte {
	b := w.world.fingerprint()
	op := func(o *Op) {
		if o == nil {
			b = append(b, 0)
			return
		}
		bits := byte(0)
		for i, f := range []bool{o.left, o.Args.(wish).on, o.unknown, o.comesAfter(), o.waitsForOthers(), o.UndoneBy() != nil, o.changedSince()} {
			if f {
				bits |= 1 << i
			}
		}
		b = append(b, 1, byte(o.state), byte(o.outcome), bits)
		b = binary.AppendUvarint(b, uint64(o.calls))
		if f := w.e.beforeOf(o); f != nil {
			was, _ := f.value.(model)
			b = fmt.Append(b, was.Like, f.superseded != nil && f.superseded.Args.(wish).on)
		}
	}
	op(w.last)
	op(w.undone)
	op(w.by)
	for o := range w.ent(0).Ops {
		op(o)
	}
	return fmt.Append(b, w.before, w.after, w.failed(w.undone, w.by))
}

func TestExploreUndo(t *testing.T) {
	var all []choice[*undoWorld]
	add := func(name string, enabled func(*undoWorld) bool, do func(*undoWorld) error) {
		all = append(all, choice[*undoWorld]{name, enabled, do})
	}
	add("tap like a", func(*undoWorld) bool { return true }, (*undoWorld).tapLike)
	add("undo", func(w *undoWorld) bool { return w.last != nil }, (*undoWorld).undo)
	for _, c := range choices() {
		switch { // faults after which the last tap itself may rightly come to nothing
		case c.name == "tap like a", c.name == "tap like b", strings.Contains(c.name, "broken"), strings.Contains(c.name, "early"),
			strings.Contains(c.name, "lagging"), strings.Contains(c.name, "old list"), strings.Contains(c.name, "cancel"),
			strings.Contains(c.name, "roll back"), strings.Contains(c.name, "crash"):
			continue
		}
		add(c.name, func(w *undoWorld) bool { return c.enabled(w.world) }, func(w *undoWorld) error { return c.do(w.world) })
	}
	explore(t, newUndoWorld, all, min(*exploreTime, 5*time.Second))
}
