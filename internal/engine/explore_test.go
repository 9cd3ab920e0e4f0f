package engine

import (
	"flag"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
	"time"
)

var (
	exploreDepth = flag.Int("explore.depth", 20, "inputs of the longest schedule explored")
	exploreTime  = flag.Duration("explore.time", 8*time.Second, "when to stop exploring; depths begun are not finished then")
)

// choice is one thing that can happen next in a world.
type choice[W any] struct {
	name    string
	enabled func(W) bool
	do      func(W) error
}

// explored is a world that can be walked through.
type explored interface {
	fingerprint() []byte // equal for states that cannot be told apart
	calmDown() error     // lets all faults stop, and looks at the end
}

func always(*world) bool { return true }

func choices() (all []choice[*world]) {
	add := func(name string, enabled func(*world) bool, do func(*world) error) {
		all = append(all, choice[*world]{name, enabled, do})
	}
	add("tap like a", always, func(w *world) error { return w.tap(0, false) })
	add("tap save a", always, func(w *world) error { return w.tap(0, true) })
	add("tap like b", always, func(w *world) error { return w.tap(1, false) })
	add("timer", func(w *world) bool { return w.e.NextTick() != Never }, func(w *world) error {
		w.now = max(w.now, w.e.NextTick())
		return w.step(Tick{})
	})
	for n := range 2 {
		under := func(w *world) bool { return len(w.calls) > n }
		for _, a := range []struct {
			name    string
			class   Class
			reached bool
		}{
			{"ok", OK, true}, {"transient", Transient, false}, {"permanent", Permanent, false}, {"conflict", Conflicting, false},
			{"lost answer", Unknown, true}, {"lost request", Unknown, false},
		} {
			add(fmt.Sprintf("call %d: %s", n, a.name), under, func(w *world) error { return w.answer(n, a.class, a.reached) })
		}
		add(fmt.Sprintf("call %d: lasts", n), func(w *world) bool { return len(w.calls) > n && w.e.gate.probe == w.calls[n] },
			func(w *world) error { return w.step(Progressed{w.calls[n]}) })
		add(fmt.Sprintf("call %d: broken, done", n), under, func(w *world) error { return w.breaks(n) })
	}
	add("call 0: ok, read too early", func(w *world) bool { return len(w.calls) > 0 }, func(w *world) error { return w.answerEarly(true) })
	add("call 0: ok, lagging", func(w *world) bool { return len(w.calls) > 0 }, func(w *world) error { return w.answerEarly(false) })
	add("push old list a", func(w *world) bool { return w.servers[0].version > 1 }, (*world).pushList)
	add("push new a", always, func(w *world) error {
		w.misled[0] = false
		return w.push(0, w.servers[0].truth())
	})
	// With nothing held, nobody could know that it is stale.
	add("push stale a", func(w *world) bool { return w.ent(0).version != 0 && w.servers[0].version > 1 },
		func(w *world) error { return w.push(0, Truth{Presence: Present, Value: model{}, Version: 1}) })
	add("offline", func(w *world) bool { return !w.offline }, func(w *world) error {
		w.offline = true
		return w.step(SetOnline{})
	})
	add("online", func(w *world) bool { return w.offline }, func(w *world) error {
		w.offline = false
		return w.step(SetOnline{Online: true})
	})
	add("cancel the oldest", func(w *world) bool { return len(w.known) > 0 && w.known[0].seq != 0 && w.known[0].state != Ended },
		func(w *world) error { return w.step(Cancel{Op: w.known[0]}) })
	add("roll back a", func(w *world) bool { return w.ent(0).first != nil },
		func(w *world) error { return w.step(RollbackAll{w.ent(0)}) })
	add("roll back everything", func(w *world) bool { return w.e.pending > 0 && w.ent(0).unended < int32(w.e.pending) },
		func(w *world) error { return w.step(RollbackAll{}) })
	add("crash", func(w *world) bool { return w.crashes == 0 && w.e.pending > 0 }, func(w *world) error { return w.crash(false) })
	add("crash, calls arrived", func(w *world) bool { return w.crashes == 0 && len(w.calls) > 0 },
		func(w *world) error { return w.crash(true) })
	return all
}

// state is a way to a distinct state, and the number of schedules that lead there.
type state struct {
	path      []byte
	schedules float64
}

func TestExplore(t *testing.T) { explore(t, newWorld, choices(), *exploreTime) }

// explore walks through all schedules of a few inputs, breadth first, and through
// each distinct state once. From each it lets the faults stop and looks at the end.
func explore[W explored](t *testing.T, begin func() W, all []choice[W], limit time.Duration) {
	start := time.Now()
	seed := maphash.MakeSeed()
	hash := func(w W) uint64 { return maphash.Bytes(seed, w.fingerprint()) }

	seen := map[uint64]bool{hash(begin()): true}
	frontier := []state{{schedules: 1}}
	var schedules float64
	depth := 0
	for ; depth < *exploreDepth && len(frontier) > 0; depth++ {
		next := make(map[uint64]*state)
		for _, s := range frontier {
			if time.Since(start) > limit {
				t.Logf("depth %d complete (a part of %d as well): %d distinct states, %.3g schedules, in %v",
					depth, depth+1, len(seen), schedules, time.Since(start).Round(time.Second))
				return
			}
			for i, c := range all {
				w, err := replay(begin, all, s.path)
				if err != nil {
					t.Fatal(err)
				}
				if !c.enabled(w) {
					continue
				}
				path := append(s.path[:len(s.path):len(s.path)], byte(i))
				if err := c.do(w); err != nil {
					t.Fatalf("%v, after:\n%s", err, told(all, path))
				}
				h := hash(w)
				if n := next[h]; n != nil {
					n.schedules += s.schedules
				} else if !seen[h] {
					seen[h] = true
					next[h] = &state{path, s.schedules}
					if err := w.calmDown(); err != nil {
						t.Fatalf("%v, after:\n%s", err, told(all, path))
					}
				}
				schedules += s.schedules
			}
		}
		frontier = frontier[:0]
		for _, n := range next {
			frontier = append(frontier, *n)
		}
	}
	t.Logf("depth %d complete: %d distinct states, %.3g schedules, in %v",
		depth, len(seen), schedules, time.Since(start).Round(time.Second))
}

func replay[W explored](begin func() W, all []choice[W], path []byte) (W, error) {
	w := begin()
	for _, i := range path {
		if err := all[i].do(w); err != nil {
			return w, err
		}
	}
	return w, nil
}

func told[W any](all []choice[W], path []byte) string {
	var lines []string
	for _, i := range path {
		lines = append(lines, all[i].name)
	}
	return strings.Join(lines, "\n")
}
