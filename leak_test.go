package optimist

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestMain fails when a goroutine of this package is left at the end.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := goroutines(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutines lists ours, the caller's aside, once they have had time to end.
func goroutines() (left string) {
	for range 100 {
		buf := make([]byte, 1<<20)
		all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		left = ""
		for _, g := range all[1:] {
			if strings.Contains(g, "optimist-go/optimist.") && !strings.Contains(g, "optimist.TestMain(") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond) // real time: they are ending
	}
	return left
}

// tapper taps entities through one of the doors, and waits until all is settled.
type tapper func(n int)

// tappers are both doors over a server that agrees with everything.
func tappers(t testing.TB, m *Manager) map[string]tapper {
	ctx := context.Background()
	pages := NewStore[page](m, "page")
	send := func(_ context.Context, c Call[Switched]) (Truth[page], error) {
		return TruthOf(setFan(page{}, c.Args.User, c.Args.On), uint64(c.Number)), nil
	}
	like := RegisterToggle(pages, Toggle[page]{Type: "like", Get: isFan, Set: setFan, Send: send})
	const chunk = 50_000 // fewer than MaxPending
	each := func(n int, tap func(id string), forget func(id string)) {
		for from := 0; from < n; from += chunk {
			for i := from; i < min(from+chunk, n); i++ {
				tap(fmt.Sprint(i))
			}
			if err := m.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			for i := from; i < min(from+chunk, n); i++ {
				forget(fmt.Sprint(i))
			}
		}
	}
	return map[string]tapper{
		"typed": func(n int) {
			each(n, func(id string) {
				must(like.Set(ctx, id, "me", true))(t)
			}, func(id string) {
				if !pages.Forget(id) {
					t.Fatalf("page %s is not settled", id)
				}
			})
		},
		"closures": func(n int) {
			on := false
			each(n, func(id string) {
				must(m.ExecuteToggle(ctx, ToggleUpdate{
					Type: "like", Entity: id, User: "me",
					Current: func() bool { return false },
					Apply:   func(is bool) func() { on = is; return func() { on = !is } },
					Send:    func(_ context.Context, on bool) (bool, error) { return on, nil },
				}))(t)
			}, func(string) {})
			if !on {
				t.Fatal("nothing was applied")
			}
		},
	}
}

// A million entities tapped and settled leave the heap where it began.
func TestLaw25_MemoryReturns(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceDetector {
		n = 60_000
	}
	for _, name := range []string{"typed", "closures"} {
		t.Run(name, func(t *testing.T) {
			m := must(New(Options{Policy: Policy{Debounce: Debounce{Wait: time.Minute}}}))(t)
			tap := tappers(t, m)[name]
			tap(1000) // what is made once
			before := heapInUse()
			tap(n)
			after := heapInUse()
			t.Logf("%d entities: %d KiB before, %d KiB after", n, before>>10, after>>10)
			if after > before+before/20 {
				t.Errorf("the heap grew from %d to %d bytes", before, after)
			}
			if err := m.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Who waits and gives up leaves nothing behind.
func TestLaw25_GivingUpAWaitIsFree(t *testing.T) {
	for name, hold := range map[string]func(u Update, begun, until <-chan struct{}) Update{
		"an operation": func(u Update, _, until <-chan struct{}) Update {
			u.Send = func(context.Context) error { <-until; return nil }
			return u
		},
		"a rollback": func(u Update, begun, until <-chan struct{}) Update {
			u.Apply = func() func() { return func() { <-until } }
			u.Send = func(context.Context) error { <-begun; return errNever } // Execute may carry out a rollback itself
			return u
		},
		"a callback": func(u Update, _, until <-chan struct{}) Update {
			u.OnSuccess = func(Result) { <-until }
			return u
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				begun, until := make(chan struct{}), make(chan struct{})
				defer close(until)
				must(w.m.Execute(w.ctx, hold(w.update("held", "1", func() func() { return nil }), begun, until)))(t)
				close(begun)
				synctest.Wait()
				before := heapInUse()
				for range 20_000 {
					short, cancel := context.WithTimeout(w.ctx, time.Microsecond)
					is(t, w.m.Flush(short), context.DeadlineExceeded)
					cancel()
				}
				if more := heapInUse() - before; more > 500_000 {
					t.Errorf("%d KiB more are held", more>>10)
				}
			})
		})
	}
}

// heapInUse is what is reachable. Two collections end finalizers and pools.
func heapInUse() int64 {
	var s runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// An idle manager has no goroutine and no timer; a closed one neither.
func TestLaw25_IdleIsFree(t *testing.T) {
	m := must(New(Options{Policy: Policy{Debounce: Debounce{Wait: time.Hour}}}))(t)
	for name, tap := range tappers(t, m) {
		tap(5000)
		if left := goroutines(); left != "" {
			t.Fatalf("%s: an idle manager has goroutines:\n%s", name, left)
		}
		m.mu.Lock()
		if m.alarm.At() != m.engine.NextTick() || m.alarm.At() < 1<<62 {
			t.Errorf("%s: an idle manager has a timer at %d", name, m.alarm.At())
		}
		m.mu.Unlock()
	}
	var wait sync.WaitGroup
	sub := m.Subscribe(SubscribeOptions{})
	wait.Go(func() {
		for range sub.All(context.Background()) {
		}
	})
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	wait.Wait() // Close ends subscriptions
	if left := goroutines(); left != "" {
		t.Fatalf("a closed manager has goroutines:\n%s", left)
	}
}
