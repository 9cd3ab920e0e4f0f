package optimist

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// upload is an update of page 1 whose Send takes n times a while and tells so each time.
type upload struct {
	n     int
	each  time.Duration
	quiet bool          // it tells nothing
	dies  int           // nothing comes of it from this time on; 0: it does not die
	calls []time.Time   // that left
	ends  time.Duration // how long the last call took that did not come to its end
}

func (u *upload) send(ctx context.Context, progress func(done, total int64)) error {
	began := time.Now()
	u.calls = append(u.calls, began)
	for i := range u.n {
		wait := u.each
		if u.dies > 0 && i >= u.dies {
			wait = 24 * time.Hour
		}
		if err := sleep(ctx, wait, false); err != nil {
			u.ends = time.Since(began)
			return err
		}
		if !u.quiet {
			progress(int64(i+1), int64(u.n))
		}
	}
	return nil
}

// both runs a test with an upload through either door.
func (u upload) both(t *testing.T, opts Options, f func(t *testing.T, w *world, u *upload, h *Handle)) {
	t.Helper()
	t.Run("typed", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			u := u
			def := w.renaming("upload")
			def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
				return Truth[page]{}, u.send(ctx, c.Progress)
			}
			f(t, w, &u, do(w, Register(w.pages, def), "1", "x"))
		})
	})
	t.Run("closures", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			u := u
			up := w.update("upload", "1", func() func() { return nil })
			up.Send = func(ctx context.Context) error {
				call, _ := CallFrom(ctx)
				return u.send(ctx, call.Progress)
			}
			f(t, w, &u, must(w.m.Execute(w.ctx, up))(t))
		})
	})
	t.Run("a group", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			u := u
			g := RegisterGroup(w.m, Group[string]{
				Type: "upload",
				Parts: func(string) []Part {
					same := func(p page) (page, error) { return p, nil }
					return []Part{w.pages.Part("1", same), w.pages.Part("2", same)}
				},
				Send: func(ctx context.Context, c Call[string]) ([]EntityTruth, error) { return nil, u.send(ctx, c.Progress) },
			})
			f(t, w, &u, must(g.Execute(w.ctx, "x"))(t))
		})
	})
}

func TestLaw12_ProgressExtendsAnAttempt(t *testing.T) {
	upload{n: 60, each: 5 * time.Second}.both(t, instant, func(t *testing.T, w *world, u *upload, h *Handle) {
		w.time(5*time.Minute - time.Second)
		w.unsettled(h)
		w.time(time.Second)
		equal(t, "calls", w.outcome(h, Confirmed).Calls, 1)
	})
	upload{n: 60, each: 5 * time.Second, quiet: true}.both(t, instant, func(t *testing.T, w *world, u *upload, h *Handle) {
		w.time(5 * time.Minute)
		w.unsettled(h) // it begins anew and anew
		equal(t, "a call took", u.ends, 10*time.Second)
	})
}

func TestLaw12_AnAttemptEndsATimeoutAfterItsLastReport(t *testing.T) {
	upload{n: 60, each: 5 * time.Second, dies: 3}.both(t, instant, func(t *testing.T, w *world, u *upload, h *Handle) {
		w.time(26 * time.Second)
		equal(t, "calls", len(u.calls), 2)
		equal(t, "the first took", u.ends, 25*time.Second)
		equal(t, "unknown", w.m.Snapshot().Entities[0].Operations[0].Unknown, true)
	})
}

// A program that counts seconds instead of bytes would never end.
func TestLaw12_ProgressExtendsAnAttemptNoFurtherThanItsBound(t *testing.T) {
	for name, row := range map[string]struct {
		retry Retry
		want  time.Duration
	}{
		"the default":                  {Retry{}, time.Hour},
		"an option":                    {Retry{MaxTimeout: time.Minute}, time.Minute},
		"a timeout beyond the bound":   {Retry{Timeout: 3 * time.Hour}, 3 * time.Hour},
		"a bound below the timeout":    {Retry{MaxTimeout: 4 * time.Second}, 4 * time.Second},
		"the operation's own deadline": {Retry{Deadline: 10 * time.Minute}, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.Policy.Retry = row.retry
			opts.Policy.Retry.Jitter = -1
			upload{n: 100_000, each: time.Second}.both(t, opts, func(t *testing.T, w *world, u *upload, h *Handle) {
				w.time(row.want + 500*time.Millisecond)
				equal(t, "the first took", u.ends, row.want)
				w.unsettled(h) // its outcome is unknown
				equal(t, "unknown", w.m.Snapshot().Entities[0].Operations[0].Unknown, true)
			})
		})
	}
	opts := instant
	opts.Policy.Retry.MaxTimeout = -1
	upload{n: 100_000, each: time.Second}.both(t, opts, func(t *testing.T, w *world, u *upload, h *Handle) {
		w.time(100_000 * time.Second)
		equal(t, "calls", w.outcome(h, Confirmed).Calls, 1)
	})
}

// The context is one like any other: it can be asked before and after a report.
func TestLaw12_ProgressMovesTheDeadlineOfTheContext(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("upload")
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			began := time.Now()
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			for i, want := range seconds(10, 18, 26) {
				at, ok := child.Deadline()
				equal(t, "deadline", at.Sub(began), want)
				equal(t, "there is one", ok, true)
				time.Sleep(8 * time.Second)
				equal(t, "error", child.Err(), nil)
				c.Progress(int64(i), 0)
			}
			<-child.Done()
			equal(t, "ended after", time.Since(began), 34*time.Second)
			equal(t, "with", ctx.Err(), context.DeadlineExceeded)
			c.Progress(9, 9) // too late
			equal(t, "still ended", ctx.Err(), context.DeadlineExceeded)
			return Truth[page]{}, errNever
		}
		h := do(w, Register(w.pages, def), "1", "x")
		w.time(time.Minute)
		w.outcome(h, RolledBack)
	})
}

func TestLaw12_EventsAndHandlesTellProgress(t *testing.T) {
	upload{n: 10_000, each: time.Millisecond}.both(t, instant, func(t *testing.T, w *world, u *upload, h *Handle) {
		every, other := w.m.Subscribe(SubscribeOptions{Args: true}), w.m.Subscribe(SubscribeOptions{Entity: "page:3"})
		time.Sleep(5*time.Second + 500*time.Microsecond)
		done, total := h.Progress()
		equal(t, "the handle tells", [2]int64{done, total}, [2]int64{5000, 10_000})
		w.time(5 * time.Second)
		w.outcome(h, Confirmed)
		done, total = h.Progress()
		equal(t, "after the end", [2]int64{done, total}, [2]int64{})
		told := ofOneEntity(events(every, event.Progressed))
		if n := len(told); n < 90 || n > 101 {
			t.Fatalf("told %d times in 10 s", n)
		}
		var last int64
		for _, ev := range told {
			if ev.Done <= last || ev.Total != 10_000 || ev.ID != h.ID() || ev.Type != "upload" || ev.Entity != h.Entity() || ev.Calls != 1 {
				t.Fatalf("told %+v after %d", ev, last)
			}
			last = ev.Done
		}
		equal(t, "about another entity", len(events(other, event.Progressed)), 0)
	})
}

// What was taken back is told of no more, and a call of a test has no progress.
func TestLaw12_ProgressOfNothing(t *testing.T) {
	upload{n: 10, each: time.Second}.both(t, instant, func(t *testing.T, w *world, u *upload, h *Handle) {
		sub := w.m.Subscribe(SubscribeOptions{})
		w.time(1500 * time.Millisecond)
		is(t, h.Cancel(), nil)
		w.time(time.Minute)
		equal(t, "told", len(ofOneEntity(events(sub, event.Progressed))), 1)
	})
	Call[string]{}.Progress(1, 2)
	CallInfo{}.Progress(1, 2)
}

// A probe that takes long because it reports progress keeps nobody else waiting.
func TestLaw14_AProbeThatLastsIsNoProbeAnyMore(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("3", reply{fails: Fail(Offline, errNo)})
		w.tap("3", "me")
		synctest.Wait()
		u := &upload{n: 60, each: 5 * time.Second}
		def := w.renaming("upload")
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			return Truth[page]{}, u.send(ctx, c.Progress)
		}
		h := do(w, Register(w.pages, def), "1", "x")
		w.time(2 * time.Second)
		equal(t, "uploads", len(u.calls), 1) // since 1 s
		w.tap("4", "me")
		w.time(time.Minute)
		w.unsettled(h)
		equal(t, "another probe left at", w.times("4"), seconds(13)) // the report at 11 s was beyond the timeout
		equal(t, "pending beside the upload", w.m.Snapshot().Pending, 1)
	})
}
