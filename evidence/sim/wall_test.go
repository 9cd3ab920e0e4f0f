package sim

import (
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
)

// wall is a client's wrong clock. All clients share one virtual clock, so the error of
// a clock is added to its stamps as they cross the wire: they are moved by the error at
// that time. For all others this is the same as a wrong clock, and the client itself
// cannot tell.
type wall struct {
	mu    sync.Mutex         // guards the fields below
	last  optimist.Timestamp // the latest that was shown or heard
	spans []span             // ascending in both fields; never empty
}

// span is a time in which the clock runs as it should, or stands still.
type span struct {
	from  optimist.Timestamp // by the virtual clock
	shows optimist.Timestamp // by the wrong clock, then
	// still: the clock was set back. A hybrid logical clock counts on from the last
	// stamp that it gave, until the wall clock has caught up.
	still bool
}

// mostBack is how far a clock is set back: a stamp has room for so much counting.
const mostBack = 15 * time.Second

func newWall(skew time.Duration) *wall {
	const dawn = optimist.Timestamp(1) << 48
	return &wall{spans: []span{{dawn, dawn + stampsIn(skew), false}}}
}

func stampsIn(d time.Duration) optimist.Timestamp { return optimist.Timestamp(d.Milliseconds()) << 16 }

// set puts the clock ahead, or back by mostBack at most. It counts from behind all
// stamps that there are, for a hybrid clock may be ahead of its wall clock, and the
// shown stamp of an operation must not change.
func (w *wall) set(now optimist.Timestamp, by time.Duration) {
	w.mu.Lock()
	from := max(now, w.last) + stampsIn(time.Millisecond)
	still := from <= w.spans[len(w.spans)-1].from // after it was set back
	w.mu.Unlock()
	if still {
		return
	}
	shows := w.show(from)
	w.mu.Lock()
	defer w.mu.Unlock()
	if by > 0 {
		w.spans = append(w.spans, span{from, shows + stampsIn(by), false})
		return
	}
	w.spans = append(w.spans, span{from, shows, true}, span{from + stampsIn(-by), shows + stampsIn(time.Millisecond), false})
}

// Four stamps of each millisecond are told apart while the clock stands still.
const (
	perMillisecond = 4
	counterBits    = 16
)

// show is a stamp of the virtual clock as the wrong clock has it.
func (w *wall) show(at optimist.Timestamp) optimist.Timestamp {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, at)
	s := w.spans[0]
	for _, next := range w.spans {
		if next.from <= at {
			s = next
		}
	}
	past := at - s.from
	if s.still {
		past = past>>counterBits*perMillisecond + min(past&(1<<counterBits-1), perMillisecond-1)
	}
	return s.shows + past
}

// hear is the opposite of show. Stamps that the wrong clock has skipped become the time
// of the jump.
func (w *wall) hear(shown optimist.Timestamp) optimist.Timestamp {
	w.mu.Lock()
	defer w.mu.Unlock()
	if shown < w.spans[0].shows {
		return shown // older than the world
	}
	i := 0
	for j, s := range w.spans {
		if s.shows <= shown {
			i = j
		}
	}
	past := shown - w.spans[i].shows
	if w.spans[i].still {
		past = past/perMillisecond<<counterBits + past%perMillisecond
	}
	at := w.spans[i].from + past
	if i+1 < len(w.spans) {
		at = min(at, w.spans[i+1].from-1)
	}
	w.last = max(w.last, at)
	return at
}

func TestWallClocksKeepTheOrderOfTheirStamps(t *testing.T) {
	now := optimist.TimestampOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWall(-time.Minute)
	w.set(now+stampsIn(time.Second), time.Hour)
	w.set(now+stampsIn(5*time.Second), -mostBack)
	w.set(now+stampsIn(time.Minute), 3*time.Second)
	var last optimist.Timestamp
	for ms := range 90_000 {
		for counter := range optimist.Timestamp(3) {
			at := now + optimist.Timestamp(ms)<<counterBits + counter
			shown := w.show(at)
			if shown <= last {
				t.Fatalf("%v is shown as %v, after %v", at, shown, last)
			}
			if back := w.hear(shown); back != at {
				t.Fatalf("%v is shown as %v and heard as %v", at, shown, back)
			}
			last = shown
		}
	}
}
