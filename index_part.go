package optimist

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

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
// [ErrNewEra], if the server has begun a new history since then, unless truths of the page are
// of that one. It returns ErrInvalid, and takes nothing, if the index is detached.
func (a *Attached) With(do func(id func(name string) string)) With {
	w := With{a: a, do: do}
	if m := a.s.m; m.lock() == nil {
		w.era = m.engine.Era()
		m.mu.Unlock()
	}
	return w
}

// beginLocked has the index take its part of a step that brings truths.
func (w With) beginLocked(m *Manager, truths []*engine.Truth) error {
	era := w.era
	for _, t := range truths {
		era = max(era, t.Era)
	}
	switch {
	case w.a == nil || w.do == nil:
		return errorf.New("%w: a With is empty; Attached.With makes one", ErrInvalid)
	case w.a.s.m != m:
		return errorf.New("%w: a With is of an index of another manager", ErrInvalid)
	case !slices.Contains(w.a.s.indexes, w.a.ix):
		return errorf.New("%w: a With is of an index of store %q that is detached", ErrInvalid, w.a.s.space.Name)
	case era < m.engine.Era():
		return errorf.New("%w: a page of store %q was read before", ErrNewEra, w.a.s.space.Name)
	}
	w.a.ix.with = w.do
	return nil
}

// endLocked tells an index that has taken no part yet, because nothing else changed for it.
func (w With) endLocked() {
	if w.a.ix.with != nil && slices.Contains(w.a.s.indexes, w.a.ix) {
		w.a.s.tellLocked(w.a.ix)
		w.a.s.finishLocked(w.a.ix)
	}
	w.a.ix.with = nil
}

// firstName is the id under which indexes are told of an entity.
func (s *anyStore) firstName(name string) string {
	if ent := s.space.Find(name); ent != nil {
		return ent.ID()
	}
	return name
}

// heldLocked reports whether an index holds an entity.
func (s *anyStore) heldLocked(id string) (held bool) {
	for _, ix := range s.indexes {
		if ix.holds != nil && !held {
			s.m.enterLocked(&ix.label)
			s.containLocked(ix, func() { held = ix.holds(id) })
		}
	}
	return held
}
