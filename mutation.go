package optimist

import (
	"context"

	"github.com/optimist-go/optimist/event"
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
	executor[A]
	def Mutation[T, A]
}

// Register makes a type of operation known. A definition that cannot work gives an
// action whose calls fail with the reason, which is also in Manager.Err.
func Register[T, A any](s *Store[T], def Mutation[T, A]) *Action[T, A] {
	a := newAction(s, def)
	a.register("mutation", def.Policy)
	return a
}

func newAction[T, A any](s *Store[T], def Mutation[T, A]) *Action[T, A] {
	a := &Action[T, A]{def: def}
	if s == nil {
		a.err = errorf.New("%w: Register needs a store", ErrInvalid)
	} else {
		a.m, a.typ.space, a.err = s.m, s.space, s.err
	}
	a.define(def.Type, def.Clone, def.User, def.Refs, def.OnSuccess, def.OnError, def.Stored)
	t := &a.typ
	t.Family, t.Kind, t.ServerID, t.Barrier, t.Pessimistic = def.Family, engine.Kind(def.Kind), def.ServerID, def.Barrier, def.Pessimistic
	if def.Apply != nil {
		t.Apply = a.apply
	}
	t.Guard, t.Fulfilled, t.slot = ofValue(def.Guard), ofValue(def.Fulfilled), ofArgs(def.Slot)
	if def.Resolve != nil {
		t.Resolve = a.resolve
	}
	if def.Send != nil {
		t.send = a.send
	}
	if def.Undo != nil {
		t.undo = a.undo
	}
	return a
}

// as is a value that the engine holds: the zero value for none, also of an interface type.
func as[T any](value any) (t T) {
	t, _ = value.(T)
	return t
}

func (a *Action[T, A]) apply(value, args any) (any, error) {
	a.m.enterLocked(&a.typ.label)
	after, err := a.def.Apply(as[T](value), *args.(*A))
	if err != nil {
		return nil, sound("apply", err)
	}
	return after, nil
}

func (a *Action[T, A]) send(f *flight, answer *engine.Answer) error {
	t, err := a.def.Send(&f.ctx, callOf[A](f))
	if wrong := t.invalid(); wrong != nil {
		a.m.report(Event{Kind: event.TruthRefused, Entity: f.h.Entity(), ID: f.h.id(f.restored), Type: f.typ.Name, Err: wrong})
	}
	answer.Truth = t.told(a.m)
	return err
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
	var p Planned
	a.plan(&p, id, args, after)
	return p.start(ctx, nil)
}

// Plan prepares an operation for Manager.Batch. Problems show there.
func (a *Action[T, A]) Plan(id string, args A, after ...*Handle) (p Planned) {
	a.plan(&p, id, args, after)
	return p
}
