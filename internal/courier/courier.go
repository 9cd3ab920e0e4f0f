// Package courier keeps the attempts that may leave, the calls that are under way, and
// how many workers there are to make them.
//
// # Guarantees
//
//   - Attempts leave in the order in which they were added.
//   - There is a worker for each attempt that waits, and none more: a worker that is about
//     to take the next attempt by itself counts, so that a lane which sends one operation
//     after another keeps one goroutine.
//   - A courier without workers holds no memory for attempts.
//
// # Not guaranteed
//
// A Courier starts no goroutine and calls nothing: it says that a worker is to be hired.
// It is not safe for concurrent use.
package courier

import "slices"

// Courier is told of attempts, each an F. The zero Courier is empty.
type Courier[F comparable] struct {
	waiting []F // from head on; elements before it are zero
	head    int
	flying  []F
	workers int
	left    chan struct{} // while somebody waits for the last worker
	// promised: a worker that runs will take the next attempt, so no new one is needed
	// for it.
	promised bool
}

// Add adds an attempt that may leave. It reports whether the caller has to start a worker.
func (c *Courier[F]) Add(f F) (hire bool) {
	c.waiting = append(c.waiting, f)
	if c.promised {
		c.promised = false
		return false
	}
	c.workers++
	return true
}

// Take gives a worker the first attempt that waits, which flies from now on. Without one
// the worker has to call [Courier.Quit].
func (c *Courier[F]) Take() (f F, ok bool) {
	if len(c.waiting) == 0 {
		return f, false
	}
	var none F
	f, c.waiting[c.head] = c.waiting[c.head], none
	if c.head++; c.head == len(c.waiting) {
		c.waiting, c.head = c.waiting[:0], 0
	}
	c.flying = append(c.flying, f)
	return f, true
}

// Waiting are the attempts that no worker has taken, in their order. It must not be
// changed, and is good until the next call.
func (c *Courier[F]) Waiting() []F { return c.waiting[c.head:] }

// Flying are the attempts that were taken and have not landed. It must not be changed,
// and is good until the next call.
func (c *Courier[F]) Flying() []F { return c.flying }

// Land ends a flight.
func (c *Courier[F]) Land(f F) {
	c.flying = slices.DeleteFunc(c.flying, func(other F) bool { return other == f })
}

// HandIn begins the handing in of the answers of n workers by one of them, which will
// take the next attempt. The others have ended.
func (c *Courier[F]) HandIn(n int) {
	c.workers -= n - 1
	c.promised = true
}

// HandedIn ends it. Attempts that are added from now on need another worker.
func (c *Courier[F]) HandedIn() { c.promised = false }

// Hire counts a worker more, which the caller starts.
func (c *Courier[F]) Hire() { c.workers++ }

// Quit counts a worker out.
func (c *Courier[F]) Quit() {
	if c.workers--; c.workers > 0 {
		return
	}
	c.waiting, c.head = nil, 0
	if c.left != nil {
		close(c.left)
		c.left = nil
	}
}

// Workers is how many there are.
func (c *Courier[F]) Workers() int { return c.workers }

// Left is closed when there is no worker left.
func (c *Courier[F]) Left() <-chan struct{} {
	if c.left == nil {
		c.left = make(chan struct{})
	}
	left := c.left
	if c.workers == 0 {
		close(left)
		c.left = nil
	}
	return left
}
