package audience

import (
	"context"
	"sync"
)

// Wants is what a subscriber wants to hear.
type Wants[E any] struct {
	// Buffer is how many events are kept for it; 0 or less: one.
	Buffer int
	// Details: it wants those parts of events that are made only when somebody wants them;
	// see [Audience.Detailed].
	Details bool
	// Choose returns an event as the subscriber hears it, or false when it does not hear
	// it. It is called by [Audience.Tell]. nil: it hears every event as it was told.
	Choose func(E) (E, bool)
}

// Subscriber keeps events for one who listens. NewSubscriber makes one. Its methods are safe
// for concurrent use.
type Subscriber[E any] struct {
	wants Wants[E]
	more  chan struct{} // capacity 1: something was added or the end has come

	// mu guards the fields below. Nothing is called under it.
	mu     sync.Mutex
	buffer []E
	missed int
	closed bool
}

// NewSubscriber returns a subscriber that nobody tells anything yet.
func NewSubscriber[E any](w Wants[E]) *Subscriber[E] {
	w.Buffer = max(w.Buffer, 1)
	return &Subscriber[E]{wants: w, more: make(chan struct{}, 1)}
}

func (s *Subscriber[E]) hear(event E) {
	if s.wants.Choose != nil {
		var hears bool
		if event, hears = s.wants.Choose(event); !hears {
			return
		}
	}
	s.Add(event)
}

// Add adds an event to the buffer, wanted or not, until Close. Without room the oldest goes.
func (s *Subscriber[E]) Add(event E) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	if len(s.buffer) >= s.wants.Buffer {
		s.dropLocked()
		s.missed++
	}
	s.buffer = append(s.buffer, event)
	s.mu.Unlock()
	s.wake()
}

// dropLocked removes the oldest event.
func (s *Subscriber[E]) dropLocked() {
	clear(s.buffer[:1])
	s.buffer = s.buffer[1:]
}

func (s *Subscriber[E]) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Next waits for the next event. missed, when it is not 0, is how many events were lost at
// this place, and there is no event. Next returns false when the subscriber was closed and
// nothing is left, or ctx has ended.
func (s *Subscriber[E]) Next(ctx context.Context) (event E, missed int, ok bool) {
	for {
		s.mu.Lock()
		switch {
		case s.missed > 0:
			missed, s.missed = s.missed, 0
			s.mu.Unlock()
			return event, missed, true
		case len(s.buffer) > 0:
			event = s.buffer[0]
			if s.dropLocked(); len(s.buffer) == 0 {
				s.buffer = nil
			} else {
				defer s.wake() // another reader may have slept through two events
			}
			s.mu.Unlock()
			return event, 0, true
		case s.closed:
			s.mu.Unlock()
			s.wake() // others may wait as well
			return event, 0, false
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-ctx.Done():
			return event, 0, false
		}
	}
}

// Close ends it. Events in its buffer can still be read. A second Close does nothing.
func (s *Subscriber[E]) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake()
}
