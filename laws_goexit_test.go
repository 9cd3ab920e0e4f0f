package optimist

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/journal"
)

// t.FailNow ends its goroutine, wherever a program's test calls it. So does
// runtime.Goexit. What the manager does goes on.

// aside runs f in a goroutine of its own, and reports whether it returned.
func aside(f func()) (returned bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
		returned = true
	}()
	<-ended
	return returned
}

func TestLaw28_ASendThatEndsItsGoroutine(t *testing.T) {
	opts := instant
	opts.MaxInFlight = 1
	inWorld(t, opts, func(t *testing.T, w *world) {
		def := w.renaming("gone")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) { runtime.Goexit(); panic("unreachable") }
		gone := do(w, Register(w.pages, def), "1", "x")
		next, other := w.tap("1", "me"), w.tap("2", "me")
		w.flush()
		var p *PanicError
		if err := w.outcome(gone, RolledBack).Err; !errors.As(err, &p) || p.In != "send" {
			t.Errorf("error %v", err)
		}
		w.outcome(next, Confirmed)
		w.outcome(other, Confirmed)
		w.settledTruth("1")
	})
}

func TestLaw28_ARetryFunctionThatEndsItsGoroutine(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("gone")
		def.Policy.Retry.Next = func(int, error) (time.Duration, bool) { runtime.Goexit(); return 0, false }
		sub := w.m.Subscribe(SubscribeOptions{})
		w.server.next("1", reply{fails: errBusy})
		h := do(w, Register(w.pages, def), "1", "x")
		w.flush()
		equal(t, "calls", w.outcome(h, Confirmed).Calls, 2) // as the schedule has it
		equal(t, "told", len(events(sub, event.CallbackPanicked)), 1)
	})
}

func TestLaw22_ACallbackThatEndsItsGoroutine(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		u := w.update("gone", "1", func() func() { return nil })
		u.OnSuccess = func(Result) { runtime.Goexit() }
		must(w.m.Execute(w.ctx, u))(t)
		must(w.m.Execute(w.ctx, w.update("next", "1", func() func() { return nil })))(t)
		w.flush()
		equal(t, "callbacks", w.noted(), []string{"success of next screen:1"})
		equal(t, "told", len(events(sub, event.CallbackPanicked)), 1)
	})
}

// Closures are undone and applied again to the last, whoever's goroutine they end.
func TestLaw19_AClosureThatEndsItsGoroutine(t *testing.T) {
	for name, goes := range map[string]string{"rollback": "undo b", "apply": "do b", "every one": ""} {
		for cause, undo := range map[string]func(w *world, h *Handle){
			"refused":   func(w *world, _ *Handle) { w.server.next("1", reply{fails: errNever}) },
			"cancelled": func(w *world, h *Handle) { equal(w, "returned", aside(func() { h.Cancel() }), false) },
		} {
			t.Run(name+", "+cause, func(t *testing.T) {
				inWorld(t, instant, func(t *testing.T, w *world) {
					var done []string
					armed := false
					do := func(what string) {
						if done = append(done, what); armed && (goes == "" || goes == what) {
							runtime.Goexit()
						}
					}
					add := func(what string) *Handle {
						return must(w.m.Execute(w.ctx, w.update(what, "1", func() func() {
							do("do " + what)
							return func() { do("undo " + what) }
						})))(t)
					}
					w.m.SetOnline(false)
					a, b, c := add("a"), add("b"), add("c")
					armed, done = true, nil
					undo(w, a)
					is(t, w.m.SetOnline(true), nil)
					w.flush()
					equal(t, "done", done, []string{"undo c", "undo b", "undo a", "do b", "do c"})
					w.outcome(b, Confirmed)
					w.outcome(c, Confirmed)
					equal(t, "closures kept", closureLogs(w.m), 0)
				})
			})
		}
	}
}

func TestLaw01_AnApplyThatEndsItsGoroutineIsNotAccepted(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		u := w.update("gone", "1", func() func() { runtime.Goexit(); return nil })
		equal(t, "returned", aside(func() { w.m.Execute(w.ctx, u) }), false)
		equal(t, "pending", w.m.Snapshot().Pending, 0)
		w.outcome(must(w.m.Execute(w.ctx, w.update("next", "1", func() func() { return nil })))(t), Confirmed)
	})
}

func TestLaw23_CloseGoesOnWhenAClosureEndsItsGoroutine(t *testing.T) {
	opts := instant
	j := &endingJournal{}
	opts.Journal = j
	inWorld(t, opts, func(t *testing.T, w *world) {
		must(w.m.Restore())(t)
		w.m.SetOnline(false)
		undone := 0
		for _, id := range []string{"1", "2"} {
			u := w.update("gone", id, func() func() { return func() { undone++; runtime.Goexit() } })
			must(w.m.Execute(w.ctx, u))(t)
		}
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		equal(t, "returned", aside(func() { w.m.Close(short) }), false)
		equal(t, "undone", undone, 2)
		equal(t, "journal closed", j.closed, true)
		is(t, w.m.Close(w.ctx), ErrClosed)
	})
}

// endingJournal ends the goroutine of its nth write.
type endingJournal struct {
	quickJournal
	nth    int
	writes int
	closed bool
}

func (j *endingJournal) Write([]journal.Record) error {
	if j.writes++; j.writes == j.nth {
		runtime.Goexit()
	}
	return nil
}

func (j *endingJournal) Close() error { j.closed = true; return nil }

func TestLaw33_AJournalThatEndsItsGoroutineHasFailed(t *testing.T) {
	for nth := range 4 {
		opts := instant
		opts.Journal = &endingJournal{nth: nth}
		inWorld(t, opts, func(t *testing.T, w *world) {
			must(w.m.Restore())(t)
			def := w.renaming("stored")
			def.Stored = storedText
			h := do(w, Register(w.pages, def), "1", "x")
			if err := w.m.Flush(w.ctx); err != nil && (nth == 0 || !errors.Is(err, ErrNotOnDisk)) {
				t.Errorf("write %d: Flush says %v", nth, err)
			}
			w.outcome(h, Confirmed)
			if err := w.m.Close(w.ctx); errors.Is(err, journal.ErrFailed) != (nth > 0) {
				t.Errorf("write %d: Close says %v", nth, err)
			}
		})
	}
}

// ending defines an action whose functions that are data end the goroutine when armed.
func ending(w *world, in string, armed *atomic.Bool) *Action[page, string] {
	exit := func() {
		if armed.Load() {
			runtime.Goexit()
		}
	}
	def, pages := w.renaming("ends"), w.pages
	switch in {
	case "stored":
		def.Stored = storedText
		fallthrough
	case "apply":
		def.Apply = func(p page, title string) (page, error) { exit(); p.Title = title; return p, nil }
	case "guard":
		def.Guard = func(page, string) error { exit(); return nil }
	case "slot":
		def.Slot = func(string) string { exit(); return "title" }
	case "encode":
		def.Stored = storedText
		def.Stored.Encode = func(title string) ([]byte, error) { exit(); return []byte(title), nil }
	case "equal":
		pages = NewStore(w.m, "other", StoreOptions[page]{Equal: func(a, b page) bool { exit(); return a == b }})
	case "lane":
		pages = NewStore(w.m, "other", StoreOptions[page]{Lane: func(id string) string { exit(); return id }})
	}
	a := Register(pages, def)
	if in == "merge" {
		Merge(a, a, func(_, _ *string) MergeRule { exit(); return TakeSecond })
	}
	is(w, pages.Receive("1", w.server.truth("1")), nil)
	return a
}

// A call that ends before anything was asked of the engine never was.
func TestLaw28_DataThatEndsTheGoroutineOfACall(t *testing.T) {
	for _, in := range []string{"slot", "encode"} {
		t.Run(in, func(t *testing.T) {
			opts := patient
			opts.Journal = quickJournal{}
			inWorld(t, opts, func(t *testing.T, w *world) {
				var armed atomic.Bool
				action := ending(w, in, &armed)
				must(w.m.Restore())(t)
				first := do(w, action, "1", "a")
				before := w.everything()
				armed.Store(true)
				equal(t, "returned", aside(func() { action.Execute(w.ctx, "1", "b") }), false)
				armed.Store(false)
				equal(t, "everything", w.everything(), before)
				second := do(w, action, "1", "c")
				w.flush()
				w.outcome(second, Confirmed)
				w.result(first)
			})
		})
	}
}

func TestLaw28_AToggleThatEndsTheGoroutineOfItsCall(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		armed := true
		def := w.likeToggle()
		def.Type = "ends"
		def.Get = func(p page, user string) bool {
			if armed {
				runtime.Goexit()
			}
			return isFan(p, user)
		}
		like := RegisterToggle(w.pages, def)
		equal(t, "returned", aside(func() { like.Toggle(w.ctx, "1", "me") }), false)
		armed = false
		w.outcome(must(like.Toggle(w.ctx, "1", "me"))(t), Confirmed)
	})
}

// In the middle of a change nobody can finish it. The manager says so, and lets go of
// everything, whoever's goroutine it was.
func TestLaw28_DataThatEndsTheGoroutineInTheMiddleOfAChange(t *testing.T) {
	online := func(w *world) { is(w, w.m.SetOnline(true), nil); synctest.Wait() }
	for where, row := range map[string]struct {
		in     string
		before func(w *world)
		act    func(w *world, a *Action[page, string])
	}{
		"a call":           {"apply", nil, func(w *world, a *Action[page, string]) { a.Execute(w.ctx, "1", "b") }},
		"a push":           {"apply", nil, func(w *world, _ *Action[page, string]) { w.pages.Receive("1", TruthOf(page{Comments: "c"}, 99)) }},
		"a rollback":       {"equal", nil, func(w *world, _ *Action[page, string]) { w.m.RollbackAll("other:1") }},
		"a lane that goes": {"guard", nil, func(w *world, _ *Action[page, string]) { w.m.SetOnline(true) }},
		"an answer":        {"apply", online, func(w *world, _ *Action[page, string]) { w.time(time.Minute) }},
		"a timer":          {"apply", func(w *world) { w.set("1", "me", true); online(w) }, func(w *world, _ *Action[page, string]) { w.time(time.Minute) }},
		"the journal":      {"stored", online, func(w *world, _ *Action[page, string]) { w.time(time.Minute) }},
	} {
		t.Run(where, func(t *testing.T) {
			opts := instant
			j := &slowEndingJournal{}
			opts.Journal = j
			if where == "a timer" {
				opts = patient
				opts.Journal = j
			}
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, opts)
				var armed atomic.Bool
				action := ending(w, row.in, &armed)
				must(w.m.Restore())(t)
				w.m.SetOnline(false)
				w.server.next("1", reply{before: time.Second, mute: true})
				h := do(w, action, "1", "a")
				closure := must(w.m.Execute(w.ctx, w.update("closure", "2", func() func() { return nil })))(t)
				sub := w.m.Subscribe(SubscribeOptions{})
				waited := make(chan error, 1)
				go func() { _, err := h.Wait(w.ctx); waited <- err }()
				if row.before != nil {
					row.before(w)
				}
				armed.Store(true)
				aside(func() { row.act(w, action) })
				armed.Store(false)

				is(t, <-waited, ErrBroken)
				told := events(sub, event.CallbackPanicked)
				equal(t, "told", len(told), 1)
				is(t, told[0].Err, ErrBroken)
				_, err := w.like.Toggle(w.ctx, "2", "me")
				is(t, err, ErrBroken)
				_, err = w.m.Execute(w.ctx, w.update("more", "2", func() func() { return nil }))
				is(t, err, ErrBroken)
				_, err = w.m.Batch(w.ctx, w.comment.Plan("1", "x"))
				is(t, err, ErrBroken)
				for _, err := range []error{
					w.m.Flush(w.ctx), w.m.ClearAll(), w.m.RollbackAll("page:1"), w.m.SetOnline(true), w.m.RetryNow(),
					closure.Cancel(), w.pages.Receive("1", TruthOf(page{}, 100)),
				} {
					is(t, err, ErrBroken)
				}
				w.pages.View("1")
				w.m.Snapshot()
				is(t, w.m.Close(w.ctx), ErrBroken)
				equal(t, "journal closed", j.closed, true)
				is(t, w.m.Close(w.ctx), ErrClosed)
				w.time(time.Hour)
			})
		})
	}
}

// slowEndingJournal takes two seconds for a write.
type slowEndingJournal struct{ endingJournal }

func (*slowEndingJournal) Write([]journal.Record) error { time.Sleep(2 * time.Second); return nil }

func TestLaw28_DecodeThatEndsTheGoroutineOfRestore(t *testing.T) {
	r := outbox.Record{ID: "x", Pos: 1, Type: "stored", Store: "page", Entity: "1", Slot: "title", Args: []byte("a")}
	opts := instant
	opts.Journal = loadedJournal{records: []journal.Record{{Seq: 1, Data: r.Encode()}}}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, opts)
		def := w.renaming("stored")
		def.Stored = storedText
		def.Stored.Decode = func(int, []byte) (string, error) { runtime.Goexit(); return "", nil }
		Register(w.pages, def)
		equal(t, "returned", aside(func() { w.m.Restore() }), false)
		_, err := w.m.Restore()
		is(t, err, ErrBroken)
		is(t, w.m.Close(w.ctx), ErrBroken)
	})
}

// loadedJournal holds records of an earlier life.
type loadedJournal struct {
	quickJournal
	records []journal.Record
}

func (j loadedJournal) Load() ([]journal.Record, error) { return j.records, nil }
