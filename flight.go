package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/deadline"
	"github.com/optimist-go/optimist/internal/engine"
)

// flight is a call under way, and the context that its Send gets.
type flight struct {
	deadline.Context
	attempt
	disowned bool        // its answer is of no interest; guarded by the Manager's lock
	judged   bool        // how it ended is known; of its worker alone
	late     engine.Time // when somebody is told that it still runs; guarded by the Manager's lock
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

// begin starts the time of the attempt: when it is known to the disk, and before Send gets its
// context. The error says that it was ended before.
func (f *flight) begin(now time.Time) error {
	limits := deadline.Limits{Timeout: f.typ.timeout, Longest: f.typ.maxTimeout}
	if f.until != engine.Never {
		limits.Until = f.h.m.epoch.Add(time.Duration(f.until))
	}
	return f.Begin(now, limits)
}

// later is a time after another.
func later(t engine.Time, d time.Duration) engine.Time {
	if d > 0 && t > engine.Never-engine.Time(d) {
		return engine.Never
	}
	return t + engine.Time(d)
}

// report tells how far the call has come. The lock of the Manager is taken for a few of many
// reports only.
func (f *flight) report(done, total int64) {
	if f == nil {
		return
	}
	now := time.Now()
	if tell, lasts := f.Report(now, done, total); tell || lasts {
		f.h.m.progressed(f, Event{Kind: OpProgressed, At: now, Calls: f.n, Done: done, Total: total}, tell, lasts)
	}
}

// progressed tells how far a call has come, and the engine when it lasts.
func (m *Manager) progressed(f *flight, ev Event, tell, lasts bool) {
	m.mu.Lock()
	if tell && f.h.op.State() == engine.InFlight && !f.disowned {
		m.publishOfLocked(ev, &f.h.op)
	}
	if lasts && !f.disowned {
		m.stepNowLocked(engine.Progressed{Op: &f.h.op})
	}
	m.unlock()
}

// Progress is how far the call under way has come, as its Send has told by Call.Progress.
// Both are 0 when no call is under way or nothing was told; total is 0 when it is not known.
func (h *Handle) Progress() (done, total int64) {
	h.look("Handle.Progress", func() {
		for _, f := range h.m.courier.Flying() {
			if f.h == h {
				done, total = f.Reported()
			}
		}
	})
	return done, total
}
