package optimist

import (
	"context"
	"iter"

	"github.com/optimist-go/optimist/internal/audience"
	"github.com/optimist-go/optimist/internal/engine"
)

// Watch ranges over the entity's view: first the present one, then the latest after
// every change, until ctx ends, the manager is closed, or the loop is left. A slow
// loop skips views between, never the last.
func (s *Store[T]) Watch(ctx context.Context, id string) iter.Seq[View[T]] {
	return func(yield func(View[T]) bool) {
		s.watch(ctx, id)(func(v View[any]) bool { return yield(typed[T](v)) })
	}
}

func (s *anyStore) watch(ctx context.Context, id string) iter.Seq[View[any]] {
	return func(yield func(View[any]) bool) {
		if s.err != nil || ctx == nil {
			return
		}
		if id == "" {
			s.noID("Watch")
			return
		}
		m := s.m
		if !m.lockOrTell("Watch of " + s.space.Name + ":" + id) {
			return
		}
		if m.stoppedLocked() != nil {
			m.mu.Unlock()
			return
		}
		held := s.holdLocked(id)
		ent := held
		watchers, w := joinLocked(ent)
		m.audience.AddWatchers(1)
		m.listenedLocked()
		view := viewLocked(ent)
		m.mu.Unlock()
		defer func() {
			m.mu.Lock()
			if watchers.Leave(w) {
				ent.Watchers = nil
			}
			m.audience.AddWatchers(-1)
			m.listenedLocked()
			m.engine.Unpin(held)
			m.mu.Unlock()
		}()
		for yield(view) {
			for same := true; same; {
				ended := false
				select {
				case <-w:
				case <-ctx.Done():
					return
				case <-m.stop:
					ended = true // the last view may not have been seen
				}
				m.mu.Lock()
				if now := ent.Now(); now != ent { // it has become part of another
					watchers.Leave(w)
					ent = now
					watchers, w = joinLocked(ent)
				}
				next := viewLocked(ent)
				m.mu.Unlock()
				// A value that changes gets another number, so the rest tells it all.
				same = next.Number == view.Number && next.Pending == view.Pending && next.Parked == view.Parked &&
					next.Version == view.Version && next.Presence == view.Presence && next.Unsure == view.Unsure
				view = next
				if same && ended {
					return
				}
			}
		}
	}
}

// joinLocked adds a watcher to an entity.
func joinLocked(ent *engine.Entity) (*audience.Watchers, audience.Watcher) {
	watchers, _ := ent.Watchers.(*audience.Watchers)
	if watchers == nil {
		watchers = new(audience.Watchers)
		ent.Watchers = watchers
	}
	return watchers, watchers.Join()
}

// wakeWatchersLocked tells the watchers of the entities that an effect is about.
func (m *Manager) wakeWatchersLocked(f *engine.Effect) {
	if f.Entity != nil {
		wakeWatchers(f.Entity)
	}
	if f.Op == nil {
		return
	}
	if !f.Op.Group() {
		if ent := f.Op.Entity(); ent != nil {
			wakeWatchers(ent)
		}
		return
	}
	for ent := range f.Op.Entities {
		wakeWatchers(ent)
	}
}

func wakeWatchers(ent *engine.Entity) {
	if ent.Watchers != nil {
		ent.Watchers.(*audience.Watchers).Wake()
	}
}
