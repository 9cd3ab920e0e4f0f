package optimist

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/deadline"
	"github.com/optimist-go/optimist/internal/engine"
)

// flight is one call that may leave, or is under way.
type flight struct {
	h        *Handle
	typ      *opType
	n        int // 1 is the first
	counted  int // charged to the retry policy before this one
	space    *engine.Space
	entity   string        // within space: the server's name
	refs     []string      // the server's names of the entities to which the arguments refer
	base     any           // the truth held; nil: not present, or a group
	version  uint64        // of the truth held
	restored string        // the id, if it is of an earlier life
	inDoubt  time.Duration // see Call.InDoubt
	dropped  bool          // nobody needs the call any more: it does not leave

	ctx      deadline.Context // of its Send
	disowned bool             // its answer is of no interest; guarded by the Manager's lock
	judged   bool             // how it ended is known; of its worker alone
	late     deadline.Overdue // when somebody is told that it still runs; guarded by the Manager's lock
}

// flightOf is the flight whose context ctx is, or from which it was derived; nil without.
func flightOf(ctx context.Context) *flight {
	f, _ := ctx.Value(deadline.Key{}).(*flight)
	return f
}

// report tells how far the call has come. The lock of the Manager is taken for a few of many
// reports only.
func (f *flight) report(done, total int64) {
	if f == nil {
		return
	}
	now := time.Now()
	if tell, lasts := f.ctx.Report(f.h.m.now(now), done, total); tell || lasts {
		f.h.m.progressed(f, Event{Kind: event.Progressed, At: now, Calls: f.n, Done: done, Total: total}, tell, lasts)
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
				done, total = f.ctx.Reported()
			}
		}
	})
	return done, total
}
