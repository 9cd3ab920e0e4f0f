package optimist

import (
	"context"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Group defines one type of operation that touches several entities, also of several
// stores: applied, settled and rolled back in all of them in one step. Like Mutation,
// but it coalesces with nothing.
type Group[A any] struct {
	Type string // required, unique in a manager
	// Parts lists the effects of the operation on its entities, each entity once, at most
	// 200. It is data, as the functions of its parts are, and called once per operation and
	// process.
	Parts func(A) []Part
	// ServerID says that the server makes the ids of the entities that the group makes; see
	// Mutation.ServerID. The answer tells each in the Truth.ID of its entity.
	ServerID bool
	// Refs lists the full names of entities whose ids at the server Send has to know, those
	// of Parts too; see Mutation.Refs.
	Refs func(A) []string
	// Send tells the server, and returns truth about any entities. Entities about
	// which it says nothing keep their prediction.
	Send func(ctx context.Context, c Call[A]) ([]EntityTruth, error)
	// Resolve decides when the server holds something else, which a Send says by an error of class
	// Conflicting, together with truth about any of the entities. It must be pure. Nil: a
	// conflict is a failure, for nobody knows whether half of what was wanted makes sense.
	Resolve func(GroupConflict[A]) Decision[A]

	// Undo plans the inverse of an operation that has left, for [Handle.Undo], from its
	// arguments and the values before it. See Mutation.Undo.
	Undo func(u GroupUndone[A]) Planned

	OnSuccess func(A, Result)
	OnError   func(A, Result)
	User      func(A) string
	Clone     func(A) A
	Policy    Policy
	Stored    Stored[A]
}

// Part is the effect of a group on one entity. Store.Part, Store.CreatePart and
// Store.DeletePart make it.
type Part struct {
	part engine.Part
	m    *Manager
	err  error
}

// Part changes an entity.
func (s *Store[T]) Part(id string, apply func(T) (T, error)) Part {
	return s.part(id, Change, apply)
}

// CreatePart makes an entity if it is not there.
func (s *Store[T]) CreatePart(id string, apply func(T) (T, error)) Part {
	return s.part(id, Create, apply)
}

// DeletePart removes an entity.
func (s *Store[T]) DeletePart(id string) Part { return s.part(id, Delete, nil) }

func (s *Store[T]) part(id string, kind Kind, apply func(T) (T, error)) Part {
	p := Part{m: s.m, err: s.err}
	switch {
	case p.err != nil:
	case id == "":
		p.err = errorf.New("%w: a part of store %q has no id", ErrInvalid, s.space.Name)
	case apply == nil && kind != Delete:
		p.err = errorf.New("%w: the part of %s:%s has no apply function", ErrInvalid, s.space.Name, id)
	}
	p.part = engine.Part{Space: s.space, Entity: id, Kind: engine.Kind(kind)}
	if apply != nil {
		p.part.Apply = func(value, _ any) (any, error) {
			after, err := apply(as[T](value))
			if err != nil {
				return nil, sound("apply", err)
			}
			return after, nil
		}
	}
	return p
}

// EntityTruth is truth about a named entity. Store.EntityTruth makes it.
type EntityTruth struct {
	m        *Manager
	received engine.EntityTruth
	err      error
}

// EntityTruth is truth about an entity of the store, for the answer of a Group of the same
// manager. Of another one it is ignored, which is an event of kind [event.TruthRefused].
func (s *Store[T]) EntityTruth(id string, t Truth[T]) EntityTruth {
	told := EntityTruth{m: s.m, err: s.needs("EntityTruth", id)}
	if told.err == nil {
		if told.err = t.invalid(); told.err != nil {
			told.err = errorf.New("truth of %s:%s: %w", s.space.Name, id, told.err)
		}
		told.received = engine.EntityTruth{Space: s.space, Entity: id, Truth: t.told(s.m)}
	}
	return told
}

// received takes the truths in the answer of a group, as far as it is about this manager's
// stores. The engine of another one is not ours to write into.
func (m *Manager) received(typ string, told []EntityTruth) []engine.EntityTruth {
	all := make([]engine.EntityTruth, 0, len(told))
	for i, t := range told {
		err := t.err
		switch {
		case t.m == nil && err == nil:
			err = errorf.New("%w: truth %d is empty; Store.EntityTruth makes one", ErrInvalid, i)
		case t.m != m && err == nil:
			err = errorf.New("%w: truth %d is of another manager's store", ErrInvalid, i)
		}
		if err != nil {
			m.report(Event{Kind: event.TruthRefused, Type: typ, Err: err})
			continue
		}
		all = append(all, t.received)
	}
	return all
}

// GroupAction executes operations of one registered group.
type GroupAction[A any] struct {
	executor[A]
	def Group[A]
}

// RegisterGroup makes a group known, as Register does.
func RegisterGroup[A any](m *Manager, def Group[A]) *GroupAction[A] {
	g := &GroupAction[A]{def: def}
	switch {
	case m == nil:
		g.err = errorf.New("%w: RegisterGroup needs a manager", ErrInvalid)
	case def.Parts == nil:
		g.err = errorf.New("%w: Parts is nil", ErrInvalid)
	}
	g.m = m
	g.define(def.Type, def.Clone, def.User, def.Refs, def.OnSuccess, def.OnError, def.Stored)
	t := &g.typ
	t.ServerID, t.parts = def.ServerID, func(args any) ([]engine.Part, error) { return g.parts(*args.(*A)) }
	if def.Send != nil {
		t.send = func(f *flight, answer *engine.Answer) error {
			told, err := def.Send(&f.ctx, callOf[A](f))
			answer.More = m.received(def.Type, told)
			return err
		}
	}
	if def.Resolve != nil {
		t.Resolve = g.resolve
	}
	if def.Undo != nil {
		t.undo = g.undo
	}
	g.register("group", def.Policy)
	return g
}

// parts asks the program which entities an operation touches.
func (g *GroupAction[A]) parts(args A) (members []engine.Part, err error) {
	var parts []Part
	if err := contain("parts", func() { parts = g.def.Parts(args) }); err != nil {
		return nil, errorf.New("%w: %w", ErrInvalid, err)
	}
	if len(parts) == 0 {
		return nil, errorf.New("%w: the group has no parts", ErrInvalid)
	}
	for i, p := range parts {
		switch {
		case p.err != nil:
			return nil, p.err
		case p.m == nil || p.m != g.m:
			return nil, errorf.New("%w: part %d is of no store of this manager", ErrInvalid, i)
		}
		if apply := p.part.Apply; apply != nil {
			p.part.Apply = func(value, args any) (any, error) {
				g.m.enterLocked(&g.typ.label)
				return apply(value, args)
			}
		}
		members = append(members, p.part)
	}
	return members, nil
}

// Execute applies the operation in all its entities at once, or in none.
func (g *GroupAction[A]) Execute(ctx context.Context, args A, after ...*Handle) (*Handle, error) {
	var p Planned
	g.plan(&p, "", args, after)
	return p.start(ctx, nil)
}

// Plan prepares an operation for Manager.Batch. Problems show there.
func (g *GroupAction[A]) Plan(args A, after ...*Handle) (p Planned) {
	g.plan(&p, "", args, after)
	return p
}
