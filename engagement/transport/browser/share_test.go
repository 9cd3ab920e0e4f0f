package browser

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestSharedStreamLosesNothing lets windows come, go, break off and crash, with messages in
// any order, and checks the guarantees of each.
func TestSharedStreamLosesNothing(t *testing.T) {
	for seed := range uint64(1500) {
		w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), t: t, lossy: seed%2 == 0}
		var hidden []*simulated
		for range 300 {
			var s *simulated
			if len(w.windows) > 0 {
				s = w.windows[w.IntN(len(w.windows))]
			}
			switch n := w.IntN(100); {
			case n < 12:
				w.changes = append(w.changes, w.IntN(posts))
			case n < 16 && len(w.windows) < 6:
				w.come(nil)
			case n < 20 && len(hidden) > 0:
				w.come(hidden[0])
				hidden = hidden[1:]
			case s == nil:
			case n < 23: // hidden, or its stream broke
				w.leave(s)
				hidden = append(hidden, s)
			case n < 24: // closed for good
				w.leave(s)
			case n < 25 && w.IntN(10) == 0:
				w.forgot = int64(len(w.changes))
			case n < 45:
				w.serve(s)
			default:
				w.arrive(s)
			}
			w.check()
		}
		w.settle()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		open := 0
		for _, s := range w.windows {
			if s.open {
				open++
			}
		}
		if open != min(len(w.windows), 1) {
			t.Fatalf("seed %d: %d windows end with %d streams", seed, len(w.windows), open)
		}
	}
}

// settle delivers all messages, and then a change and heartbeats of the server, by which a
// window notices a missed message.
func (w *world) settle() {
	w.lossy = false
	for round := range 3 {
		for _, s := range w.windows {
			if round == 0 {
				w.changes = append(w.changes, w.IntN(posts))
			} else if s.asked && s.open {
				s.stream = append(s.stream, client.Event{Name: wire.EventBeat, ID: strconv.FormatInt(s.told, 10)})
			}
		}
		for busy := true; busy; {
			busy = false
			for _, s := range w.windows {
				busy = w.serve(s) || busy
				busy = w.arrive(s) || busy
				w.check()
			}
		}
	}
	for _, s := range w.windows {
		if s.seen != w.latest() {
			w.t.Errorf("%s holds %v at the end, the server %v", s.name, s.seen, w.latest())
		}
	}
}
