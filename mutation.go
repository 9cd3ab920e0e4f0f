package optimist

import (
	"context"
	"errors"
	"reflect"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Kind is the effect of an operation on the existence of its entity.
type Kind uint8

const (
	// Change needs the entity: it waits invisibly while nothing is known of it, and is
	// refused when it is known to be absent.
	Change Kind = iota
	// Create makes an entity whose id is new. Apply gets the zero value, or the truth that
	// is there already, because an answer was lost or a push came first: it must leave
	// alone the fields that only the server knows. Operations on the entity before the server
	// has it stand on the creation, and go with it. For an id that the server may hold, use a
	// Change whose Send upserts.
	Create
	// Delete removes it; Apply is not used. A creation that never left is taken back with it,
	// without a call.
	Delete
)

// Mutation defines one type of operation on entities of a store. Its functions are data,
// which the package documentation explains, except Send and the callbacks OnSuccess and
// OnError: they are pure, must not call the manager, and may run under its lock.
type Mutation[T, A any] struct {
	Type string // such as "like"; required, unique in a manager
	Kind Kind

	// Slot names the piece of the entity that the operation writes, such as the user
	// whose like it is. A newer operation of a slot replaces one that has not left,
	// and one that changes nothing is not sent. Nil: each operation is a slot of its
	// own, and every one is sent.
	Slot func(A) string
	// ServerID says of a Create that the server makes the id: the program executes it under
	// an id of its own, unlike any that the server makes and never used before. Everything
	// that is held keeps that first id. The answer tells the server's in Truth.ID, and it
	// fails for good without (ErrNoServerID); from then on both find the entity. No call ever
	// has the first id in Call.Entity or Call.Refs: until the other is known, operations on
	// the entity wait, and go with the creation when it fails.
	ServerID bool
	// Refs lists the full names ("post:42") of entities to which arguments refer, by either
	// id: Send finds their ids at the server in Call.Refs. An operation that refers to an
	// entity whose id the server has still to make is sent after its creation, and goes with
	// it when that fails. Nil: none.
	Refs func(A) []string

	// Family lets types see each other's slots: "edit" and "delete" of one comment.
	// Empty: the type's own name.
	Family string

	// Apply makes sure of a state ("liked"), it does not step towards one ("one more
	// like"): truth that already contains the operation may lie under it. An error
	// refuses the operation, or undoes it when it comes later.
	Apply func(T, A) (T, error)
	// Guard is a precondition on the state, checked at the call and at each rebase;
	// when it no longer holds the operation is rolled back. Nil: none.
	Guard func(T, A) error

	// Send tells the server. It must return when ctx ends. Its answer is a [Truth]; see
	// [Fail] for its failures. Beside an error of class Conflicting the server's truth is
	// expected, beside one of class Permanent it is taken if it is there. A Send that lasts
	// longer than Retry.Timeout tells its progress: see [Call.Progress].
	//
	// An error that Send does not classify is Transient, and after the retries the change
	// is rolled back. It is Unknown when ctx has ended, or when it is context.Canceled or
	// context.DeadlineExceeded, also of a context of the transport's own. A connection that
	// was lost after the request had left looks Transient to a transport, and the server
	// may have done it. Where this matters, say so (or Offline, where nothing can have
	// left), and let StatusError read the answer. Package httpsend does so for net/http:
	//
	//	Send: httpsend.Send(client, request, truth),
	Send func(ctx context.Context, c Call[A]) (Truth[T], error)

	// Fulfilled reports whether a value is as args wished. When the server accepts the
	// operation and then holds a value that is not, the result is Confirmed, but Success is
	// false and Conflict is TookTheirs. Nil: the type does not say, and an accepted
	// operation is a success; see Result.Differs.
	Fulfilled func(T, A) bool

	// Resolve decides when the server holds something else. Nil: LastWriterWins.
	Resolve func(Conflict[T, A]) Decision[A]

	// Undo plans the inverse of an operation that has left, for [Handle.Undo]: the Plan of
	// u for one of this type, or that of another action, as for a deletion. The
	// empty Planned says that this operation has no inverse. Nil: operations of this type
	// cannot be undone.
	Undo func(u Undone[T, A]) Planned

	// At most one of OnSuccess and OnError runs, once, after the operation has
	// been confirmed or rolled back. They may call the manager, but not
	// Flush or Close, which wait for them.
	OnSuccess func(A, Result)
	OnError   func(A, Result)

	// User tells whose operation it is, for Call and events. Nil: nobody's.
	User func(A) string
	// Clone copies arguments, so that a caller's later changes to them reach nobody.
	// Nil: copied by reflection, which needs exported fields.
	Clone func(A) A

	// Barrier: the operation commutes with nothing, and coalescing never crosses it.
	Barrier bool
	// Pessimistic: the operation shows when it is confirmed.
	Pessimistic bool

	Policy Policy
	// Stored says how operations are written to the journal. The zero value keeps them
	// in memory only.
	Stored Stored[A]
}

// Action executes operations of one registered type. Methods are safe for concurrent
// use.
type Action[T, A any] struct {
	anyAction
	def   Mutation[T, A]
	clone func(A) A
}

// anyAction is an Action without its types: a program carries its code once.
type anyAction struct {
	store *anyStore
	typ   opType
	err   error // why the definition cannot work
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

// Register makes a type of operation known. A definition that cannot work gives an
// action whose calls fail with the reason, which is also in Manager.Err.
func Register[T, A any](s *Store[T], def Mutation[T, A]) *Action[T, A] {
	a := newAction(s, def)
	a.register(def.Policy)
	return a
}

func newAction[T, A any](s *Store[T], def Mutation[T, A]) *Action[T, A] {
	a := &Action[T, A]{def: def}
	if s != nil {
		a.store = &s.anyStore
	}
	a.clone, a.err = clonerOf(def.Clone)
	t := &a.typ
	t.Name, t.Family, t.Kind, t.Barrier, t.Pessimistic = def.Type, def.Family, engine.Kind(def.Kind), def.Barrier, def.Pessimistic
	if def.Apply != nil {
		t.Apply = a.apply
	}
	if def.Guard != nil {
		t.Guard = func(value, args any) error {
			v, _ := value.(T) // nil is a value of an interface type
			return def.Guard(v, *args.(*A))
		}
	}
	if def.Fulfilled != nil {
		t.Fulfilled = func(value, args any) bool {
			v, _ := value.(T)
			return def.Fulfilled(v, *args.(*A))
		}
	}
	if def.Resolve != nil {
		t.Resolve = a.resolve
	}
	if def.Send != nil {
		t.send = a.send
	}
	if def.Slot != nil {
		t.slot = func(args any) string { return def.Slot(*args.(*A)) }
	}
	if def.User != nil {
		t.user = func(args any) string { return def.User(*args.(*A)) }
	}
	if t.Undoable = def.Undo != nil; t.Undoable {
		t.undo = a.undo
	}
	if a.store != nil && a.store.m != nil {
		a.store.m.setNames(t, def.ServerID, refsErased(def.Refs))
	}
	t.SameArgs = sameArgsOf[A]()
	t.settled = settledOf(def.OnSuccess, def.OnError)
	t.codec = codecOf(def.Stored)
	t.adoptArgs = func(m *Manager, args any) *Handle { return newTyped(m, t, *args.(*A)) }
	return a
}

// register makes the type known, if its definition can work.
func (a *anyAction) register(policy Policy) {
	t := &a.typ
	if err := a.check(policy); err != nil {
		a.err = errorf.New("mutation %q: %w", t.Name, err)
		a.noteInvalid(a.err)
		return
	}
	t.space, t.Owner = a.store.space, t
	if t.Family == "" {
		t.Family = t.Name
	}
	if fulfilled, m := t.Fulfilled, a.store.m; fulfilled != nil {
		t.Fulfilled = func(value, args any) (so bool) {
			m.enterLocked(&t.label)
			err := contain("fulfilled", func() { so = fulfilled(value, args) })
			if err != nil {
				m.publishLocked(Event{Kind: CallbackPanicked, Type: t.Name, Err: err})
			}
			return so || err != nil // nobody can say
		}
	}
	if guard := t.Guard; guard != nil {
		t.Guard = func(value, args any) error {
			a.store.m.enterLocked(&t.label)
			return sound("guard", guard(value, args))
		}
	}
	if t.slot == nil && policy.Debounce == (Debounce{}) {
		policy.Debounce = Debounce{Wait: NoDebounce}
	}
	a.store.m.register(t, policy)
}

// check says why the definition cannot work.
func (a *anyAction) check(policy Policy) error {
	t, s := &a.typ, a.store
	switch {
	case s == nil:
		return errorf.New("%w: Register needs a store", ErrInvalid)
	case s.err != nil:
		return s.err
	case t.Kind > engine.Kind(Delete):
		return errorf.New("%w: Kind must be Change, Create or Delete, not %d", ErrInvalid, uint8(t.Kind))
	case a.err != nil:
		return a.err
	case t.ServerID && t.Kind != engine.Kind(Create):
		return errorf.New("%w: ServerID is for creations, and Kind is not Create", ErrInvalid)
	case t.Apply == nil && t.Kind != engine.Kind(Delete):
		return errorf.New("%w: Apply is nil", ErrInvalid)
	}
	return s.m.checkType(t, policy)
}

// noteInvalid notes that a definition cannot work, where Manager.Err tells it.
func (a *anyAction) noteInvalid(err error) {
	if a.store != nil && a.store.m != nil {
		a.store.m.noteInvalid(err)
	}
}

func (m *Manager) noteInvalid(err error) {
	if errors.Is(err, ErrStuck) || m.lock() != nil {
		return // the definition was made inside of a function that is data
	}
	m.known.invalid = append(m.known.invalid, err)
	m.mu.Unlock()
}

// checkType says why a type of operations cannot work, as far as all kinds of them have
// it in common.
func (m *Manager) checkType(t *opType, policy Policy) error {
	switch {
	case t.Name == "":
		return errorf.New("%w: Type is empty", ErrInvalid)
	case t.send == nil:
		return errorf.New("%w: Send is nil", ErrInvalid)
	case t.codec.half:
		return errorf.New("%w: Stored needs both Encode and Decode", ErrInvalid)
	}
	if err := m.lock(); err != nil {
		return err
	}
	known := m.known.types[t.Name] != nil
	m.mu.Unlock()
	if known {
		return errorf.New("%w: the type is registered already", ErrInvalid)
	}
	if err := checkVersion(t.codec.version); err != nil {
		return err
	}
	return policy.validate()
}

func (m *Manager) register(t *opType, policy Policy) {
	t.setPolicy(policy.withDefaults(m.opts.Policy))
	t.label = label{"type", t.Name}
	t.Stored = m.disk != nil && t.codec.encode != nil
	m.mu.Lock()
	m.known.types[t.Name] = t
	if m.disk != nil {
		if err := m.tooLateLocked(t.Name); err != nil {
			m.known.invalid = append(m.known.invalid, err)
		}
	}
	m.mu.Unlock()
}

// refsErased is Mutation.Refs without its type; nil for nil.
func refsErased[A any](refs func(A) []string) func(args any) []string {
	if refs == nil {
		return nil
	}
	return func(args any) []string { return refs(*args.(*A)) }
}

func (a *Action[T, A]) apply(value, args any) (any, error) {
	var v T
	if value != nil {
		v = value.(T)
	}
	a.store.m.enterLocked(&a.typ.label)
	after, err := a.def.Apply(v, *args.(*A))
	if err != nil {
		return nil, sound("apply", err)
	}
	return after, nil
}

func (a *Action[T, A]) send(ctx context.Context, h *Handle, at attempt) (engine.Truth, []engine.EntityTruth, error) {
	t, err := a.def.Send(ctx, callOf[A](ctx, h, at))
	if wrong := t.invalid(); wrong != nil {
		h.m.report(Event{Kind: TruthRefused, Entity: h.Entity(), ID: h.id(at.restored), Type: at.typ.Name, Err: wrong})
	}
	return t.told(h.m), nil, err
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

// Execute applies an operation at once and sends it after its debounce. It returns when the
// change is in the view, without waiting for network or disk; ctx governs this call alone.
// With after, the operation is sent only when those have reached the server, and goes with
// them when one fails. With a journal, an operation that is stored can only come after
// operations that are stored as well, or have settled: else ErrInvalid, because after a
// restart nobody would know how the other ended.
//
// An error means that nothing changed.
func (a *Action[T, A]) Execute(ctx context.Context, id string, args A, after ...*Handle) (*Handle, error) {
	if a.err != nil {
		return nil, a.err
	}
	args, err := captured(a.clone, args)
	if err != nil {
		return nil, a.typ.refused(id, err)
	}
	return newTyped(a.store.m, &a.typ, args).submit(ctx, id, nil, after)
}

// submit has a new operation accepted. It knows no type parameters: programs carry
// one copy of it. derive, if not nil, sets the arguments from the entity, under the
// Manager's lock.
func (h *Handle) submit(ctx context.Context, id string, derive func(*engine.Entity) error, after []*Handle) (*Handle, error) {
	m, typ := h.m, typeOf(&h.op)
	if id == "" {
		return nil, typ.refused(id, errorf.New("%w: the id is empty", ErrInvalid))
	}
	var deps []*engine.Op
	var err error
	if len(after) > 0 {
		if deps, err = opsOf(m, after); err != nil {
			return nil, typ.refused(id, err)
		}
	}
	e := entry{execute: engine.Execute{Space: typ.space, Entity: id, Op: &h.op, After: deps}}
	var prepare func() error
	if derive == nil {
		e.encoded, err = typ.prepare(&h.op)
	} else {
		prepare = func() (err error) {
			m.enterLocked(&typ.label)
			if err = derive(typ.space.Find(id)); err == nil {
				e.encoded, err = typ.prepare(&h.op)
			}
			return err
		}
	}
	if err != nil {
		return nil, typ.refused(id, err)
	}
	h.awaited = typ.codec.wait && typ.Stored
	e.over = contextErr(ctx)
	if err := m.accept(&e, prepare); err != nil {
		return nil, typ.refused(id, err)
	}
	h, joined := h.shared()
	if err := h.waitForDisk(ctx, joined); err != nil {
		return nil, typ.refused(id, err)
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
		encoded, err = t.codec.encodeArgs(o.Args)
	}
	return encoded, err
}

// sameArgsOf compares arguments behind pointers.
func sameArgsOf[A any]() func(a, b any) bool {
	if t := reflect.TypeFor[A](); t.Comparable() && t.Kind() != reflect.Interface {
		return func(a, b any) bool { return any(*a.(*A)) == any(*b.(*A)) }
	}
	return func(a, b any) bool { return reflect.DeepEqual(*a.(*A), *b.(*A)) }
}
