package optimist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

func init() {
	afterStep = func(e *engine.Engine) {
		if e.Pending() > 200 {
			return // it looks at everything, so large tests and benchmarks go without
		}
		if err := e.Check(); err != nil {
			fmt.Fprintf(os.Stderr, "after a step: %v\n%s", err, debug.Stack())
			os.Exit(2) // a panic would find the lock held
		}
	}
}

type post struct {
	Likes int
	Mine  bool
}

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		posts := NewStore[post](m, "post")
		calls := 0
		server := post{Likes: 3}
		version := uint64(1)
		fail := errors.New("no")
		mode := "ok"
		like := RegisterToggle(posts, Toggle[post]{
			Type: "like",
			Get:  func(p post, _ string) bool { return p.Mine },
			Set: func(p post, _ string, on bool) post {
				p.Mine = on
				if on {
					p.Likes++
				} else {
					p.Likes--
				}
				return p
			},
			Send: func(ctx context.Context, c Call[Switched]) (Truth[post], error) {
				calls++
				time.Sleep(50 * time.Millisecond)
				switch mode {
				case "permanent":
					return Truth[post]{}, Fail(Permanent, fail)
				case "transient":
					return Truth[post]{}, fail
				}
				if server.Mine != c.Args.On {
					server.Mine = c.Args.On
					if c.Args.On {
						server.Likes++
					} else {
						server.Likes--
					}
					version++
				}
				return TruthOf(server, version), nil
			},
		})
		posts.Receive("42", TruthOf(server, version))
		h, err := like.Toggle(ctx, "42", "u7")
		if err != nil {
			t.Fatal(err)
		}
		if v := posts.View("42"); v.Value.Likes != 4 || v.Pending != 1 {
			t.Fatalf("%+v", v)
		}
		r, err := h.Wait(ctx)
		if err != nil || !r.Success() || calls != 1 {
			t.Fatal(r, err, calls)
		}
		// four quick taps: nothing to send
		for range 4 {
			if _, err := like.Toggle(ctx, "42", "u7"); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Flush(ctx); err != nil || calls != 1 {
			t.Fatal(err, calls)
		}
		// three taps during a flight
		mode = "permanent"
		like.Toggle(ctx, "42", "u7")
		time.Sleep(310 * time.Millisecond)
		like.Toggle(ctx, "42", "u7")
		like.Toggle(ctx, "42", "u7")
		h, _ = like.Toggle(ctx, "42", "u7")
		m.Flush(ctx)
		r, _ = h.Result()
		t.Log(r, calls, posts.View("42"))
		mode = "transient"
		start := time.Now()
		h, _ = like.Toggle(ctx, "42", "u7")
		r, _ = h.Wait(ctx)
		t.Log(r, r.Err, calls, time.Since(start), posts.View("42"))
		if err := m.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSmokeClosures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m, _ := New(Options{})
		liked, count, calls := false, 3, 0
		server := false
		var changes []bool
		fail := false
		tap := func() *Handle {
			h, err := m.ExecuteToggle(ctx, ToggleUpdate{
				Type: "like", Entity: "post:42", User: "u7",
				Current: func() bool { return liked },
				Apply: func(on bool) func() {
					was, n := liked, count
					liked = on
					if on {
						count++
					} else {
						count--
					}
					return func() { liked, count = was, n }
				},
				Send: func(ctx context.Context, on bool) (bool, error) {
					calls++
					if fail {
						return false, Fail(Permanent, errors.New("no"))
					}
					server = on
					return server, nil
				},
				OnChange: func(on bool, r Result) { changes = append(changes, on) },
			})
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		tap()
		if !liked || count != 4 {
			t.Fatal(liked, count)
		}
		m.Flush(ctx)
		if calls != 1 || !server || m.HasPending("post:42") {
			t.Fatal(calls, server)
		}
		for range 4 {
			tap()
		}
		m.Flush(ctx)
		if calls != 1 || !liked || count != 4 {
			t.Fatal(calls, liked, count)
		}
		fail = true
		tap()
		if liked {
			t.Fatal()
		}
		m.Flush(ctx)
		if !liked || count != 4 || calls != 2 {
			t.Fatal(liked, count, calls)
		}
		t.Log(changes)
		synctest.Wait() // the worker that ended the last one is done with its log
		if closureLogs(m) != 0 {
			t.Fatal("closure logs remain")
		}
		if err := m.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
