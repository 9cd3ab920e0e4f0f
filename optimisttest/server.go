package optimisttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
)

// Server is a server in memory for the entities of one store. It counts versions per
// entity, applies each idempotency key once and repeats the answer, and names in its
// truth the operations that it contains. Methods are safe for concurrent use.
type Server[T any] struct {
	// Strict: a call whose BaseVersion is not the entity's version is a conflict. Set
	// it before the first call.
	Strict bool

	mu       sync.Mutex
	entities map[string]*entity[T]
	answered map[string]*answered[T] // by operation id
	script   []Fault                 // for the next calls
	scripts  map[string][]Fault      // for the next calls of an entity; these go first
	chaos    Chaos
	calls    []Call
	numbers  map[string]int // calls so far, per entity
	problems []string
}

// entity is one record of the server. It outlives its value, so that versions go on.
type entity[T any] struct {
	there    bool
	value    T
	version  uint64
	at       optimist.Timestamp
	by       string
	contains []string
}

// answered is an operation that was applied.
type answered[T any] struct {
	content string // fingerprint of the content sent with the id
	truth   optimist.Truth[T]
}

// Call is one call that reached the [Server] or was lost on the way.
type Call struct {
	ID      string // of the operation
	Entity  string
	Args    any
	Number  int
	Fault   Fault
	Applied bool  // this call had an effect
	Err     error // of the answer, delivered or lost; nil: success
}

// remembered is the greatest number of operations that a truth names.
const remembered = 32

// NewServer returns a server without entities.
func NewServer[T any]() *Server[T] {
	return &Server[T]{
		entities: make(map[string]*entity[T]), answered: make(map[string]*answered[T]),
		scripts: make(map[string][]Fault), numbers: make(map[string]int),
	}
}

// Put sets an entity, as another client would, and returns the truth to push.
func (s *Server[T]) Put(id string, value T) optimist.Truth[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entityLocked(id)
	e.there, e.value = true, value
	e.changed(optimist.TimestampOf(time.Now()), "somebody else")
	return e.truth()
}

// Remove deletes an entity, as another client would, and returns the truth to push.
func (s *Server[T]) Remove(id string) optimist.Truth[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entityLocked(id)
	var none T
	e.there, e.value = false, none
	e.changed(optimist.TimestampOf(time.Now()), "somebody else")
	return e.truth()
}

// Truth returns the server's present truth. An entity that never existed is absent,
// at version 0.
func (s *Server[T]) Truth(id string) optimist.Truth[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entities[id]; e != nil {
		return e.truth()
	}
	return optimist.Gone[T](0)
}

// Next scripts the faults of the next calls for all entities. The zero [Fault] lets
// a call pass.
func (s *Server[T]) Next(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, faults...)
}

// NextFor scripts the faults of the next calls for one entity. They are used before
// the faults of [Server.Next].
func (s *Server[T]) NextFor(id string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[id] = append(s.scripts[id], faults...)
}

// SetChaos draws the faults of calls that are not scripted. The zero [Chaos] ends
// the faults.
func (s *Server[T]) SetChaos(c Chaos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chaos = c
}

// Calls returns the calls so far, in the order in which they were made.
func (s *Server[T]) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Problems returns the keys that were used for two contents. There are none if the
// definitions under test do not modify their arguments.
func (s *Server[T]) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Verify reports faults after all operations should have settled: views that differ
// from the server's truth, unsettled operations, and [Server.Problems].
func (s *Server[T]) Verify(tb TB, store *optimist.Store[T]) {
	tb.Helper()
	for _, p := range s.Problems() {
		tb.Errorf("%s", p)
	}
	s.mu.Lock()
	ids := make([]string, 0, len(s.entities))
	for id := range s.entities {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	slices.Sort(ids)
	for _, id := range ids {
		view, truth := store.View(id), s.Truth(id)
		switch {
		case view.Pending > 0:
			tb.Errorf("%s has %d unsettled operations", id, view.Pending)
		case view.Presence == optimist.NotLoaded:
			// The client was never told of the entity.
		case view.Presence != truth.Presence || fingerprint(view.Value) != fingerprint(truth.Value):
			tb.Errorf("%s shows %+v (%v), the server holds %+v (%v)", id, view.Value, view.Presence, truth.Value, truth.Presence)
		}
	}
}

func (s *Server[T]) entityLocked(id string) *entity[T] {
	e := s.entities[id]
	if e == nil {
		e = new(entity[T])
		s.entities[id] = e
	}
	return e
}

func (e *entity[T]) changed(at optimist.Timestamp, by string) {
	e.version++
	e.at, e.by = at, by
}

func (e *entity[T]) truth() optimist.Truth[T] {
	t := optimist.Gone[T](e.version)
	if e.there {
		t = optimist.TruthOf(e.value, e.version)
	}
	t.At, t.By, t.Contains = e.at, e.by, slices.Clone(e.contains)
	return t
}

// Change returns a Send function whose operations change entities of the server by
// apply. apply may be the program's own Apply, or an independent definition of the
// right result. An unclassified error of apply is permanent.
func Change[T, A any](s *Server[T], apply func(T, A) (T, error)) func(context.Context, optimist.Call[A]) (optimist.Truth[T], error) {
	return send(s, func(value T, there bool, args A) (T, bool, error) {
		if !there {
			return value, false, optimist.Fail(optimist.Permanent, errNotThere)
		}
		value, err := apply(value, args)
		return value, true, err
	})
}

// Create returns a Send function whose operations create absent entities.
func Create[T, A any](s *Server[T], apply func(T, A) (T, error)) func(context.Context, optimist.Call[A]) (optimist.Truth[T], error) {
	return send(s, func(value T, _ bool, args A) (T, bool, error) {
		value, err := apply(value, args)
		return value, true, err
	})
}

// Delete returns a Send function whose operations remove entities.
func Delete[T, A any](s *Server[T]) func(context.Context, optimist.Call[A]) (optimist.Truth[T], error) {
	return send(s, func(T, bool, A) (none T, there bool, err error) { return none, false, nil })
}

// Toggle returns a Send function for a toggle, with the functions of its definition.
func Toggle[T any](s *Server[T], get func(T, string) bool, set func(T, string, bool) T) func(context.Context, optimist.Call[optimist.Switched]) (optimist.Truth[T], error) {
	return Change(s, func(value T, a optimist.Switched) (T, error) {
		if get(value, a.User) == a.On {
			return value, nil
		}
		return set(value, a.User, a.On), nil
	})
}

// effect is the effect of an operation on an entity of the server.
type effect[T, A any] func(value T, there bool, args A) (T, bool, error)

func send[T, A any](s *Server[T], do effect[T, A]) func(context.Context, optimist.Call[A]) (optimist.Truth[T], error) {
	return func(ctx context.Context, c optimist.Call[A]) (optimist.Truth[T], error) {
		var t optimist.Truth[T]
		var err error
		call, fault := s.begin(Call{ID: c.ID, Entity: c.Entity, Args: c.Args, Number: c.Number})
		arrive := func() {
			if fault.LoseRequest {
				return
			}
			t, err = deliver(s, call, fault, c, do)
			if fault.Twice {
				again := s.record(Call{ID: c.ID, Entity: c.Entity, Args: c.Args, Number: c.Number, Fault: fault})
				_, _ = deliver(s, again, fault, c, do) // the second answer is lost
			}
		}
		if err := after(ctx, fault.Delay, arrive); err != nil {
			return optimist.Truth[T]{}, err
		}
		if fault.LoseRequest || fault.losesAnswer() {
			if fault.Hang {
				<-ctx.Done()
				return optimist.Truth[T]{}, ctx.Err()
			}
			return optimist.Truth[T]{}, optimist.Fail(optimist.Unknown, errBroken)
		}
		if err := after(ctx, fault.AnswerDelay, func() {}); err != nil {
			return optimist.Truth[T]{}, err
		}
		return t, err
	}
}

// after runs f when d has passed, and waits for it as long as ctx lasts.
func after(ctx context.Context, d time.Duration, f func()) error {
	if d <= 0 {
		f()
		return nil
	}
	done := make(chan struct{})
	time.AfterFunc(d, func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin records a call and draws its fault.
func (s *Server[T]) begin(c Call) (index int, f Fault) {
	s.mu.Lock()
	n := s.numbers[c.Entity]
	s.numbers[c.Entity]++
	switch own := s.scripts[c.Entity]; {
	case len(own) > 0:
		f, s.scripts[c.Entity] = own[0], own[1:]
	case len(s.script) > 0:
		f, s.script = s.script[0], s.script[1:]
	default:
		f = s.chaos.fault(c.Entity, n)
	}
	s.mu.Unlock()
	c.Fault = f
	return s.record(c), f
}

func (s *Server[T]) record(c Call) (index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	return len(s.calls) - 1
}

// deliver carries out one request on the server.
func deliver[T, A any](s *Server[T], index int, fault Fault, c optimist.Call[A], do effect[T, A]) (t optimist.Truth[T], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entityLocked(c.Entity)
	defer func() { s.calls[index].Err = err }()

	if fault.Err != nil && !permanent(fault.Err) {
		return t, fault.Err // refused before it is applied
	}
	content := fingerprint(c.Args) + " of " + c.Entity
	if before := s.answered[c.ID]; before != nil {
		if before.content != content {
			s.problems = append(s.problems, fmt.Sprintf("operation %s was sent with %s, and before with %s", c.ID, content, before.content))
			return t, optimist.Fail(optimist.Permanent, errKeyReused)
		}
		return before.truth, nil
	}
	switch {
	case fault.Err != nil:
		return t, fault.Err
	case fault.Conflict, s.Strict && c.BaseVersion != e.version:
		return e.truth(), optimist.Fail(optimist.Conflicting, errConflict)
	}
	value, there, err := do(e.value, e.there, c.Args)
	if err != nil {
		var classified *optimist.SendError
		if !errors.As(err, &classified) {
			err = optimist.Fail(optimist.Permanent, err)
		}
		return e.truth(), err
	}
	if there != e.there || fingerprint(value) != fingerprint(e.value) {
		e.there, e.value = there, value
		e.changed(c.At, c.ClientID)
	}
	e.contains = append(e.contains, c.ID)
	if len(e.contains) > remembered {
		e.contains = e.contains[1:]
	}
	s.calls[index].Applied = true
	s.answered[c.ID] = &answered[T]{content: content, truth: e.truth()}
	return e.truth(), nil
}

// permanent reports whether an error is the server's judgement of the operation. An
// operation that it has applied is not judged again.
func permanent(err error) bool {
	var s *optimist.SendError
	return errors.As(err, &s) && s.Class == optimist.Permanent
}
