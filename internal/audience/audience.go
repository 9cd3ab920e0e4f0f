// Package audience delivers events to subscribers, and wakes watchers.
//
// # Guarantees
//
//   - A subscriber gets the events that it wants in the order in which they were told.
//   - Nobody who tells waits for one who listens. A subscriber that falls behind by more than
//     its buffer loses the oldest events, and is told how many.
//   - A subscriber that was closed still gets the events in its buffer.
//   - A watcher that was woken sees all that happened before.
//
// # Not guaranteed
//
// Nothing is said of the order of calls of [Audience.Tell] that overlap.
package audience

import "sync/atomic"

// Audience is all who listen: subscribers to events, each an E, and watchers, which are only
// counted. The zero Audience is empty. Its methods are called under a lock of the caller,
// except Tell and Subscribed, which need none.
type Audience[E any] struct {
	// subscribers is replaced as a whole and never changed, so that Tell needs no lock.
	// nil: there are none.
	subscribers atomic.Pointer[[]*Subscriber[E]]
	watchers    int
}

// Subscribe adds a subscriber.
func (a *Audience[E]) Subscribe(s *Subscriber[E]) { a.set(append(a.all(), s)) }

// Unsubscribe removes a subscriber, if it is there, and closes it.
func (a *Audience[E]) Unsubscribe(s *Subscriber[E]) {
	var rest []*Subscriber[E]
	for _, other := range a.all() {
		if other != s {
			rest = append(rest, other)
		}
	}
	a.set(rest)
	s.Close()
}

// UnsubscribeAll does so with all subscribers.
func (a *Audience[E]) UnsubscribeAll() {
	for _, s := range a.all() {
		a.Unsubscribe(s)
	}
}

// AddWatchers counts n watchers more, or less.
func (a *Audience[E]) AddWatchers(n int) { a.watchers += n }

// Watched reports whether there are watchers.
func (a *Audience[E]) Watched() bool { return a.watchers > 0 }

// Subscribed reports whether there are subscribers.
func (a *Audience[E]) Subscribed() bool { return a.subscribers.Load() != nil }

// Empty reports whether nobody listens.
func (a *Audience[E]) Empty() bool { return !a.Subscribed() && !a.Watched() }

// Detailed reports whether a subscriber wants details.
func (a *Audience[E]) Detailed() bool {
	for _, s := range a.all() {
		if s.wants.Details {
			return true
		}
	}
	return false
}

// Tell tells an event to the subscribers that want it.
func (a *Audience[E]) Tell(event E) {
	for _, s := range a.all() {
		s.hear(event)
	}
}

// all are the subscribers, in a slice without room for more.
func (a *Audience[E]) all() []*Subscriber[E] {
	if p := a.subscribers.Load(); p != nil {
		return (*p)[:len(*p):len(*p)]
	}
	return nil
}

func (a *Audience[E]) set(all []*Subscriber[E]) {
	if len(all) == 0 {
		a.subscribers.Store(nil)
		return
	}
	a.subscribers.Store(&all)
}
