// Package groupcommit lets concurrent callers share one expensive flush, such as
// a sync of a disk.
//
// Guarantees:
//
//   - Flushes never overlap, and each gets every call that was waiting when it
//     began, in the order in which the calls arrived.
//   - A call returns after the one flush that took it, with that flush's error.
//   - The package starts no goroutine: the flush runs on one of the callers, which
//     flushes once and then hands the duty to a caller of the next group.
//
// Do not assume that calls which overlap are flushed together, nor in which order.
package groupcommit

import (
	"runtime"
	"sync"
)

// A Queue gathers calls into groups. Its methods are safe for concurrent use.
type Queue[T any] struct {
	flush func(calls []T) error
	limit int

	mu sync.Mutex
	// gathering is the group that the next flush takes. It is nil when no call
	// waits, and it is only ever joined while flushing.
	gathering *group[T]
	// flushing says that some caller has the duty to flush: it is at work, or has
	// been woken to take gathering.
	flushing bool
}

// group is a set of calls that one flush takes.
type group[T any] struct {
	calls  []T
	weight int
	lead   chan struct{} // holds one token when a member is to flush the group
	done   chan struct{} // closed after err is set
	err    error
}

// NewQueue returns a queue whose groups are given to flush. A group's weights add
// up to at most limit, unless it is a single call.
//
// flush runs without the queue's lock. It must not keep the slice.
func NewQueue[T any](limit int, flush func(calls []T) error) *Queue[T] {
	return &Queue[T]{flush: flush, limit: limit}
}

// Commit has call flushed, together with others if there are any, and returns the
// error of that flush. It must not be called from within flush.
func (q *Queue[T]) Commit(call T, weight int) error {
	g, lead := q.join(call, weight)
	if !lead {
		select {
		case <-g.done:
			return g.err
		case <-g.lead:
		}
		// Callers of the group before are running again by now. Let those that come
		// straight back join this group instead of waiting for the one after it.
		runtime.Gosched()
	}

	q.mu.Lock()
	if q.gathering == g {
		q.gathering = nil // closed: nobody joins from here on
	}
	q.mu.Unlock()

	g.err = q.flush(g.calls)

	q.mu.Lock()
	if next := q.gathering; next != nil {
		next.lead <- struct{}{}
	} else {
		q.flushing = false
	}
	q.mu.Unlock()
	close(g.done)
	return g.err
}

// join adds call to a group and says whether the caller must flush it at once.
func (q *Queue[T]) join(call T, weight int) (g *group[T], lead bool) {
	for {
		q.mu.Lock()
		g = q.gathering
		if g == nil {
			g = &group[T]{lead: make(chan struct{}, 1), done: make(chan struct{})}
			lead = !q.flushing
			q.flushing = true
			if !lead {
				q.gathering = g
			}
		}
		if len(g.calls) == 0 || g.weight+weight <= q.limit {
			g.calls = append(g.calls, call)
			g.weight += weight
			q.mu.Unlock()
			return g, lead
		}
		q.mu.Unlock()
		<-g.done // full: try again when it is gone
	}
}
