// Package indexing tells indexes of the changes in their stores: which of them, in which order,
// and until when.
//
// A [Book] has no lock: its caller holds one. It calls no function of the program by itself,
// but by the function that [New] got, which contains panics.
package indexing

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// Index is one index without its type. Finish, Holds and NewEra may be nil.
type Index struct {
	Owner    any                  // of no meaning here
	Tell     func()               // tells it of Step and of Changes
	Finish   func()               // is called once all indexes were told of Step
	Holds    func(id string) bool // reports whether the entity must not be forgotten
	NewEra   func(era uint64)     // tells it of the server's history, before Tell
	Leaving  func() bool          // reports whether it is to be detached
	Detached func(why error)      // is the last that it is told

	Step     uint64                    // of which it was told last
	finished bool                      // with that step
	store    *store                    // nil: it was never added
	part     func(func(string) string) // its part of the step under way, if it takes one
}

// Gather takes the changes of a step in one store, for all of its indexes. It has functions and
// no methods, so that they are made for the types that are indexed alone.
type Gather struct {
	Changes any // where they are
	Take    func([]*engine.Move)
	Drop    func()
}

// Book has the indexes of all stores.
type Book struct {
	run    func(ix *Index, f func()) error
	stores map[*engine.Space]*store
	era    uint64   // of which indexes were told
	parts  []*Index // that take a part in the next step
}

// store has the indexes of one store. Invariant: the space counts as indexed while there is one.
type store struct {
	book   *Book
	space  *engine.Space
	all    []*Index // is replaced and not changed, because the indexes in it may just be told
	gather *Gather
}

// New returns an empty book. run calls a function of an index, and returns its panic.
func New(run func(ix *Index, f func()) error) *Book {
	return &Book{run: run, stores: make(map[*engine.Space]*store)}
}

// Add adds an index, and tells it of all entities of which anything is known.
func (b *Book) Add(e *engine.Engine, space *engine.Space, ix *Index, gather func() *Gather) {
	s := b.stores[space]
	if s == nil {
		s = &store{book: b, space: space, gather: gather()}
		b.stores[space] = s
	}
	b.era = e.Era()
	s.all, space.Indexed, ix.store = append(slices.Clip(s.all), ix), true, s
	s.gather.Take(known(e, space))
	defer s.gather.Drop()
	if b.era != 0 {
		ix.tellEra(b.era)
	}
	if ix.Attached() {
		ix.tell(e.Steps())
		ix.finish()
	}
}

// known are the entities of which anything is known: first those with unsettled work, in the order
// in which that began.
func known(e *engine.Engine, space *engine.Space) (all []*engine.Move) {
	for ent := range e.Busy {
		if ent.Space() == space {
			all = append(all, &engine.Move{Entity: ent, After: ent.Look()})
		}
	}
	for ent := range space.All {
		if look := ent.Look(); look.Presence != engine.NotLoaded && look.Pending == 0 {
			all = append(all, &engine.Move{Entity: ent, After: look})
		}
	}
	return all
}

// Due reports whether indexes are to be told of a step although it has changed no entity: a new
// era has begun, or an index takes a part in the step.
func (b *Book) Due(e *engine.Engine) bool { return b.era != e.Era() || len(b.parts) > 0 }

// Tell tells the indexes of a step's changes.
func (b *Book) Tell(e *engine.Engine) {
	var told []*Index
	aged := b.beginEra(e.Era())
	tell := func(ix *Index) {
		if ix.tell(e.Steps()); !ix.finished {
			told = append(told, ix)
		}
	}
	for space, moves := range e.Moves {
		s := b.stores[space]
		s.gather.Take(moves)
		for _, ix := range s.all {
			tell(ix)
		}
		s.gather.Drop()
	}
	for _, ix := range aged {
		if ix.Step != e.Steps() && ix.Attached() {
			tell(ix)
		}
	}
	for _, ix := range b.parts {
		if ix.part != nil { // nothing else has changed for it
			tell(ix)
		}
	}
	b.parts = nil
	for _, ix := range told {
		ix.finish()
	}
}

// beginEra tells of a new era. It returns the indexes that want to know of it.
func (b *Book) beginEra(era uint64) (aged []*Index) {
	if era == b.era {
		return nil
	}
	b.era = era
	for _, s := range b.stores {
		for _, ix := range s.all {
			if ix.NewEra != nil {
				aged = append(aged, ix)
				ix.tellEra(era)
			}
		}
	}
	return aged
}

// Holds reports whether an index holds an entity.
func (b *Book) Holds(ent *engine.Entity) (held bool) {
	if s := b.stores[ent.Space()]; s != nil {
		for _, ix := range s.all {
			if ix.Holds != nil && !held {
				ix.call(func() { held = ix.Holds(ent.ID()) })
			}
		}
	}
	return held
}

// DetachAll detaches all indexes.
func (b *Book) DetachAll(why error) {
	for _, s := range b.stores {
		for len(s.all) > 0 {
			s.all[0].Detach(why)
		}
	}
}

// Attached reports whether the index is told of changes.
func (ix *Index) Attached() bool { return ix.store != nil && slices.Contains(ix.store.all, ix) }

// Detach ends the index, if it has not ended.
func (ix *Index) Detach(why error) {
	if !ix.Attached() {
		return
	}
	s := ix.store
	s.all = slices.DeleteFunc(slices.Clone(s.all), func(one *Index) bool { return one == ix })
	s.space.Indexed, ix.finished, ix.part = len(s.all) > 0, true, nil
	s.book.run(ix, func() { ix.Detached(why) })
}

// TakePart has the index do something of its own in the next step, just before it is told of it.
// do gets a function that makes of any name of an entity the id under which indexes are told of
// it.
func (ix *Index) TakePart(do func(id func(name string) string)) {
	ix.part = do
	ix.store.book.parts = append(ix.store.book.parts, ix)
}

// Changes is where the store has gathered the changes of Step.
func (ix *Index) Changes() any { return ix.store.gather.Changes }

// tell tells the index of the changes that were gathered, or of none.
func (ix *Index) tell(step uint64) {
	ix.Step, ix.finished = step, ix.Finish == nil
	if ix.part != nil {
		ix.call(ix.takePart)
	} else {
		ix.call(ix.Tell)
	}
	if ix.Leaving() {
		ix.Detach(nil)
	}
}

func (ix *Index) tellEra(era uint64) {
	if ix.NewEra != nil {
		ix.call(func() { ix.NewEra(era) })
	}
}

// takePart has the index take its part, and tells it.
func (ix *Index) takePart() {
	part := ix.part
	ix.part = nil
	part(ix.store.firstName)
	ix.Tell()
}

// finish tells the index that all were told of the step.
func (ix *Index) finish() {
	if !ix.finished {
		ix.finished = true
		ix.call(ix.Finish)
	}
}

// call calls a function of the index, which a panic detaches.
func (ix *Index) call(f func()) {
	if err := ix.store.book.run(ix, f); err != nil {
		ix.Detach(err)
	}
}

// firstName is the id under which indexes are told of an entity.
func (s *store) firstName(name string) string {
	if ent := s.space.Find(name); ent != nil {
		return ent.ID()
	}
	return name
}
