package optimist

import (
	"slices"
	"sync/atomic"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
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

// Era is the history of the server that is held after the step; see [Manager.NewEra]. It is to
// be called in Changed, or in Finish.
func (c *EntityChange[T]) Era() uint64 {
	if c.m == nil {
		return 0
	}
	return c.m.engine.Era()
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
	s  *anyStore
	ix *tell
}

// Detach ends it: the index is told of nothing more, and the store's changes cost nothing for
// it. A second call does nothing. A call from a function that runs under the lock, such as
// Changed, waits in vain as any other, and ends it when the store has told the index of the
// step; see [ErrStuck].
func (a *Attached) Detach() {
	a.ix.leaving.Store(true)
	m := a.s.m
	if m.lock() == nil {
		foreign.Finish(func() { a.s.detachLocked(a.ix, nil) }, m.mu.Unlock)
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
			a.s.m.enterLocked(&a.ix.label)
			return read()
		}
	}
	return into
}

// AddIndex has index told of the store's entities: first, before AddIndex returns, of all of
// which anything is known, with a zero Before, those with unsettled work in the order in
// which that began, and then of every change. A panic in it
// detaches it, and is an event of kind CallbackPanicked. An index may be attached to one
// store once.
func (s *Store[T]) AddIndex(index Index[T]) (*Attached, error) {
	switch {
	case s == nil:
		return nil, errorf.New("%w: AddIndex needs a store", ErrInvalid)
	case index == nil:
		return nil, errorf.New("%w: AddIndex of store %q needs an index", ErrInvalid, s.space.Name)
	}
	ix := &tell{label: label{"index of store", s.space.Name}, detached: index.Detached}
	var gathered *[]EntityChange[T]
	ix.tell = func() {
		if with := ix.with; with != nil {
			ix.with = nil
			with(s.firstName)
		}
		index.Changed(ix.step, *gathered)
	}
	if h, ok := index.(Holder); ok {
		ix.holds = h.Holds
	}
	if f, ok := index.(Finisher); ok {
		ix.finish = func() { f.Finish(ix.step) }
	}
	return s.addIndex(ix, func() {
		if s.gather == nil {
			s.gather = newGather[T]()
		}
		gathered = s.gather.changes.(*[]EntityChange[T])
	})
}

// tell is an Index without its type.
type tell struct {
	label    label
	tell     func() // tells it of step, and of the changes that the store has gathered
	finish   func() // nil: it does not want it
	detached func(error)
	holds    func(id string) bool      // nil: none
	with     func(func(string) string) // its part of the step under way, if it takes one

	step     uint64 // of which it was told last
	finished bool
	// leaving: it is to be detached. Detach says so, which may not get the lock.
	leaving atomic.Bool
}

// gather takes the changes of a step in one store, for all of its indexes. It has functions
// and no methods, so that a program without indexes is linked without them.
type gather struct {
	changes any // a pointer to a slice of EntityChange
	take    func(m *Manager, moves []*engine.Move)
	drop    func()
}

func newGather[T any]() *gather {
	var changes []EntityChange[T]
	take := func(m *Manager, moves []*engine.Move) {
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
	return &gather{&changes, take, drop}
}

// addIndex adds an index. begin is called under the lock.
func (s *anyStore) addIndex(ix *tell, begin func()) (*Attached, error) {
	if s.err != nil {
		return nil, s.err
	}
	m := s.m
	if err := m.lockToAct(); err != nil {
		return nil, err
	}
	begin()
	m.indexing = &indexing{(*Manager).tellIndexesLocked, (*Manager).detachAllLocked}
	var all []*engine.Move
	for ent := range m.engine.Busy {
		if ent.Space() == s.space {
			all = append(all, &engine.Move{Entity: ent, After: ent.Look()})
		}
	}
	for ent := range s.space.All {
		if look := ent.Look(); look.Presence != engine.NotLoaded && look.Pending == 0 {
			all = append(all, &engine.Move{Entity: ent, After: look})
		}
	}
	s.indexes, s.space.Indexed = append(slices.Clip(s.indexes), ix), true
	foreign.Finish(func() {
		s.gather.take(m, all)
		s.tellLocked(ix)
		s.gather.drop()
		s.finishLocked(ix)
	}, func() { // nobody would detach it
		s.gather.drop()
		s.detachLocked(ix, &PanicError{In: "index", Value: foreign.ErrEnded})
		m.mu.Unlock()
	})
	m.mu.Unlock()
	return &Attached{s: s, ix: ix}, nil
}

// indexing has the functions of the Manager about indexes.
type indexing struct {
	tell   func(*Manager)
	detach func(*Manager, error)
}

// endIndexesLocked ends all indexes.
func (m *Manager) endIndexesLocked(why error) {
	if m.indexing != nil {
		m.indexing.detach(m, why)
	}
}

// tellIndexesLocked tells the indexes of a step's changes.
func (m *Manager) tellIndexesLocked() {
	var finish []Attached
	for space, moves := range m.engine.Moves {
		s := space.Owner.(*anyStore)
		s.gather.take(m, moves)
		for _, ix := range s.indexes {
			if s.tellLocked(ix); !ix.finished {
				finish = append(finish, Attached{s, ix})
			}
		}
		s.gather.drop()
	}
	for _, a := range finish {
		a.s.finishLocked(a.ix)
	}
}

// tellLocked tells an index of the changes that were gathered.
func (s *anyStore) tellLocked(ix *tell) {
	s.m.enterLocked(&ix.label)
	ix.step, ix.finished = s.m.engine.Steps(), ix.finish == nil
	s.containLocked(ix, ix.tell)
	if ix.leaving.Load() {
		s.detachLocked(ix, nil)
	}
}

// finishLocked tells an index once that all were told of the step.
func (s *anyStore) finishLocked(ix *tell) {
	if !ix.finished {
		ix.finished = true
		s.m.enterLocked(&ix.label)
		s.containLocked(ix, ix.finish)
	}
}

// containLocked runs a function of an index, which a panic detaches.
func (s *anyStore) containLocked(ix *tell, f func()) {
	if err := contain("index", f); err != nil {
		s.detachLocked(ix, err)
		s.panickedLocked(err)
	}
}

func (s *anyStore) panickedLocked(err error) {
	s.m.publishLocked(Event{Kind: CallbackPanicked, Err: errorf.New("index of store %q: %w", s.space.Name, err)})
}

// detachLocked ends an index, if it has not ended.
func (s *anyStore) detachLocked(ix *tell, why error) {
	i := slices.Index(s.indexes, ix)
	if i < 0 {
		return
	}
	s.indexes = slices.Delete(slices.Clone(s.indexes), i, i+1) // they may just be told
	s.space.Indexed, ix.finished = len(s.indexes) > 0, true
	s.m.enterLocked(&ix.label)
	if err := contain("index", func() { ix.detached(why) }); err != nil {
		s.panickedLocked(err)
	}
}

// detachAllLocked detaches all indexes.
func (m *Manager) detachAllLocked(why error) {
	for _, space := range m.known.Stores() {
		s, _ := space.Owner.(*anyStore)
		for s != nil && len(s.indexes) > 0 {
			s.detachLocked(s.indexes[0], why)
		}
	}
}
