package optimist

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// none is a change that needs not be undone.
func none() func() { return nil }

// A closure calls what waits for closures of its own entity: the call gives up, and what it
// asked for is done when the closure has returned.
func TestLaw47_ACallInsideAClosureOfItsEntityGivesUp(t *testing.T) {
	calls := map[string]func(w *world, other *Handle) error{
		"execute": func(w *world, _ *Handle) error {
			_, err := w.m.Execute(w.ctx, w.update("inner", "1", none))
			return err
		},
		"toggle":       func(w *world, _ *Handle) error { _, err := w.m.ExecuteToggle(w.ctx, w.toggle("1")); return err },
		"cancel":       func(_ *world, other *Handle) error { return other.Cancel() },
		"rollback all": func(w *world, _ *Handle) error { return w.m.RollbackAll("screen:1") },
		"clear all":    func(w *world, _ *Handle) error { return w.m.ClearAll() },
	}
	for where, run := range map[string]func(w *world, call func()){
		"apply": func(w *world, call func()) {
			must(w.m.Execute(w.ctx, w.update("outer", "1", func() func() { call(); return nil })))(w.T)
		},
		"a rollback": func(w *world, call func()) {
			h := must(w.m.Execute(w.ctx, w.update("outer", "1", func() func() { return call })))(w.T)
			h.Cancel()
		},
	} {
		for name, call := range calls {
			t.Run(name+" in "+where, func(t *testing.T) {
				inWorld(t, patient, func(t *testing.T, w *world) {
					is(t, w.m.SetOnline(false), nil)
					shown := 0
					other := must(w.m.Execute(w.ctx, w.update("other", "1", func() func() {
						shown++
						return func() { shown-- }
					})))(t)
					once := true
					var err error
					var took time.Duration
					run(w, func() {
						if once {
							once = false
							began := time.Now()
							err = call(w, other)
							took = time.Since(began)
						}
					})
					time.Sleep(6 * time.Second)
					synctest.Wait()
					if once {
						t.Fatal("nothing was called")
					}
					is(t, err, ErrStuck)
					equal(t, "waited", took, patience)
					if !strings.Contains(err.Error(), "type outer") {
						t.Errorf("it does not say whose closure: %v", err)
					}
					r, ended := other.Result()
					if undone := ended && r.Outcome == Cancelled; undone != (name != "execute" && name != "toggle") || undone != (shown == 0) {
						t.Errorf("the other has ended: %v, %+v, shown %d", ended, r, shown)
					}
					is(t, w.m.SetOnline(true), nil)
					w.flush()
				})
			})
		}
	}
}

// A failed call undoes what executes something of the same entity.
func TestLaw47_ExecuteInsideARollbackAfterAFailureGivesUp(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var err error
		u := w.update("outer", "1", func() func() {
			return func() { _, err = w.m.Execute(w.ctx, w.update("inner", "1", none)) }
		})
		u.Send = func(context.Context) error { return errNever }
		h := must(w.m.Execute(w.ctx, u))(t)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.outcome(h, RolledBack)
		is(t, err, ErrStuck)
		w.flush()
	})
}

// Closures of two entities that execute in each other.
func TestLaw47_ClosuresThatExecuteInEachOtherGiveUp(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		inside := make(chan error, 2)
		into := func(mine, yours string) func() func() {
			return func() func() {
				time.Sleep(time.Second) // both are at work now
				_, err := w.m.Execute(w.ctx, w.update("inner", yours, none))
				inside <- err
				return nil
			}
		}
		go w.m.Execute(w.ctx, w.update("outer", "1", into("1", "2")))
		go w.m.Execute(w.ctx, w.update("outer", "2", into("2", "1")))
		time.Sleep(10 * time.Second)
		first, second := <-inside, <-inside
		if !errors.Is(first, ErrStuck) && !errors.Is(second, ErrStuck) {
			t.Errorf("they say %v and %v", first, second)
		}
		w.flush()
	})
}

// Who waits for an end that waits for a closure is told as well.
func TestLaw47_WaitInsideAClosureOfItsEntityGivesUp(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		other := must(w.m.Execute(w.ctx, w.update("other", "1", none)))(t)
		var err error
		must(w.m.Execute(w.ctx, w.update("outer", "1", func() func() {
			_, err = other.Wait(w.ctx)
			return nil
		})))(t)
		is(t, err, ErrStuck)
		w.flush()
		w.outcome(other, Confirmed)
	})
}

// Many short closures are not one long one.
func TestLaw47_ClosuresAreWaitedForInTurn(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		done := make(chan error)
		for range 5 {
			go func() {
				_, err := w.m.Execute(w.ctx, w.update("slow", "1", func() func() { time.Sleep(4 * time.Second); return nil }))
				done <- err
			}()
		}
		for range 5 {
			is(t, <-done, nil)
		}
		w.flush()
	})
}

// Flush and Close wait for callbacks and closures, and so for themselves inside of one.
func TestLaw47_FlushAndCloseInsideWhatTheyWaitForGiveUp(t *testing.T) {
	for name, call := range map[string]func(w *world) error{
		"flush": func(w *world) error { return w.m.Flush(context.Background()) },
		"close": func(w *world) error { return w.m.Close(context.Background()) },
	} {
		for where, in := range map[string]func(u *Update, call func()){
			"a callback": func(u *Update, call func()) { u.OnSuccess = func(Result) { call() } },
			"a rollback": func(u *Update, call func()) {
				u.Apply = func() func() { return call }
				u.Send = func(context.Context) error { return errNever }
			},
		} {
			t.Run(name+" in "+where, func(t *testing.T) {
				inWorld(t, instant, func(t *testing.T, w *world) {
					var err error
					var took time.Duration
					u := w.update("outer", "1", none)
					in(&u, func() {
						began := time.Now()
						err = call(w)
						took = time.Since(began)
					})
					h := must(w.m.Execute(w.ctx, u))(t)
					time.Sleep(time.Minute)
					synctest.Wait()
					is(t, err, ErrStuck)
					if took > 2*patience {
						t.Errorf("it waited for %v", took)
					}
					if !strings.Contains(err.Error(), "type outer") {
						t.Errorf("it does not say whose function: %v", err)
					}
					if _, ended := h.Result(); !ended {
						t.Error("the operation has not ended")
					}
					if name == "flush" {
						w.flush()
						is(t, w.m.Close(w.ctx), nil)
					}
					is(t, w.m.Close(w.ctx), ErrClosed)
				})
			})
		}
	}
}

// Callbacks that take long are waited for by those who are not inside of one.
func TestLaw47_LongCallbacksAreWaitedFor(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		ran := 0
		for range 5 {
			u := w.update("slow", "1", none)
			u.OnSuccess = func(Result) { time.Sleep(time.Minute); ran++ }
			must(w.m.Execute(w.ctx, u))(t)
		}
		w.flush()
		equal(t, "ran", ran, 5)
	})
}
