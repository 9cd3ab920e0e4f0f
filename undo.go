package optimist

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Undone is an operation that is to be undone: the argument of Mutation.Undo.
type Undone[T, A any] struct {
	Entity string // its id
	Args   A
	// Before is the value that the user saw before the operation; the zero value where
	// Presence is not Present.
	Before   T
	Presence Presence

	action *Action[T, A]
}

// Plan is an operation of the same type on the same entity, with other arguments.
func (u Undone[T, A]) Plan(args A) Planned {
	if u.action == nil {
		return Planned{err: errorf.New("%w: this Undone is of no action", ErrInvalid)}
	}
	return u.action.Plan(u.Entity, args)
}

// undo asks the program for the inverse of an operation.
func (a *Action[T, A]) undo(o *engine.Op, before any, presence engine.Presence) Planned {
	return a.def.Undo(Undone[T, A]{
		Entity: o.Entity().ID(), Args: a.clone(*o.Args.(*A)), Before: as[T](before), Presence: Presence(presence), action: a,
	})
}

// GroupUndone is a group that is to be undone: the argument of Group.Undo. [UndoneIn] has the
// value before it in each of its entities.
type GroupUndone[A any] struct {
	Args A

	action *GroupAction[A]
	op     *engine.Op
	was    []engine.Was // in the order of its entities
}

// Plan is an operation of the same group with other arguments.
func (u GroupUndone[A]) Plan(args A) Planned {
	if u.action == nil {
		return Planned{err: errorf.New("%w: this GroupUndone is of no group", ErrInvalid)}
	}
	return u.action.Plan(args)
}

// UndoneIn is the group as one of its entities knows it, for as long as Group.Undo runs. It is
// false if the entity is none of the group's. Its Plan is an error: the group is undone in all
// its entities, by one operation.
func UndoneIn[T, A any](u GroupUndone[A], s *Store[T], id string) (in Undone[T, A], found bool) {
	if s == nil || u.op == nil {
		return in, false
	}
	was := u.was
	for ent := range u.op.Entities {
		if len(was) == 0 {
			break
		}
		if s.has(ent, id) {
			return Undone[T, A]{Entity: ent.ID(), Args: u.Args, Before: as[T](was[0].Value), Presence: Presence(was[0].Presence)}, true
		}
		was = was[1:]
	}
	return in, false
}

// undo asks the program for the inverse of a group.
func (g *GroupAction[A]) undo(o *engine.Op, before any, _ engine.Presence) Planned {
	was, _ := before.([]engine.Was)
	return g.def.Undo(GroupUndone[A]{Args: g.clone(*o.Args.(*A)), action: g, op: o, was: was})
}

// Undo takes a tap back: it brings its slot back to the wish before it, which is the wish of
// the operation that it superseded, else truth. It works for types that declare it (toggles
// do; see Mutation.Undo), and returns the handle of the operation that undoes this one, at
// once, as Execute does.
//
//	not left yet           the wish before takes its place, without a call if that is truth
//	left, or acknowledged  its inverse waits behind it, and goes with it if it fails
//	parked                 it is discarded
//	settled                its inverse is executed on the state of today
//	failed, or cancelled   there is nothing to undo
//
// Where no other operation is needed, the handle returned is the operation's own: it has
// ended then. An operation that several calls share is undone for all of them. A second Undo
// returns the handle of the first, unless that one came to nothing or was undone itself: to
// undo the operation that was returned is to redo this one.
//
// A tap on a [ToggleUpdate] is undone by another tap on it, also after the newest 100 and after
// ClearAll, as long as the screen shows what it wrote. An [Update] has no inverse: ErrInvalid.
//
// It returns ErrChangedSince when the slot no longer holds what the operation wrote, and
// ErrSettled when the operation has ended and is not among the newest 100 of this life of the
// process, also after ClearAll. An error means that nothing changed.
func (h *Handle) Undo(ctx context.Context) (*Handle, error) {
	switch {
	case h.empty():
		return nil, errNoHandle
	case h.aside():
		return nil, h.m.quarantinedErr(h)
	}
	if typeOf(&h.op).tapBack != nil {
		return h.undoToggle(ctx)
	}
	in := engine.Undo{Op: &h.op}
	var by []*engine.Op
	err := h.m.accept(contextErr(ctx), func() (err error) {
		by, err = h.planUndoLocked(&in)
		return err
	}, func() error { return h.m.passLocked(&in, by...) })
	if err == nil && in.Inverse != nil {
		err = handleOf(in.By).waitForDisk(ctx, in.By != in.Inverse.Op)
	}
	if err != nil {
		return nil, h.refusedUndo(err)
	}
	return handleOf(in.By), nil
}

// planUndoLocked completes an Undo by the operation that it needs, if it needs one.
func (h *Handle) planUndoLocked(in *engine.Undo) (ops []*engine.Op, err error) {
	m, o, typ := h.m, &h.op, typeOf(&h.op)
	switch {
	case typ.undo != nil:
	case o.Type.Closure:
		return nil, errorf.New("%w: an Update has no inverse; execute one that does the opposite", ErrInvalid)
	default:
		return nil, errorf.New("%w: the type declares no inverse", ErrInvalid)
	}
	u, err := m.engine.Undoing(o)
	if err != nil {
		return nil, err
	}
	var by *Handle
	switch u.Way {
	case engine.PutBack:
		by = typeOf(u.Wish).adoptArgs(m, u.Wish.Args)
		by.op.Slot = u.Wish.Slot
		in.Earlier = &by.op
	case engine.Invert:
		m.enterLocked(&typ.label)
		var p Planned
		if err := contain("undo", func() { p = typ.undo(o, u.Value, u.Presence) }); err != nil {
			return nil, errorf.New("%w: %w", ErrApply, err)
		}
		switch {
		case p.err != nil:
			return nil, p.err
		case p.handle == nil:
			return nil, errorf.New("%w: the type declares no inverse of this operation", ErrInvalid)
		case p.handle.m != m:
			return nil, errorf.New("%w: the inverse is of another manager", ErrInvalid)
		case p.handle.used:
			return nil, errorf.New("%w: the inverse was executed already", ErrInvalid)
		}
		by = p.handle
		by.used, by.awaited = true, typeOf(&by.op).awaited()
		in.Inverse = &p.execute
	default:
		return nil, nil
	}
	return []*engine.Op{&by.op}, nil
}

// errTapBack says that a tap on a ToggleUpdate is undone by another one, which is still to be
// made, or which another call of Undo has just made.
var errTapBack = errors.New("optimist: undone by another tap")

// undoToggle undoes the tap of a ToggleUpdate. Its inverse is a tap on the same toggle, which
// coalesces as any other, so that it needs no dependency: of a tap that failed it is net zero,
// and where the server may have it nevertheless, the slot is in doubt and the inverse is sent.
func (h *Handle) undoToggle(ctx context.Context) (*Handle, error) {
	for {
		in := engine.Undo{Op: &h.op}
		err := h.m.accept(contextErr(ctx), func() error {
			// An error says that it has ended: of closures the engine remembers no more.
			if u, err := h.m.engine.Undoing(&h.op); err != nil || u.Way == engine.Invert {
				return errTapBack
			}
			return nil
		}, func() error { return h.m.passLocked(&in) })
		switch {
		case err == nil:
			return handleOf(in.By), nil
		case err != errTapBack:
			return nil, h.refusedUndo(err)
		}
		if by, err := typeOf(&h.op).tapBack(ctx, h); !errors.Is(err, errTapBack) {
			return by, err
		}
	}
}

func (h *Handle) refusedUndo(err error) error {
	return refused(h.op.Type.Name, h.Entity(), errorf.New("undo: %w", err))
}

// mayTapBack reports why a tap that leads to a state cannot undo h. A nil h is no tap that is
// to be undone.
func (h *Handle) mayTapBack(to any) error {
	if h == nil {
		return nil
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	switch {
	case h.op.UndoneBy() != nil:
		return errTapBack
	case h.op.Args == to:
		return errorf.New("undo: %w", ErrChangedSince)
	}
	return nil
}
