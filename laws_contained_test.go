package optimist

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/journal"
)

// What a program's own code does badly or slowly stays its own.

func TestLaw04_ASlowRollbackHoldsNobodyElse(t *testing.T) {
	for name, rollback := range map[string]func(ctx context.Context, other *Handle){
		"slow":                   func(context.Context, *Handle) { time.Sleep(time.Hour) },
		"waits for another lane": func(ctx context.Context, other *Handle) { other.Wait(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.MaxInFlight = 1
			inWorld(t, opts, func(t *testing.T, w *world) {
				w.server.next("1", reply{before: time.Second, fails: errNever})
				others := make(chan *Handle, 1)
				u := w.update("slow", "1", func() func() { return func() { rollback(w.ctx, <-others) } })
				must(w.m.Execute(w.ctx, u))(t)
				synctest.Wait()
				other := do(w, w.comment, "2", "x")
				others <- other
				w.time(2 * time.Second)
				equal(t, "calls", len(w.server.heard()), 2)
				w.outcome(other, Confirmed)
				w.time(time.Hour)
			})
		})
	}
}

func TestLaw19_AClosureThatCannotBeAppliedAgainIsRolledBack(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		w.server.next("1", reply{before: time.Second}) // so that the second is under way when it is undone
		var shown names
		add := func(name string, times int) func() func() {
			return func() func() {
				if times--; times < 0 {
					panic("again")
				}
				shown = shown.with(name)
				return func() { shown = shown.without(name) }
			}
		}
		first := must(w.m.Execute(w.ctx, w.update("first", "1", add("a", 1))))(t)
		broken := must(w.m.Execute(w.ctx, w.update("broken", "1", add("b", 1))))(t)
		dependent := must(w.m.Execute(w.ctx, w.update("dependent", "2", add("c", 1)), broken))(t)
		last := must(w.m.Execute(w.ctx, w.update("last", "1", add("d", 9))))(t)
		w.flush()
		w.outcome(first, RolledBack)
		var panicked *PanicError
		equal(t, "fails with the panic", errors.As(w.outcome(broken, RolledBack).Err, &panicked), true)
		is(t, w.outcome(dependent, RolledBack).Err, ErrDependency)
		w.outcome(last, Confirmed)
		equal(t, "shown", shown, "d")
		equal(t, "calls", len(w.server.heard()), 3) // that of the broken one was under way
		equal(t, "callbacks", len(w.noted()), 4)
	})
}

func TestLaw28_AnErrorThatPanicsIsContained(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		u := w.update("typed nil", "1", func() func() { return nil })
		u.Send = func(context.Context) error {
			var none *SendError
			return none
		}
		h := must(w.m.Execute(w.ctx, u))(t)
		w.flush()
		w.outcome(h, RolledBack)
	})
}

// typedNil is an error type of a program, of which nil pointers go around.
type typedNil struct{ error }

func (n *typedNil) Unwrap() error { return n.error }

// An error's text, and what it wraps, are asked for in calls, under the lock, in
// workers and in the journal's goroutine.
func TestLaw28_AnErrorThatPanicsWhenLookedAtIsContained(t *testing.T) {
	var none *typedNil
	for name, define := range map[string]func(d *Mutation[page, string]){
		"send":         func(d *Mutation[page, string]) { d.Send = sends(Fail(Permanent, none)) },
		"send, parked": func(d *Mutation[page, string]) { d.Send, d.Policy.Failure = sends(Fail(Permanent, none)), Park },
		"apply":        func(d *Mutation[page, string]) { d.Apply = func(p page, _ string) (page, error) { return p, none } },
		"guard":        func(d *Mutation[page, string]) { d.Guard = func(page, string) error { return none } },
		"guard at a rebase": func(d *Mutation[page, string]) {
			d.Policy.Debounce.Wait = time.Hour // the truth comes before the attempt leaves
			d.Guard = func(p page, _ string) error {
				if p.Comments != "" {
					return none
				}
				return nil
			}
		},
		"resolve": func(d *Mutation[page, string]) {
			d.Send = sends(Fail(Conflicting, errNo))
			d.Resolve = func(c Conflict[page, string]) Decision[string] { return c.Fail(none) }
		},
		"encode": func(d *Mutation[page, string]) {
			d.Stored.Encode = func(string) ([]byte, error) { return nil, none }
		},
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.Journal = quickJournal{}
			inWorld(t, opts, func(t *testing.T, w *world) {
				must(w.m.Restore())(t)
				sub := w.m.Subscribe(SubscribeOptions{})
				def := w.renaming("bad")
				def.Stored = storedText
				define(&def)
				h, err := Register(w.pages, def).Execute(w.ctx, "1", "a")
				if err == nil {
					w.receive("1", w.server.put("1", page{Comments: "c"}))
					w.flush()
					if r, ok := h.Result(); ok {
						equal(t, "outcome", r.Outcome, RolledBack)
						err = r.Err
					} else {
						err = w.m.Snapshot().Entities[0].Operations[0].Err
					}
				}
				if err == nil || err.Error() == "" || errors.Is(err, errBusy) {
					t.Errorf("error %v", err)
				}
				for _, ev := range events(sub) {
					if ev.Err != nil && ev.Err.Error() == "" {
						t.Errorf("event %v without a text", ev.Kind)
					}
				}
			})
		})
	}
}

func sends(err error) func(context.Context, Call[string]) (Truth[page], error) {
	return func(context.Context, Call[string]) (Truth[page], error) { return Truth[page]{}, err }
}

// A panic that no call and no operation tells of is an event.
func TestLaw28_APanicIsToldWhereverItIs(t *testing.T) {
	for in, do := range map[string]func(w *world){
		"retry": func(w *world) {
			def := w.renaming("bad")
			def.Policy.Retry.Next = func(int, error) (time.Duration, bool) { panic("boom") }
			w.server.next("1", reply{fails: errBusy})
			do(w, Register(w.pages, def), "1", "a")
		},
		"merge": func(w *world) {
			Merge(w.rename, w.rename, func(*string, *string) MergeRule { panic("boom") })
			w.server.next("1", reply{before: time.Second})
			do(w, w.comment, "1", "holds the lane")
			do(w, w.rename, "1", "a")
			do(w, w.rename, "1", "b")
		},
		"equal": func(w *world) {
			s := NewStore(w.m, "bad", StoreOptions[page]{Equal: func(page, page) bool { panic("boom") }})
			is(w, s.Receive("1", TruthOf(page{}, 1)), nil)
			is(w, s.Receive("1", TruthOf(page{Title: "x"}, 2)), nil)
		},
		"lane": func(w *world) {
			s := NewStore(w.m, "bad", StoreOptions[page]{Lane: func(string) string { panic("boom") }})
			is(w, s.Receive("1", TruthOf(page{}, 1)), nil)
		},
	} {
		t.Run(in, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{})
				do(w)
				w.flush()
				told := events(sub, event.CallbackPanicked)
				if len(told) == 0 {
					t.Fatal("no event")
				}
				var p *PanicError
				if !errors.As(told[0].Err, &p) || p.In != in {
					t.Errorf("the event tells of %v", told[0].Err)
				}
			})
		})
	}
}

func TestLaw28_AnErrorThatPanicsKeepsItsClass(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var none *typedNil
		u := w.update("lost", "1", func() func() { return nil })
		u.Send = func(context.Context) error { return Fail(Unknown, none) }
		h := must(w.m.Execute(w.ctx, u))(t)
		w.time(time.Hour)
		w.unsettled(h)
	})
}

func TestLaw28_ArgumentsThatReferToThemselvesAreRefused(t *testing.T) {
	type node struct{ Next *node }
	inWorld(t, instant, func(t *testing.T, w *world) {
		nothing := Register(w.pages, Mutation[page, *node]{
			Type: "nothing", Apply: func(p page, _ *node) (page, error) { return p, nil },
			Send: func(context.Context, Call[*node]) (Truth[page], error) { return Truth[page]{}, nil },
		})
		is(t, w.m.Err(), nil)
		n := &node{}
		n.Next = n
		_, err := nothing.Execute(w.ctx, "1", n)
		is(t, err, ErrInvalid)
	})
}

func TestLaw28_TruthThatIsNoneSaysNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("odd")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) {
			return Truth[page]{Presence: 9, Version: 7}, nil
		}
		h := do(w, Register(w.pages, def), "1", "a")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "shown", w.view("1").Title, "a")
	})
}

// storedText is how text stands in a journal.
var storedText = Stored[string]{
	Encode: func(s string) ([]byte, error) { return []byte(s), nil },
	Decode: func(_ int, b []byte) (string, error) { return string(b), nil },
}

// slowDisk takes longer for a write than a call may take.
type slowDisk struct{ slowJournal }

func (slowDisk) Write([]journal.Record) error { time.Sleep(600 * time.Millisecond); return nil }

func TestLaw12_TheTimeoutBeginsWhenTheDiskKnows(t *testing.T) {
	opts := instant
	opts.Journal = slowDisk{}
	opts.Policy.Retry.Timeout = 500 * time.Millisecond
	inWorld(t, opts, func(t *testing.T, w *world) {
		must(w.m.Restore())(t)
		def := w.renaming("stored")
		def.Stored = storedText
		send := def.Send
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			is(t, ctx.Err(), nil)
			return send(ctx, c)
		}
		h := do(w, Register(w.pages, def), "1", "a")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "calls", len(w.server.heard()), 1)
	})
}

func TestLaw25_DoneIsOneChannel(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		h := w.tap("1", "me")
		done := h.Done()
		equal(t, "asked again", h.Done() == done, true)
		w.flush()
		<-done
		<-h.Done()
	})
}
