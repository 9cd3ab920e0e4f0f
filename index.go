package optimist

import (
	"sync/atomic"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/indexing"
)

// Index is kept by a program, or by package list, beside the entities of a store: for
// example sorted, or grouped. Store.AddIndex has it told of everything that changes.
type Index[T any] interface {
	// Changed is told once for each step in which entities of the store changed: their
	// values, their presence, the rest of their views, the server's name of them, or the truth
	// below, also when it was only told anew. Step ascends; changes of several
	// stores that one operation made bear one number. It is called under the manager's lock,
	// before the call that made the change returns, so it must be quick and must not call the
	// manager: such a call returns ErrStuck. The slice is the manager's, which shows it to all
	// indexes of the store and uses it again: an index must not write to it.
	Changed(step uint64, changes []EntityChange[T])
	// Detached is told once, and nothing after it: err is nil after [Attached.Detach], and else
	// ErrClosed, ErrBroken, or a [PanicError] of Changed. It is called under the lock as well.
	Detached(err error)
}

// Holder may be implemented by an Index whose entities must not be forgotten. Holds is called
// under the manager's lock, must be quick, and must not call the manager.
type Holder interface {
	Holds(id string) bool
}

// Finisher may be implemented by an Index that is one of several that keep something together,
// of one store or of several. Finish is called under the manager's lock once all indexes of all
// stores were told of the step, if this one was. It must be quick, and must not call the
// manager; a panic in it is one of Changed.
type Finisher interface {
	Finish(step uint64)
}

// Historian may be implemented by an Index that keeps something which ends with the server's
// history, such as a place in its feed. NewEra is called under the manager's lock, just before
// Changed of the step in which a new history began (see [Manager.NewEra]), which is told then
// also if no entity has changed; and before the first Changed, if an era is held already. It
// must be quick, and must not call the manager; a panic in it is one of Changed.
type Historian interface {
	NewEra(era uint64)
}

// EntityChange is one entity before and after a step.
type EntityChange[T any] struct {
	ID            string
	Before, After View[T]
	// Leaving: After is absent on account of an unsettled deletion, and Removed is the value
	// that it removes.
	Leaving bool
	Removed T

	move *engine.Move // valid until the step is done
	m    *Manager
}

// Truth is the truth below the views before and after. It is to be called in Changed, or in Finish.
func (c *EntityChange[T]) Truth() (before, after HeldTruth[T]) {
	if c.move == nil {
		return before, after
	}
	return heldTruth[T](&c.move.Before, c.m), heldTruth[T](&c.move.After, c.m)
}

// ServerName is the name by which the server knows the entity: ID, unless the entity was made
// here and the server has named it. Empty: it has not yet. It is to be called in Changed, or in
// Finish.
func (c *EntityChange[T]) ServerName() string {
	if c.move == nil {
		return c.ID
	}
	return c.move.Entity.Space().ServerName(c.ID)
}

// Attached is an index that a store tells of its changes.
type Attached struct {
	s       *anyStore
	ix      *indexing.Index
	label   label
	leaving atomic.Bool // Detach was called, which may not get the lock
}

// Detach ends it: the index is told of nothing more, and the store's changes cost nothing for
// it. A second call does nothing. A call from a function that runs under the lock, such as
// Changed, waits in vain as any other, and ends it when the store has told the index of the
// step; see [ErrStuck].
func (a *Attached) Detach() {
	a.leaving.Store(true)
	m := a.s.m
	if m.lock() == nil {
		foreign.Finish(func() { a.ix.Detach(nil) }, m.mu.Unlock)
		m.mu.Unlock()
	}
}

// Manager is the one whose store it is.
func (a *Attached) Manager() *Manager { return a.s.m }

// Into has [Manager.Views] read the index at the moment at which it reads all else: read is
// called under the lock, so that the index is in step with the views. It must be quick and
// must not call the manager. The function that it returns, which writes what was read to a
// variable, is called after that.
func (a *Attached) Into(read func() (write func())) Into {
	into := Into{m: a.s.m, of: "an index of store " + a.s.space.Name}
	if read != nil {
		into.take = func() (write func()) {
			a.s.m.enterLocked(&a.label)
			return read()
		}
	}
	return into
}

// AddIndex has index told of the store's entities: first, before AddIndex returns, of all of
// which anything is known, with a zero Before, those with unsettled work in the order in
// which that began, and then of every change. A panic in it
// detaches it, and is an event of kind [event.CallbackPanicked]. An index may be attached to one
// store once.
func (s *Store[T]) AddIndex(index Index[T]) (*Attached, error) {
	switch {
	case s == nil:
		return nil, errorf.New("%w: AddIndex needs a store", ErrInvalid)
	case index == nil:
		return nil, errorf.New("%w: AddIndex of store %q needs an index", ErrInvalid, s.space.Name)
	}
	a := &Attached{s: &s.anyStore, label: label{"index of store", s.space.Name}}
	ix := &indexing.Index{Owner: a, Leaving: a.leaving.Load, Detached: index.Detached}
	ix.Tell = func() { index.Changed(ix.Step, *ix.Changes().(*[]EntityChange[T])) }
	if h, ok := index.(Holder); ok {
		ix.Holds = h.Holds
	}
	if h, ok := index.(Historian); ok {
		ix.NewEra = h.NewEra
	}
	if f, ok := index.(Finisher); ok {
		ix.Finish = func() { f.Finish(ix.Step) }
	}
	a.ix = ix
	if err := s.addIndex(ix, func() *indexing.Gather { return gatherOf[T](s.m) }); err != nil {
		return nil, err
	}
	return a, nil
}

// gatherOf takes the changes of a step as entities of type T.
func gatherOf[T any](m *Manager) *indexing.Gather {
	var changes []EntityChange[T]
	take := func(moves []*engine.Move) {
		for _, move := range moves {
			change := EntityChange[T]{ID: move.Entity.ID(), Before: viewOf[T](&move.Before), After: viewOf[T](&move.After), move: move, m: m}
			change.Removed, change.Leaving = move.After.Leaving.(T)
			changes = append(changes, change)
		}
	}
	drop := func() {
		clear(changes)
		if changes = changes[:0]; cap(changes) > 1024 {
			changes = nil
		}
	}
	return &indexing.Gather{Changes: &changes, Take: take, Drop: drop}
}

// addIndex adds an index to the manager's.
func (s *anyStore) addIndex(ix *indexing.Index, gather func() *indexing.Gather) error {
	if s.err != nil {
		return s.err
	}
	m := s.m
	if err := m.lockToAct(); err != nil {
		return err
	}
	book, _ := m.indexes.(*indexing.Book)
	if book == nil {
		book = indexing.New(m.callIndexLocked)
		m.indexes = book
	}
	foreign.Finish(func() { book.Add(m.engine, s.space, ix, gather) }, func() {
		ix.Detach(&PanicError{In: "index", Value: foreign.ErrEnded}) // nobody else would
		m.mu.Unlock()
	})
	m.mu.Unlock()
	return nil
}

// indexes are all of a manager's to those who must not know package indexing: a program without
// indexes is linked without its code.
type indexes interface {
	Due(*engine.Engine) bool
	Tell(*engine.Engine)
	Holds(*engine.Entity) bool
	DetachAll(why error)
}

// callIndexLocked calls a function of an index.
func (m *Manager) callIndexLocked(ix *indexing.Index, f func()) error {
	whose := &ix.Owner.(*Attached).label
	m.enterLocked(whose)
	err := contain("index", f)
	if err != nil {
		m.publishLocked(Event{Kind: event.CallbackPanicked, Err: errorf.New("%s: %w", whose.String(), err)})
	}
	return err
}

// endIndexesLocked ends all indexes.
func (m *Manager) endIndexesLocked(why error) {
	if m.indexes != nil {
		m.indexes.DetachAll(why)
	}
}

// With is the part that an index takes in a step. [Attached.With] makes it.
type With struct {
	a   *Attached
	do  func(id func(name string) string)
	era uint64 // in which it was made
}

// With has an index take part in the step of [Store.ReceivePage]: do is called under the lock,
// just before Changed of that step, which is told then also if no entity has changed. So the
// entities change, and all else that the index keeps, at one moment. The function that do gets
// makes of any name of an entity the id under which indexes are told of it. As Changed, do must
// be quick and must not call the manager.
//
// With is to be called before the page is read. ReceivePage takes nothing, and returns
// [ErrNewEra], if the truths of the page name a history of the server that has ended, or name
// none and a new one has begun since With was called. It returns ErrInvalid, and takes nothing, if
// the index is detached.
func (a *Attached) With(do func(id func(name string) string)) With {
	w := With{a: a, do: do}
	if m := a.s.m; m.lock() == nil {
		w.era = m.engine.Era()
		m.mu.Unlock()
	}
	return w
}

// refusedLocked is why the index cannot take part in a step that brings truths, or nil.
func (w With) refusedLocked(m *Manager, truths []*engine.Truth) error {
	era := uint64(0)
	for _, t := range truths {
		era = max(era, t.Era)
	}
	if era == 0 {
		era = w.era
	}
	switch {
	case w.a == nil || w.do == nil:
		return errorf.New("%w: a With is empty; Attached.With makes one", ErrInvalid)
	case w.a.s.m != m:
		return errorf.New("%w: a With is of an index of another manager", ErrInvalid)
	case !w.a.ix.Attached():
		return errorf.New("%w: a With is of an index of store %q that is detached", ErrInvalid, w.a.s.space.Name)
	case era < m.engine.Era():
		return errorf.New("%w: a page of store %q was read before", ErrNewEra, w.a.s.space.Name)
	}
	return nil
}
