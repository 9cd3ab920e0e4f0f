package optimist

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// Into names something for [Manager.Views] to read, and the variable that it is written to.
// [Store.Into] makes it for an entity, [Attached.Into] for an index.
type Into struct {
	m    *Manager
	of   string        // its name in an error
	take func() func() // takes the value under the lock, and returns the writing of it
	err  error
}

// Into names an entity and the variable that [Manager.Views] writes its view to.
func (s *Store[T]) Into(id string, to *View[T]) Into {
	into := Into{m: s.m, of: s.space.Name + ":" + id}
	switch into.err = s.needs("Into", id); {
	case into.err != nil:
	case to == nil:
		into.err = errorf.New("%w: Into of %s:%s needs a variable for the view", ErrInvalid, s.space.Name, id)
	default:
		into.take = func() func() {
			look := s.space.Find(id).Look()
			return func() { *to = viewOf[T](&look) }
		}
	}
	return into
}

// Views reads the views of any number of entities, of any stores of the manager, and lists of
// them, at one moment: no change lies between them, and an unsettled group is in the views of all its
// entities or in none.
//
//	var post View[Post]
//	var user View[User]
//	err := m.Views(posts.Into("42", &post), users.Into("7", &user))
//
// An [Into] of an index, such as a list, is read at the same moment. The variables are written before Views returns, and only if it returns nil. The error is
// ErrInvalid if an entity has no id, no variable or another manager, ErrStuck when the call
// waited in vain.
func (m *Manager) Views(all ...Into) error {
	for i, into := range all {
		switch {
		case into.err != nil:
			return errorf.New("Views: %w", into.err)
		case into.take == nil:
			return errorf.New("%w: Views: entity %d is empty; Store.Into and Attached.Into make one", ErrInvalid, i)
		case into.m != m:
			return errorf.New("%w: Views: %s is of another manager", ErrInvalid, into.of)
		}
	}
	if err := m.lock(); err != nil {
		return err
	}
	if err := m.lost; err != nil { // in the midst of a step, perhaps
		m.mu.Unlock()
		return err
	}
	put, err := make([]func(), len(all)), error(nil)
	foreign.Finish(func() {
		err = contain("index", func() {
			for i, into := range all {
				put[i] = into.take()
			}
		})
	}, m.mu.Unlock)
	m.mu.Unlock()
	if err != nil {
		return errorf.New("Views: %w", err)
	}
	for _, put := range put {
		put()
	}
	return nil
}

// Views are the views of several entities at one moment, in the order of the ids; see
// [Manager.Views], which reads from several stores. As [Store.View] does, it says that
// nothing is known of an entity without id, and of all when the call waited in vain.
func (s *Store[T]) Views(ids ...string) []View[T] {
	views := make([]View[T], len(ids))
	for i, look := range s.views(ids) {
		views[i] = viewOf[T](&look)
	}
	return views
}

func (s *anyStore) views(ids []string) (looks []engine.Look) {
	if s.err != nil {
		return nil
	}
	if !s.m.look("Views of store "+s.space.Name, func() {
		looks = make([]engine.Look, 0, len(ids))
		for _, id := range ids {
			looks = append(looks, s.space.Find(id).Look())
		}
	}) {
		return nil
	}
	if slices.Contains(ids, "") {
		s.tellNeeds("Views", "")
	}
	return looks
}
