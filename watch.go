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
		s.watch(ctx, id)(func(l *engine.Look) bool { return yield(viewOf[T](l)) })
	}
}

func (s *anyStore) watch(ctx context.Context, id string) iter.Seq[*engine.Look] {
	return func(yield func(*engine.Look) bool) {
		if ctx == nil || s.tellNeeds("Watch", id) != nil {
			return
		}
		m, call := s.m, "Watch of "+s.space.Name+":"+id
		if !m.lockOrTell(call) {
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
		look := ent.Look()
		m.mu.Unlock()
		vain := false // a wait for the lock was in vain: the entity keeps this watch until the manager ends
		defer func() {
			if vain || !m.lockOrTell(call) {
				return
			}
			if watchers.Leave(w) {
				ent.Watchers = nil
			}
			m.audience.AddWatchers(-1)
			m.listenedLocked()
			m.engine.Unpin(held)
			m.mu.Unlock()
		}()
		for yield(&look) {
			for same := true; same; {
				ended := false
				select {
				case <-w:
				case <-ctx.Done():
					return
				case <-m.stop:
					ended = true // the last view may not have been seen
				}
				if vain = !m.lockOrTell(call); vain {
					return
				}
				if now := ent.Now(); now != ent { // it has become part of another
					watchers.Leave(w)
					ent = now
					watchers, w = joinLocked(ent)
				}
				next := ent.Look()
				m.mu.Unlock()
				same = next.SameView(&look)
				look = next
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

// wakeLocked tells the watchers of an entity that it may look different.
func wakeLocked(ent *engine.Entity) {
	if watchers, _ := ent.Watchers.(*audience.Watchers); watchers != nil {
		watchers.Wake()
	}
}
