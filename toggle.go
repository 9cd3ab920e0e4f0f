package optimist

import (
	"context"
	"strings"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Toggle defines a state of an entity that a user switches on and off, such as a
// like. It is a Mutation with the slot, the arguments and the fold filled in.
type Toggle[T any] struct {
	Type string // such as "like"; required
	// Get reads the user's state from a value, Set returns the value with it set.
	Get func(value T, user string) bool
	Set func(value T, user string, on bool) T
	// Send tells the server the wanted state, which is c.Args.On: never "toggle".
	Send func(ctx context.Context, c Call[Switched]) (Truth[T], error)

	Guard     func(value T, s Switched) error
	Resolve   func(Conflict[T, Switched]) Decision[Switched]
	OnSuccess func(Switched, Result)
	OnError   func(Switched, Result)
	Policy    Policy
	Stored    Stored[Switched]
}

// Switched are the arguments of a toggle: who wants which state.
type Switched struct {
	User string `json:"user"`
	On   bool   `json:"on"`
}

// nobody is the slot of no user: no slot at all would be one for each tap.
const nobody = "\x00"

// slotOf is the user, except for none and for those that begin as the slot of none does.
func slotOf(a Switched) string {
	if a.User == "" || strings.HasPrefix(a.User, nobody) {
		return nobody + a.User
	}
	return a.User
}

// Switch executes a registered toggle.
type Switch[T any] struct {
	*Action[T, Switched]
	get func(value T, user string) bool
}

// RegisterToggle makes a toggle known, as Register does.
func RegisterToggle[T any](s *Store[T], t Toggle[T]) *Switch[T] {
	def := Mutation[T, Switched]{
		Type:  t.Type,
		Slot:  slotOf,
		Guard: t.Guard, Send: t.Send, Resolve: t.Resolve, OnSuccess: t.OnSuccess, OnError: t.OnError,
		User:   func(a Switched) string { return a.User },
		Clone:  func(a Switched) Switched { return a },
		Policy: t.Policy, Stored: t.Stored,
	}
	def.Apply = func(v T, a Switched) (T, error) {
		if t.Get(v, a.User) == a.On {
			return v, nil // ensure, so that a count is not counted twice
		}
		return t.Set(v, a.User, a.On), nil
	}
	def.Undo = func(u Undone[T, Switched]) Planned {
		on := !u.Args.On
		if u.Presence == Present {
			on = t.Get(u.Before, u.Args.User)
		}
		return u.Plan(Switched{User: u.Args.User, On: on})
	}
	def.Fulfilled = func(v T, a Switched) bool { return t.Get(v, a.User) == a.On }
	a := newAction(s, def)
	switch {
	case t.Get == nil:
		a.err = errorf.New("%w: Get is nil", ErrInvalid)
	case t.Set == nil:
		a.err = errorf.New("%w: Set is nil", ErrInvalid)
	}
	a.register("mutation", def.Policy)
	return &Switch[T]{Action: a, get: t.Get}
}

// Toggle switches to the opposite of the state that the user sees, in one step with reading
// it. It returns ErrNotLoaded when nothing is known of the entity yet.
func (s *Switch[T]) Toggle(ctx context.Context, id, user string) (*Handle, error) {
	if s.err != nil {
		return nil, s.err
	}
	h := newTyped(s.m, &s.typ, Switched{})
	var p Planned
	p.of(h, id)
	return p.start(ctx, func(ent *engine.Entity) error {
		look := ent.Look()
		switch look.Presence {
		case engine.NotLoaded:
			return errorf.New("%w: receive its truth first, or use Set", ErrNotLoaded)
		case engine.Absent:
			return ErrAbsent
		}
		err := contain("get", func() { *h.op.Args.(*Switched) = Switched{User: user, On: !s.get(as[T](look.Value), user)} })
		if err != nil {
			err = errorf.New("%w: %w", ErrApply, err)
		}
		return err
	})
}

// Set makes sure of a state.
func (s *Switch[T]) Set(ctx context.Context, id, user string, on bool) (*Handle, error) {
	return s.Execute(ctx, id, Switched{User: user, On: on})
}
