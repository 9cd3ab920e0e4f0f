package optimist

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// A function that is data calls the manager, and so waits for itself: every call gives up
// after five seconds, and the manager goes on.
func TestLaw47_ACallInsideAFunctionThatIsDataGivesUp(t *testing.T) {
	for name, call := range map[string]func(w *world, h *Handle) error{
		"execute": func(w *world, _ *Handle) error { _, err := w.comment.Execute(w.ctx, "2", "x"); return err },
		"toggle":  func(w *world, _ *Handle) error { _, err := w.like.Toggle(w.ctx, "2", "me"); return err },
		"batch":   func(w *world, _ *Handle) error { _, err := w.m.Batch(w.ctx, w.comment.Plan("2", "x")); return err },
		"closure": func(w *world, _ *Handle) error {
			_, err := w.m.Execute(w.ctx, w.update("x", "2", func() func() { return nil }))
			return err
		},
		"receive": func(w *world, _ *Handle) error { return w.pages.Receive("2", TruthOf(page{}, 99)) },
		"refresh": func(w *world, _ *Handle) error {
			return w.pages.Refresh(w.ctx, "2", func(context.Context) (Truth[page], error) { return TruthOf(page{}, 99), nil })
		},
		"rollback all": func(w *world, _ *Handle) error { return w.m.RollbackAll("page:1") },
		"clear all":    func(w *world, _ *Handle) error { return w.m.ClearAll() },
		"set online":   func(w *world, _ *Handle) error { return w.m.SetOnline(false) },
		"retry now":    func(w *world, _ *Handle) error { return w.m.RetryNow() },
		"flush":        func(w *world, _ *Handle) error { return w.m.Flush(w.ctx) },
		"close":        func(w *world, _ *Handle) error { return w.m.Close(w.ctx) },
		"restore":      func(w *world, _ *Handle) error { _, err := w.m.Restore(); return err },
		"err":          func(w *world, _ *Handle) error { return w.m.Err() },
		"cancel":       func(_ *world, h *Handle) error { return h.Cancel() },
		"wait":         func(w *world, h *Handle) error { _, err := h.Wait(w.ctx); return err },
		"register":     func(w *world, _ *Handle) error { return Register(w.pages, w.renaming("late")).err },
		"new store":    func(w *world, _ *Handle) error { return NewStore[page](w.m, "late").err },
		"merge": func(w *world, _ *Handle) error {
			a := &Action[page, string]{executor: executor[string]{anyAction: anyAction{m: w.m, typ: w.rename.typ}}}
			Merge(a, a, func(_, _ *string) MergeRule { return Separate })
			return a.err
		},

		"view": func(w *world, _ *Handle) error { return told(w, w.pages.View("1").Presence == NotLoaded) },
		"views of one store": func(w *world, _ *Handle) error {
			return told(w, w.pages.Views("1", "2")[1].Presence == NotLoaded)
		},
		"views":               func(w *world, _ *Handle) error { var v View[page]; return w.m.Views(w.pages.Into("1", &v)) },
		"idle":                func(w *world, _ *Handle) error { return w.m.Idle(w.ctx) },
		"rollback everything": func(w *world, _ *Handle) error { return w.m.RollbackEverything() },
		"get":                 func(w *world, _ *Handle) error { _, ok := w.pages.Get("1"); return told(w, !ok) },
		"pending count":       func(w *world, _ *Handle) error { return told(w, w.m.PendingCount("page:1") == -1) },
		"has pending":         func(w *world, _ *Handle) error { return told(w, w.m.HasPending("page:1")) },
		"snapshot":            func(w *world, _ *Handle) error { return told(w, w.m.Snapshot().At.IsZero()) },
		"quarantined":         func(w *world, _ *Handle) error { return told(w, w.m.Quarantined() == nil) },
		"operation":           func(w *world, h *Handle) error { _, ok := w.m.Operation("x"); return told(w, !ok) },
		"operations":          func(w *world, _ *Handle) error { return told(w, w.m.Operations() == nil) },
		"of an entity":        func(w *world, _ *Handle) error { return told(w, w.pages.Operations("1") == nil) },
		"of one":              func(w *world, h *Handle) error { return told(w, h.Snapshot().ID == "") },
		"send now":            func(_ *world, h *Handle) error { return h.SendNow() },
		"send entity":         func(w *world, _ *Handle) error { return w.pages.SendNow("1") },
		"forget":              func(w *world, _ *Handle) error { return told(w, !w.pages.Forget("1")) },
		"id":                  func(w *world, h *Handle) error { return told(w, h.ID() == "") },
		"type":                func(w *world, h *Handle) error { return told(w, h.Type() == "") },
		"state":               func(w *world, h *Handle) error { return told(w, h.State() == 0) },
		"result":              func(w *world, h *Handle) error { _, ok := h.Result(); return told(w, !ok) },
		"done":                func(w *world, h *Handle) error { return told(w, h.Done() == nil) },
		"watch": func(w *world, _ *Handle) error {
			for range w.pages.Watch(w.ctx, "1") {
				return errors.New("a view")
			}
			return told(w, true)
		},
		"subscribe": func(w *world, _ *Handle) error {
			sub := w.m.Subscribe(SubscribeOptions{})
			ev, _ := sub.Next(w.ctx)
			if _, more := sub.Next(w.ctx); more || ev.Kind != event.Misused {
				return errors.New("it is open")
			}
			return ev.Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient, func(t *testing.T, w *world) {
				w.heard = w.m.Subscribe(SubscribeOptions{})
				h := w.tap("1", "me")
				var err error
				var took time.Duration
				def := w.renaming("loud")
				def.Apply = func(p page, title string) (page, error) {
					if took == 0 {
						began := time.Now()
						err = call(w, h)
						took = time.Since(began)
					}
					p.Title = title
					return p, nil
				}
				do(w, Register(w.pages, def), "3", "x")
				equal(t, "waited", took, 5*time.Second)
				is(t, err, ErrStuck)
				if !strings.Contains(err.Error(), "type loud") {
					t.Errorf("it does not say whose function: %v", err)
				}
				w.flush()
				equal(t, "shown", w.view("3").Title, "x")
				w.settledTruth("3")
			})
		})
	}
}

// A subscription, or a watch, that such a function ends or goes on with gives up as well, and ends.
func TestLaw47_WhatListensEndsInsideAFunctionThatIsData(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.heard = w.m.Subscribe(SubscribeOptions{})
		sub := w.m.Subscribe(SubscribeOptions{})
		first, stop := iter.Pull(w.pages.Watch(w.ctx, "1"))
		next, stopAsWell := iter.Pull(w.pages.Watch(w.ctx, "1"))
		defer stopAsWell()
		first()
		next()
		for name, call := range map[string]func() bool{
			"close": func() bool { sub.Close(); return false },
			"stop":  func() bool { stop(); return false },
			"next":  func() bool { _, more := next(); return more },
		} {
			for range 2 {
				w.receive("1", w.server.put("1", page{Title: name}))
			}
			var took time.Duration
			def := w.renaming("in " + name)
			def.Apply = func(p page, title string) (page, error) {
				if took == 0 {
					began := time.Now()
					equal(t, name+" goes on", call(), false)
					took = time.Since(began)
				}
				return p, nil
			}
			do(w, Register(w.pages, def), "1", "x")
			equal(t, name+" waited", took, patience)
			is(t, told(w, true), ErrStuck)
		}
		for more := true; more; {
			_, more = sub.Next(w.ctx) // what was told before the end, and no more
		}
	})
}

// told is the error of the event that a call told which has none to return.
func told(w *world, knowsNothing bool) error {
	if !knowsNothing {
		return errors.New("it says that it knows")
	}
	for _, ev := range events(w.heard, event.Misused) {
		return ev.Err
	}
	return errors.New("nobody was told")
}

// Whose function it is: of every kind that runs under the lock.
func TestLaw47_TheFunctionIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		whose string
		run   func(w *world, hang func())
	}{
		"guard": {"type guarded", func(w *world, hang func()) {
			def := w.renaming("guarded")
			def.Guard = func(page, string) error { hang(); return nil }
			do(w, Register(w.pages, def), "1", "x")
		}},
		"merge rule": {"type second", func(w *world, hang func()) {
			one, two := w.renaming("first"), w.renaming("second")
			one.Family, two.Family = "title", "title"
			first, second := Register(w.pages, one), Register(w.pages, two)
			Merge(first, second, func(_, _ *string) MergeRule { hang(); return TakeSecond })
			do(w, first, "1", "x")
			do(w, second, "1", "y")
		}},
		"group": {"type both", func(w *world, hang func()) {
			g := RegisterGroup(w.m, Group[string]{
				Type: "both",
				Parts: func(string) []Part {
					return []Part{w.pages.Part("1", func(p page) (page, error) { hang(); return p, nil })}
				},
				Send: func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
			})
			must(g.Execute(w.ctx, ""))(w.T)
		}},
		"equal": {"store equal", func(w *world, hang func()) {
			s := NewStore(w.m, "equal", StoreOptions[page]{Equal: func(a, b page) bool { hang(); return true }})
			is(w.T, s.Receive("1", TruthOf(page{}, 1)), nil)
			is(w.T, s.Receive("1", TruthOf(page{}, 2)), nil)
		}},
		"lane": {"store lane", func(w *world, hang func()) {
			s := NewStore(w.m, "lane", StoreOptions[page]{Lane: func(string) string { hang(); return "all" }})
			is(w.T, s.Receive("1", TruthOf(page{}, 1)), nil)
		}},
		"fulfilled": {"type wish", func(w *world, hang func()) {
			def := w.renaming("wish")
			def.Fulfilled = func(p page, title string) bool { hang(); return true }
			do(w, Register(w.pages, def), "1", "x")
			w.flush()
		}},
		"user": {"type owned", func(w *world, hang func()) {
			def := w.renaming("owned")
			def.User = func(string) string { hang(); return "me" }
			is(w.T, w.m.SetOnline(false), nil)
			do(w, Register(w.pages, def), "1", "x")
			do(w, w.rename, "2", "y")
			w.m.Snapshot()
			is(w.T, w.m.SetOnline(true), nil)
		}},
		"get": {"type switch", func(w *world, hang func()) {
			def := w.likeToggle()
			def.Type = "switch"
			def.Get = func(p page, user string) bool { hang(); return isFan(p, user) }
			must(RegisterToggle(w.pages, def).Toggle(w.ctx, "1", "me"))(w.T)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient, func(t *testing.T, w *world) {
				once := true
				c.run(w, func() {
					if once {
						once = false
						if err := w.m.SetOnline(true); !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), c.whose) {
							t.Errorf("it says %v", err)
						}
					}
				})
				equal(t, "called", once, false)
			})
		})
	}
}

// Toggle encodes the arguments under the lock, for only there they are known; Set knows them
// before.
func TestLaw47_AnEncodeThatCallsTheManager(t *testing.T) {
	opts := patient
	opts.Journal = quickJournal{}
	inWorld(t, opts, func(t *testing.T, w *world) {
		def := w.likeToggle()
		def.Type = "kept"
		var called error
		def.Stored = Stored[Switched]{
			Encode: func(Switched) ([]byte, error) { called = w.m.SetOnline(true); return []byte("x"), nil },
			Decode: func(int, []byte) (s Switched, err error) { return s, nil },
		}
		kept := RegisterToggle(w.pages, def)
		must(w.m.Restore())(t)
		must(kept.Set(w.ctx, "1", "me", true))(t)
		is(t, called, nil)
		must(kept.Toggle(w.ctx, "1", "me"))(t)
		if is(t, called, ErrStuck); !strings.Contains(called.Error(), "type kept") {
			t.Errorf("it says %v", called)
		}
		w.flush()
	})
}

// Others who wait for a function that takes long are told as well; the manager itself
// waits for as long as it takes.
func TestLaw47_ALongFunctionStopsNobodyForEver(t *testing.T) {
	unchecked(t)
	inWorld(t, instant, func(t *testing.T, w *world) {
		h := w.tap("1", "me") // its call lands while the lock is held
		def := w.renaming("long")
		long := time.Hour // the first time
		def.Apply = func(p page, title string) (page, error) {
			time.Sleep(long)
			long = 0
			p.Title = title
			return p, nil
		}
		action := Register(w.pages, def)
		go do(w, action, "2", "x")
		time.Sleep(time.Second)
		began := time.Now()
		_, err := w.comment.Execute(w.ctx, "3", "x")
		is(t, err, ErrStuck)
		equal(t, "waited", time.Since(began), 5*time.Second)
		time.Sleep(time.Hour)
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "pending", w.m.PendingCount("page:3"), 0)
	})
}

// Many short functions are not one long one: a call waits its turn.
func TestLaw47_ManyShortFunctionsAreWaitedFor(t *testing.T) {
	unchecked(t)
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.renamingApart("slow")
		def.Apply = func(p page, title string) (page, error) {
			time.Sleep(4 * time.Second)
			return p, nil
		}
		slow := Register(w.pages, def)
		done := make(chan error)
		for range 5 {
			go func() { _, err := slow.Execute(w.ctx, "2", "x"); done <- err }()
		}
		synctest.Wait()
		for range 5 {
			is(t, <-done, nil)
		}
		is(t, w.m.RollbackAll("page:2"), nil)
	})
}

// unchecked leaves out the look at the engine after each step, which calls functions of the
// program as well.
func unchecked(t *testing.T) {
	checked := afterStep
	afterStep = nil
	t.Cleanup(func() { afterStep = checked })
}

// TestViewsWithoutIdInsideOfAFunction: misuse that also waits in vain does not hang.
func TestViewsWithoutIdInsideOfAFunction(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("inside")
		var took time.Duration
		def.Apply = func(p page, title string) (page, error) {
			if took == 0 {
				began := time.Now()
				w.pages.Views("1", "")
				took = time.Since(began)
			}
			return p, nil
		}
		do(w, Register(w.pages, def), "1", "x")
		if took < patience || took > 2*patience {
			t.Error(took)
		}
	})
}

func TestEditThatWaitsInVain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		made := w.creating()
		made.Type, made.ServerID = "named", true
		Register(w.pages, made)
		def := w.renaming("parks")
		def.Policy.Failure = Park
		parks := Register(w.pages, def)
		w.server.next("1", reply{fails: errNever})
		h := do(w, parks, "1", "x")
		w.flush()
		equal(t, "state", h.State(), Parked)
		slow := w.renaming("slow")
		first := true
		slow.Apply = func(p page, _ string) (page, error) {
			if first {
				first = false
				_, err := parks.Edit(h, "y")
				if !errors.Is(err, ErrStuck) {
					t.Errorf("Edit: %v", err)
				}
			}
			return p, nil
		}
		do(w, Register(w.pages, slow), "2", "x")
	})
}
