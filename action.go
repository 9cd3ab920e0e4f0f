package optimist

import (
	"cmp"
	"context"
	"errors"
	"reflect"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/policy"
)

// executor is the part of an Action and of a GroupAction that knows the type of the
// arguments, and no other.
type executor[A any] struct {
	anyAction
	clone func(A) A
}

// anyAction is an Action or a GroupAction without its types: a program carries its code once.
type anyAction struct {
	m   *Manager
	typ opType
	err error // why the definition cannot work
}

// typedHandle is a handle with its arguments: one allocation for both.
type typedHandle[A any] struct {
	Handle
	args A
}

func newTyped[A any](m *Manager, typ *opType, args A) *Handle {
	th := &typedHandle[A]{args: args}
	h := &th.Handle
	h.m = m
	h.op.Type, h.op.Args, h.op.Owner = &typ.Type, &th.args, h
	return h
}

// define takes the functions of a definition that know the arguments alone.
func (x *executor[A]) define(name string, clone func(A) A, user func(A) string, refs func(A) []string, onSuccess, onError func(A, Result), stored Stored[A]) {
	var err error
	if x.clone, err = clonerOf(clone); x.err == nil {
		x.err = err
	}
	t := &x.typ
	t.Name, t.Owner, t.SameArgs = name, t, sameArgsOf[A]()
	t.user = ofArgs(user)
	if refs != nil {
		t.Refs = x.m.refsOf(&t.label, ofArgs(refs))
	}
	t.settled = settledOf(onSuccess, onError)
	t.codec = codecOf(stored)
	t.adoptArgs = func(m *Manager, args any) *Handle { return newTyped(m, t, *args.(*A)) }
}

// ofArgs is a function of the arguments as the engine calls it; nil for nil.
func ofArgs[A, R any](f func(A) R) func(args any) R {
	if f == nil {
		return nil
	}
	return func(args any) R { return f(*args.(*A)) }
}

// ofValue is ofArgs for a function of an entity's value and the arguments.
func ofValue[T, A, R any](f func(T, A) R) func(value, args any) R {
	if f == nil {
		return nil
	}
	return func(value, args any) R { return f(as[T](value), *args.(*A)) }
}

// settledOf calls the one callback that an end asks for; nil when there are none.
func settledOf[A any](onSuccess, onError func(A, Result)) func(*Handle, Result) {
	if onSuccess == nil && onError == nil {
		return nil
	}
	return func(h *Handle, r Result) {
		args := *h.op.Args.(*A)
		switch {
		case r.Outcome == Confirmed && onSuccess != nil:
			onSuccess(args, r)
		case r.Outcome == RolledBack && onError != nil:
			onError(args, r)
		}
	}
}

// sameArgsOf compares arguments behind pointers.
func sameArgsOf[A any]() func(a, b any) bool {
	if t := reflect.TypeFor[A](); t.Comparable() && t.Kind() != reflect.Interface {
		return func(a, b any) bool { return any(*a.(*A)) == any(*b.(*A)) }
	}
	return func(a, b any) bool { return reflect.DeepEqual(*a.(*A), *b.(*A)) }
}

// register makes the type known, if its definition can work. kind is its word in errors.
func (a *anyAction) register(kind string, own Policy) {
	given := own.given()
	err := cmp.Or(a.err, a.check(given))
	if err == nil {
		a.complete(given)
		err = a.add()
	}
	if err != nil {
		a.err = errorf.New("%s %q: %w", kind, a.typ.Name, err)
		a.m.noteInvalid(a.err)
	}
}

// check says why the definition cannot work.
func (a *anyAction) check(given *policy.Policy) error {
	t := &a.typ
	err := t.Check(t.parts != nil)
	if err == nil && t.send == nil {
		err = errorf.New("%w: Send is nil", ErrInvalid)
	}
	return cmp.Or(err, t.codec.Check(), given.Check())
}

// complete fills in the parts of the type that were left out, and contains its functions.
func (a *anyAction) complete(given *policy.Policy) {
	t, m := &a.typ, a.m
	if t.Family == "" {
		t.Family = t.Name
	}
	if fulfilled := t.Fulfilled; fulfilled != nil {
		t.Fulfilled = func(value, args any) (so bool) {
			m.enterLocked(&t.label)
			err := contain("fulfilled", func() { so = fulfilled(value, args) })
			if err != nil {
				m.publishLocked(Event{Kind: event.CallbackPanicked, Type: t.Name, Err: err})
			}
			return so || err != nil // nobody can say
		}
	}
	if guard := t.Guard; guard != nil {
		t.Guard = func(value, args any) error {
			m.enterLocked(&t.label)
			return sound("guard", guard(value, args))
		}
	}
	m.setPolicy(t, given, t.slot != nil)
	t.label, t.Undoable = label{"type", t.Name}, t.undo != nil
	t.Stored = m.disk != nil && t.codec.Encode != nil
	if t.ServerID {
		m.naming.Store(true)
	}
}

// add makes the type known.
func (a *anyAction) add() error {
	m := a.m
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	err := m.known.AddType(&a.typ.Type)
	if err == nil && m.disk != nil {
		if late := m.disk.out.TooLate(a.typ.Name); late != nil {
			m.known.Refuse(late)
		}
	}
	return err
}

// noteInvalid notes that a definition cannot work, where Manager.Err tells it.
func (m *Manager) noteInvalid(err error) {
	if m == nil || errors.Is(err, ErrStuck) || m.lock() != nil {
		return // there is no manager, or the definition was made inside of a function that is data
	}
	m.known.Refuse(err)
	m.mu.Unlock()
}

// Planned is an operation that has not been executed yet, for Manager.Batch.
type Planned struct {
	handle  *Handle // nil: the definition cannot work, and err says so
	execute engine.Execute
	encoded []byte // the arguments, if they will be journaled
	err     error
}

// plan prepares an operation. That of a group has no id: its parts name its entities.
func (x *executor[A]) plan(p *Planned, id string, args A, after []*Handle) {
	switch {
	case x.err != nil:
		p.err = x.err
		return
	case x.m == nil:
		p.err = errorf.New("%w: the action is empty; Register and RegisterGroup make one", ErrInvalid)
		return
	}
	args, err := captured(x.clone, args)
	p.of(newTyped(x.m, &x.typ, args), id)
	if err != nil {
		p.err = err
	}
	p.prepare(after)
}

// of says whose operation it is. It knows no type parameters, as all that follows.
func (p *Planned) of(h *Handle, id string) {
	typ := typeOf(&h.op)
	p.handle, p.execute.Op, p.execute.Space, p.execute.Entity = h, &h.op, typ.space, id
	if id == "" && typ.parts == nil {
		p.err = errorf.New("%w: the id is empty", ErrInvalid)
	}
}

// prepare asks the program for all that the operation needs to be accepted.
func (p *Planned) prepare(after []*Handle) {
	h := p.handle
	typ := typeOf(&h.op)
	if p.err == nil && typ.parts != nil {
		p.execute.Group, p.err = typ.parts(h.op.Args)
	}
	if p.err == nil {
		p.encoded, p.err = typ.prepare(&h.op)
	}
	if p.err == nil && len(after) > 0 {
		p.execute.After, p.err = opsOf(h.m, after)
	}
}

func (p *Planned) refused(err error) error {
	if p.handle == nil {
		return err
	}
	return typeOf(&p.handle.op).refused(p.execute.Entity, err)
}

// start has the operation accepted. derive, if not nil, sets the arguments from the entity,
// under the Manager's lock; nothing is prepared then.
func (p *Planned) start(ctx context.Context, derive func(*engine.Entity) error) (*Handle, error) {
	if p.err != nil {
		return nil, p.refused(p.err)
	}
	h := p.handle
	typ := typeOf(&h.op)
	h.awaited = typ.awaited()
	var prepare func() error
	if derive != nil {
		prepare = func() (err error) {
			h.m.enterLocked(&typ.label)
			if err = derive(typ.space.Find(p.execute.Entity)); err == nil {
				p.encoded, err = typ.prepare(&h.op)
			}
			return err
		}
	}
	if err := h.m.accept(contextErr(ctx), prepare, func() error { return h.m.executeLocked(p) }); err != nil {
		return nil, p.refused(err)
	}
	h, joined := h.shared()
	if err := h.waitForDisk(ctx, joined); err != nil {
		return nil, p.refused(err)
	}
	return h, nil
}

// prepare asks the program for the operation's slot, and encodes its arguments when
// they will be journaled.
func (t *opType) prepare(o *engine.Op) (encoded []byte, err error) {
	if t.slot != nil {
		err = contain("slot", func() { o.Slot = t.slot(o.Args) })
		switch {
		case err != nil:
			err = errorf.New("%w: %w", ErrInvalid, err)
		case o.Slot == "":
			err = errorf.New("%w: Slot returned an empty name", ErrInvalid)
		}
	}
	if err == nil && t.Stored {
		encoded, err = t.encodeArgs(o.Args)
	}
	return encoded, err
}
