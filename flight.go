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
	disowned bool        // its answer is of no interest; guarded by the Manager's lock
	judged   bool        // how it ended is known; of its worker alone
	late     engine.Time // when somebody is told that it still runs; guarded by the Manager's lock

	// mu guards the fields below. It may be taken under the Manager's lock.
	mu       sync.Mutex
	began    engine.Time // 0: its time has not begun
	deadline engine.Time
	err      error
	done     chan struct{}
	timer    *time.Timer          // fires at the deadline, or at an earlier one and is set again
	reported *reported            // told by Send of its progress; nil: nothing
	after    map[*func()]struct{} // to be run when the context ends; see AfterFunc
}

// reported is the progress that a Send has told.
type reported struct {
	came progress
	at   engine.Time // when it was told last
	long bool        // it has gone on beyond its first timeout
}

// progress is how far a call has come, in units of the program.
type progress struct{ done, total int64 }

// begin starts the time of the attempt: when it is known to the disk, and before Send
// gets its context. It ends after the timeout (0 or less: none) without progress, and in
// any case when the operation's own deadline does. The error says that it was ended before.
func (f *flight) begin(now engine.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began = now
	if f.deadline = f.until; f.typ.timeout > 0 {
		f.deadline = min(f.until, later(now, f.typ.timeout))
	}
	return f.err
}

// latest is how far progress can move the deadline. The caller has f.mu.
func (f *flight) latest() engine.Time {
	if f.typ.maxTimeout <= 0 {
		return f.until
	}
	return min(f.until, later(f.began, max(f.typ.maxTimeout, f.typ.timeout)))
}

// later is a time after another.
func later(t engine.Time, d time.Duration) engine.Time {
	if d > 0 && t > engine.Never-engine.Time(d) {
		return engine.Never
	}
	return t + engine.Time(d)
}

// now is the Manager's time.
func (f *flight) now() engine.Time { return f.h.m.now(time.Now()) }

// times are when the attempt began (0: it has not), and when it has to end.
func (f *flight) times() (began, deadline engine.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.began, f.deadline
}

// Deadline is part of context.Context.
func (f *flight) Deadline() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadline == engine.Never {
		return time.Time{}, false
	}
	return f.h.m.epoch.Add(time.Duration(f.deadline)), true
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
		case f.deadline != engine.Never:
			f.timer = time.AfterFunc(time.Duration(f.deadline-f.now()), f.timeUp)
		}
	}
	return f.done
}

// AfterFunc calls run in a goroutine of its own when the context ends, or at once when
// it has ended. The stop function reports whether it has prevented that. Package context
// asks for this method: contexts derived from a flight then need no goroutine that waits.
func (f *flight) AfterFunc(run func()) (stop func() bool) {
	f.Done() // sets the timer
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		go run()
	} else {
		if f.after == nil {
			f.after = make(map[*func()]struct{})
		}
		f.after[&run] = struct{}{}
	}
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, waits := f.after[&run]
		delete(f.after, &run)
		return waits
	}
}

// timeUp ends the context, unless progress has moved its deadline since the timer was set.
func (f *flight) timeUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	if rest := f.deadline - f.now(); rest > 0 {
		f.timer.Reset(time.Duration(rest))
		return
	}
	f.endHeld(context.DeadlineExceeded)
}

// Err is part of context.Context.
func (f *flight) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(f.now())
	return f.err
}

// look ends the context when its deadline has passed. The caller has f.mu.
func (f *flight) look(now engine.Time) {
	if now >= f.deadline {
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
	for run := range f.after {
		go (*run)()
	}
	f.after = nil
}

// betweenTold is the least time between two events that tell how far a call has come.
const betweenTold = 100 * time.Millisecond

// progress notes how far the call has come, and lets its timeout begin anew. The lock of
// the Manager is taken for a few of many reports only.
func (f *flight) progress(done, total int64) {
	now := f.now()
	f.mu.Lock()
	if f.look(now); f.err != nil {
		f.mu.Unlock()
		return
	}
	first := f.reported == nil
	if first {
		f.reported = new(reported)
	}
	f.reported.came = progress{done, total}
	timeout := f.typ.timeout
	if timeout > 0 {
		f.deadline = min(f.latest(), later(now, timeout))
	}
	tell := first || now >= later(f.reported.at, betweenTold)
	if tell {
		f.reported.at = now
	}
	lasts := timeout > 0 && !f.reported.long && now >= later(f.began, timeout)
	f.reported.long = f.reported.long || lasts
	f.mu.Unlock()
	if tell || lasts {
		f.h.m.progressed(f, progress{done, total}, tell, lasts)
	}
}

// progressed tells how far a call has come, and the engine when it lasts.
func (m *Manager) progressed(f *flight, came progress, tell, lasts bool) {
	m.mu.Lock()
	now := time.Now()
	if tell && m.audience.Subscribed() && f.h.op.State() == engine.InFlight && !f.disowned {
		ev := Event{Kind: OpProgressed, At: now, Calls: f.n, Done: came.done, Total: came.total}
		m.publishOfLocked(ev, &f.h.op)
	}
	if lasts && !f.disowned {
		m.stepLocked(now, engine.Progressed{Op: &f.h.op})
	}
	m.unlock()
}

// Progress is how far the call under way has come, as its Send has told by Call.Progress.
// Both are 0 when no call is under way or nothing was told; total is 0 when it is not known.
func (h *Handle) Progress() (done, total int64) {
	h.look("Handle.Progress", func() {
		for _, f := range h.m.courier.Flying() {
			if f.h != h {
				continue
			}
			f.mu.Lock()
			if f.reported != nil {
				done, total = f.reported.came.done, f.reported.came.total
			}
			f.mu.Unlock()
		}
	})
	return done, total
}
