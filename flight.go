package optimist

import (
	"context"
	"sync"
	"time"
)

// flight is a call under way, and the context that its Send gets. It is a context of
// its own because most calls end long before their deadline: the channel and the
// timer are made only for those that ask for them.
type flight struct {
	attempt
	deadline time.Time // zero: none
	disowned bool      // its answer is of no interest; guarded by the Manager's lock
	judged   bool      // how it ended is known; its worker's, and of the one who relieves it

	// mu guards the fields below. It may be taken under the Manager's lock.
	mu    sync.Mutex
	err   error
	done  chan struct{}
	timer *time.Timer
}

// begin starts the time of the attempt: when it is known to the disk, and before Send
// gets its context. It ends after the timeout (0 or less: none), and in any case when
// the operation's own deadline does (zero: none).
func (f *flight) begin(timeout time.Duration, until time.Time) {
	f.deadline = until
	if timeout <= 0 {
		return
	}
	if at := time.Now().Add(timeout); until.IsZero() || at.Before(until) {
		f.deadline = at
	}
}

// Deadline is part of context.Context.
func (f *flight) Deadline() (time.Time, bool) { return f.deadline, !f.deadline.IsZero() }

// flightKey is under which a flight carries itself, for CallFrom.
type flightKey struct{}

// Value is part of context.Context.
func (f *flight) Value(key any) any {
	if key == (flightKey{}) {
		return f
	}
	return nil
}

// Done is part of context.Context.
func (f *flight) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = make(chan struct{})
		switch {
		case f.err != nil:
			close(f.done)
		case !f.deadline.IsZero():
			f.timer = time.AfterFunc(time.Until(f.deadline), func() { f.end(context.DeadlineExceeded) })
		}
	}
	return f.done
}

// Err is part of context.Context.
func (f *flight) Err() error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err == nil && !f.deadline.IsZero() && !time.Now().Before(f.deadline) {
		f.end(context.DeadlineExceeded)
		return context.DeadlineExceeded
	}
	return err
}

// end ends the context; the first reason stays.
func (f *flight) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	f.err = err
	if f.done != nil {
		close(f.done)
	}
	if f.timer != nil {
		f.timer.Stop()
	}
}
