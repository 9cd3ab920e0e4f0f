package optimist

import (
	"context"
	"sync"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// flight is a call under way, and the context that its Send gets. It is a context of
// its own because most calls end long before their deadline: the channel and the
// timer are made only for those that ask for them, and the deadline moves with progress.
type flight struct {
	attempt
	disowned bool      // its answer is of no interest; guarded by the Manager's lock
	late     time.Time // when somebody is told that it still runs; zero: never; guarded by the Manager's lock
	judged   bool      // how it ended is known; its worker's, and of the one who relieves it

	// mu guards the fields below. It may be taken under the Manager's lock.
	mu       sync.Mutex
	began    time.Time
	deadline time.Time // zero: none
	latest   time.Time // progress moves the deadline no further; zero: as far as it goes
	err      error
	done     chan struct{}
	timer    *time.Timer // fires at the deadline, or at an earlier one and is set again
	came     progress
	told     time.Time // when progress was told last
	long     bool      // it has gone on beyond its first timeout
}

// progress is how far a call has come, in units of the program.
type progress struct{ done, total int64 }

// begin starts the time of the attempt: when it is known to the disk, and before Send
// gets its context. It ends after the timeout (0 or less: none) without progress, and in
// any case when the operation's own deadline does (zero: none).
func (f *flight) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began, f.deadline, f.latest = time.Now(), f.until, f.until
	if most := max(f.typ.maxTimeout, f.typ.timeout); f.typ.maxTimeout > 0 {
		f.latest = earlier(f.latest, f.began.Add(most))
	}
	if f.typ.timeout > 0 {
		f.deadline = earlier(f.until, f.began.Add(f.typ.timeout))
	}
}

// times are when the attempt began (zero: it has not), and when it has to end (zero: never).
func (f *flight) times() (began, deadline time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.began, f.deadline
}

// earlier is the first of two times; zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Deadline is part of context.Context.
func (f *flight) Deadline() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.deadline, !f.deadline.IsZero()
}

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
			f.timer = time.AfterFunc(time.Until(f.deadline), f.timeUp)
		}
	}
	return f.done
}

// timeUp ends the context, unless progress has moved its deadline since the timer was set.
func (f *flight) timeUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	if rest := time.Until(f.deadline); rest > 0 {
		f.timer.Reset(rest)
		return
	}
	f.endHeld(context.DeadlineExceeded)
}

// Err is part of context.Context.
func (f *flight) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(time.Now())
	return f.err
}

// look ends the context when its deadline has passed. The caller has f.mu.
func (f *flight) look(now time.Time) {
	if !f.deadline.IsZero() && !now.Before(f.deadline) {
		f.endHeld(context.DeadlineExceeded)
	}
}

// end ends the context; the first reason stays.
func (f *flight) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endHeld(err)
}

// endHeld is end for a caller that has f.mu.
func (f *flight) endHeld(err error) {
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

// betweenTold is the least time between two events that tell how far a call has come.
const betweenTold = 100 * time.Millisecond

// progress notes how far the call has come, and lets its timeout begin anew. The lock of
// the Manager is taken for a few of many reports only.
func (f *flight) progress(done, total int64) {
	now := time.Now()
	f.mu.Lock()
	if f.look(now); f.err != nil {
		f.mu.Unlock()
		return
	}
	f.came = progress{done, total}
	timeout := f.typ.timeout
	if timeout > 0 {
		f.deadline = earlier(f.latest, now.Add(timeout))
	}
	tell := f.told.IsZero() || now.Sub(f.told) >= betweenTold
	if tell {
		f.told = now
	}
	lasts := timeout > 0 && !f.long && now.Sub(f.began) >= timeout
	f.long = f.long || lasts
	f.mu.Unlock()
	if tell || lasts {
		f.h.m.progressed(f, progress{done, total}, tell, lasts)
	}
}

// progressed tells how far a call has come, and the engine when it lasts.
func (m *Manager) progressed(f *flight, came progress, tell, lasts bool) {
	m.mu.Lock()
	now := time.Now()
	if tell && len(m.subs) > 0 && f.h.op.State() == engine.InFlight && !f.disowned {
		ev := Event{Kind: OpProgressed, At: now, Attempt: f.n, Done: came.done, Total: came.total}
		m.nameLocked(&ev, &f.h.op)
		m.publishLocked(ev)
	}
	if lasts && !f.disowned {
		m.stepLocked(now, engine.Lasting{Op: &f.h.op})
	}
	m.unlock()
}

// Progress is how far the call under way has come, as its Send has told by Call.Progress.
// Both are 0 when no call is under way or nothing was told; total is 0 when it is not known.
func (h *Handle) Progress() (done, total int64) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for _, f := range h.m.flights {
		if f.h == h {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.came.done, f.came.total
		}
	}
	return 0, 0
}
