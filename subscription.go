package optimist

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/audience"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// SubscribeOptions choose the events that a subscription delivers. The zero value is
// everything.
type SubscribeOptions struct {
	Entity string // only events of this entity, those of its groups too; empty: of all
	Buffer int    // events kept for a slow subscriber; 0: 1,024
	Args   bool   // deliver arguments
}

// Subscription delivers events in order. A subscriber that falls behind by more
// than its buffer loses the oldest and gets a Gap event that counts them; it never
// delays the manager. Methods are safe for concurrent use.
type Subscription struct {
	m          *Manager
	entity     string         // that it is about; empty: all
	pinned     *engine.Entity // keeps the numbering; guarded by m.mu
	subscriber *audience.Subscriber[Event]
}

// Subscribe delivers every event from now on, after a Started event that says how
// things stand at this moment. Close the subscription when done.
func (m *Manager) Subscribe(opts SubscribeOptions) *Subscription {
	if opts.Buffer <= 0 {
		opts.Buffer = 1024
	}
	s := &Subscription{m: m, entity: opts.Entity, subscriber: audience.NewSubscriber(audience.Wants[Event]{
		Buffer: opts.Buffer, Details: opts.Args, Choose: opts.choose,
	})}
	if err := m.lock(); err != nil {
		s.subscriber.Add(Event{Kind: event.Misused, At: time.Now(), Entity: opts.Entity, Err: errorf.New("Subscribe: %w", err)})
		s.subscriber.Close()
		return s
	}
	defer m.mu.Unlock()
	if m.stoppedLocked() != nil {
		s.subscriber.Close()
		return s
	}
	first := Event{Kind: event.Started, At: time.Now()}
	var unnamed error
	if opts.Entity == "" {
		snap := m.snapshotLocked()
		first.Snapshot = &snap
	} else {
		unnamed = m.unnamedLocked(opts.Entity)
		space, id := m.known.Locate(opts.Entity)
		s.pinned = m.engine.Pin(space, id)
		first.describe(s.pinned)
	}
	s.subscriber.Add(first)
	if unnamed != nil {
		s.subscriber.Add(Event{Kind: event.Misused, At: first.At, Entity: opts.Entity, Err: errorf.New("Subscribe: %w", unnamed)})
	}
	m.audience.Subscribe(s.subscriber)
	m.listenedLocked()
	m.armLocked(first.At)
	return s
}

// choose is the event as a subscriber with these options hears it, if it does.
func (opts *SubscribeOptions) choose(ev Event) (Event, bool) {
	if !opts.Args {
		ev.Args = nil
	}
	return ev, opts.Entity == "" || !ev.united && (opts.Entity == ev.Entity || slices.Contains(ev.also, opts.Entity)) ||
		single(ev.Kind) && slices.Contains(ev.Entities, opts.Entity)
}

// listenedLocked is called when others listen than before, so that nothing is told to nobody.
func (m *Manager) listenedLocked() { m.engine.Quiet = m.audience.Empty() }

// Next waits for the next event. It returns false when the subscription or the
// manager was closed and nothing is left, or ctx has ended.
func (s *Subscription) Next(ctx context.Context) (Event, bool) {
	if ctx == nil {
		return Event{}, false
	}
	ev, missed, ok := s.subscriber.Next(ctx)
	if missed > 0 {
		ev = Event{Kind: event.Gap, At: time.Now(), Entity: s.entity, Missed: missed}
	}
	return ev, ok
}

// All ranges over events until ctx ends or the subscription is closed.
func (s *Subscription) All(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for {
			ev, ok := s.Next(ctx)
			if !ok || !yield(ev) {
				return
			}
		}
	}
}

// Close ends the subscription. Events already delivered to its buffer can still be
// read. A second Close does nothing, unless the first waited in vain; see [ErrStuck].
func (s *Subscription) Close() {
	s.subscriber.Close()
	if !s.m.lockOrTell("Close of a Subscription") {
		return
	}
	defer s.m.mu.Unlock()
	s.m.audience.Unsubscribe(s.subscriber)
	s.m.listenedLocked()
	if s.pinned != nil {
		s.m.engine.Unpin(s.pinned)
		s.pinned = nil
	}
}
