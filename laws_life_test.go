package optimist

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw23_RollbackAllUndoesLastFirstAndTakesTheLateAnswerAsTruth(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		flying := w.tap("1", "me")
		var waiting []*Handle
		for i := range 3 {
			waiting = append(waiting, do(w, w.comment, "1", fmt.Sprint(i)))
		}
		other := do(w, w.comment, "2", "other")
		w.time(500 * time.Millisecond)
		sub := w.m.Subscribe(SubscribeOptions{})
		events(sub)
		is(t, w.m.RollbackAll("page:1"), nil)
		equal(t, "shown", w.view("1"), page{})
		for _, h := range append(waiting, flying) {
			w.outcome(h, Cancelled)
		}
		rolled := events(sub, event.RolledBack, event.Changed)
		equal(t, "events", kindsOf(rolled), []event.Kind{event.RolledBack, event.Changed})
		var victims []string
		for _, v := range rolled[0].Victims {
			victims = append(victims, v.ID)
		}
		equal(t, "victims", victims, []string{waiting[2].ID(), waiting[1].ID(), waiting[0].ID(), flying.ID()})
		w.time(time.Minute)
		equal(t, "the late answer is truth", w.view("1"), page{Fans: "me"})
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "comment other of 2"})
		equal(t, "callbacks", w.noted(), []string{"success of comment page:2"})
		w.outcome(other, Confirmed)
		w.settledTruth("1")
		is(t, w.m.RollbackAll("page:nobody knows it"), nil)
	})
}

func TestLaw23_TheScreenTakesTheLateAnswerToo(t *testing.T) {
	for name, back := range map[string]func(w *world, h *Handle) error{
		"rollback all": func(w *world, _ *Handle) error { return w.m.RollbackAll("screen:1") },
		"cancel":       func(_ *world, h *Handle) error { return h.Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.server.next("1", reply{before: time.Second})
				h := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
				synctest.Wait()
				is(t, back(w, h), nil)
				equal(t, "shown", w.onScreen("1"), false)
				before := w.result(h)
				w.time(time.Minute)
				equal(t, "on the server", w.server.likes("1"), true)
				equal(t, "shown after the late answer", w.onScreen("1"), true)
				equal(t, "result", w.result(h), before)
				equal(t, "logs kept", closureLogs(w.m), 0)
			})
		})
	}
}

func TestLaw23_ALateAnswerGoesUnderNewerTaps(t *testing.T) {
	for taps := 1; taps <= 4; taps++ {
		bothDoors(t, patient, func(t *testing.T, w *world, d door) {
			w.server.next("1", reply{before: 5 * time.Second})
			h := d.tap("1")
			w.time(time.Second)
			is(t, h.Cancel(), nil)
			for range taps {
				d.tap("1")
				w.time(100 * time.Millisecond)
			}
			w.flush()
			w.time(10 * time.Second)
			wanted := taps%2 == 1 // the last intent, whatever the call did
			equal(t, fmt.Sprint(taps, " taps: on the server"), w.server.likes("1"), wanted)
			equal(t, "shown", d.shown("1"), wanted)
		})
	}
}

func TestLaw23_ClearAllIsLoggingOut(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Second})
		w.server.next("2", reply{fails: errBusy})
		all := []*Handle{d.tap("1"), d.tap("2")}
		w.time(time.Second) // one is in flight, one waits for its retry
		all = append(all, d.tap("3"))
		w.server.heard()
		is(t, w.m.ClearAll(), nil)
		for i, h := range all {
			w.outcome(h, Cancelled)
			equal(t, "shown", d.shown(fmt.Sprint(i+1)), false)
		}
		equal(t, "pending", w.m.Snapshot().Pending, 0)
		w.time(time.Hour)
		equal(t, "calls afterwards", len(w.server.heard()), 0)
		equal(t, "callbacks", len(w.noted()), 0)
		equal(t, "timer", w.m.engine.NextTick() > 1<<60, true)
		h := d.tap("4") // the manager goes on
		w.flush()
		w.outcome(h, Confirmed)
	})
}

func TestLaw23_NothingOfTheOldLifeStartsAfterClearAll(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Millisecond})
		d.tap("1") // may leave; if it has, its context ends
		is(t, w.m.ClearAll(), nil)
		w.time(time.Minute)
		equal(t, "done by the server", w.server.likes("1"), false)

		block := make(chan struct{})
		def := w.commenting()
		def.Type = "first"
		def.OnSuccess = func(string, Result) { <-block }
		do(w, Register(w.pages, def), "1", "a")
		do(w, w.comment, "1", "b")
		synctest.Wait() // a's callback runs, b's waits
		is(t, w.m.ClearAll(), nil)
		close(block)
		w.time(time.Minute)
		equal(t, "callbacks", w.noted(), nil)
	})
}

func TestLaw23_FlushSkipsDebouncesAndWaits(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{fails: errBusy})
		began := time.Now()
		h := d.tap("1")
		w.flush()
		equal(t, "took", time.Since(began), time.Second) // the retry, and no debounce
		w.outcome(h, Confirmed)
		d.tap("2")
		w.server.next("2", reply{before: time.Hour})
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		err := w.m.Flush(short)
		is(t, err, context.DeadlineExceeded)
		if !strings.Contains(err.Error(), "1 operations") || !strings.Contains(err.Error(), ":2") {
			t.Errorf("%v does not name the operation that is left", err)
		}
		w.flush()
	})
}

func TestLaw23_CloseFlushesAndRefuses(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		h := d.tap("1")
		sub := w.m.Subscribe(SubscribeOptions{})
		is(t, w.m.Close(w.ctx), nil)
		equal(t, "outcome", w.result(h).Outcome, Confirmed)
		equal(t, "calls", len(w.server.heard()), 1)
		is(t, w.m.Close(w.ctx), ErrClosed)
		for i, err := range []error{
			w.m.Flush(w.ctx), w.m.RollbackAll("page:1"), w.m.ClearAll(), w.m.SetOnline(true), w.m.RetryNow(),
			h.Cancel(), h.Retry(), h.Discard(), w.pages.Receive("1", TruthOf(page{}, 99)),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("call %d after Close: %v", i, err)
			}
		}
		_, err := w.like.Set(w.ctx, "1", "me", false)
		is(t, err, ErrClosed)
		_, err = w.m.ExecuteToggle(w.ctx, w.toggle("1"))
		is(t, err, ErrClosed)
		all := events(sub)
		equal(t, "the last event", all[len(all)-1].Kind, event.Settled)
		_, more := sub.Next(w.ctx)
		equal(t, "more events", more, false)
		equal(t, "views stay", w.view("2"), page{})
	})
}

func TestLaw23_CloseRollsBackAndReportsWhatItCannotFlush(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{before: time.Hour})
		all := []*Handle{d.tap("1"), d.tap("2")}
		group := must(w.swap().Execute(w.ctx, [2]string{"3", "4"}))(t)
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		err := w.m.Close(short)
		is(t, err, ErrClosed)
		is(t, err, context.DeadlineExceeded)
		if text := err.Error(); !strings.Contains(text, "3 unsettled operations") || !strings.Contains(text, "like of "+d.entity("1")) {
			t.Error(text)
		}
		for _, h := range append(all, group) {
			is(t, w.outcome(h, RolledBack).Err, ErrClosed)
		}
		equal(t, "shown", d.shown("1"), false)
		equal(t, "callbacks", len(w.noted()), 3) // they ran before Close returned
	})
}

func TestLaw23_CloseNamesWhatWasParked(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		w.tap("1", "me")
		w.flush()
		err := w.m.Close(w.ctx)
		is(t, err, ErrClosed)
		if text := err.Error(); strings.Contains(text, "nil") || !strings.Contains(text, "1 unsettled operations, rolled back: like of page:1") {
			t.Error(text)
		}
	})
}

func TestLaw23_CloseTellsOfASendThatDoesNotReturn(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Hour, deaf: true})
		w.tap("1", "me")
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		err := w.m.Close(short)
		is(t, err, ErrStuck)
		if !strings.Contains(err.Error(), "like") {
			t.Error(err)
		}
		w.time(2 * time.Hour) // it returns at last, and harms nothing
	})
}

func TestLaw23_CloseWaitsForASlowRollback(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		undone := false
		rollback := func() { time.Sleep(10 * time.Second); undone = true }
		must(w.m.Execute(w.ctx, w.update("slow", "1", func() func() { return rollback })))(t)
		synctest.Wait()
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		is(t, w.m.Close(short), nil) // no Send is stuck
		equal(t, "undone", undone, true)
	})
}

func TestLaw23_CloseWaitsForAnApplyAtWork(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var steps []string
		var refused error
		go func() {
			_, refused = w.m.Execute(w.ctx, w.update("slow", "1", func() func() {
				time.Sleep(5 * time.Second)
				return func() { steps = append(steps, "undone") }
			}))
		}()
		w.time(time.Second)
		is(t, w.m.Close(w.ctx), nil)
		steps = append(steps, "closed")
		w.time(time.Minute)
		is(t, refused, ErrClosed)
		equal(t, "steps", steps, []string{"undone", "closed"})
	})
}

func TestLaw23_AfterCloseNothingIsOurs(t *testing.T) {
	inWorld(t, Options{Policy: Policy{Retry: Retry{Max: Forever}}}, func(t *testing.T, w *world) {
		w.server.always = &reply{fails: errBusy}
		for i := range 9 {
			w.tap(fmt.Sprint(i+1), "me")
			w.tap(fmt.Sprint(i+1), "you")
			must(w.m.ExecuteToggle(w.ctx, w.toggle(fmt.Sprint(i+1))))(t)
		}
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		w.m.Close(short)
		w.server.heard()
		w.time(24 * time.Hour)
		equal(t, "calls", len(w.server.heard()), 0)
		equal(t, "closures kept", closureLogs(w.m), 0)
	})
}

func TestLaw24_Bounds(t *testing.T) {
	opts := instant
	opts.MaxPerEntity, opts.MaxPending = 3, 5
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Hour})
		sub := w.m.Subscribe(SubscribeOptions{})
		for i := range 3 {
			do(w, w.comment, "1", fmt.Sprint(i))
		}
		before := w.pages.View("1")
		events(sub)
		_, err := w.comment.Execute(w.ctx, "1", "more")
		is(t, err, ErrQueueFull)
		equal(t, "view", w.pages.View("1"), before)
		_, err = w.swap().Execute(w.ctx, [2]string{"2", "1"})
		is(t, err, ErrQueueFull)
		equal(t, "the group's other page", w.view("2"), page{})
		_, err = w.m.Batch(w.ctx, w.comment.Plan("2", "a"), w.comment.Plan("2", "b"), w.comment.Plan("3", "c"))
		is(t, err, ErrQueueFull)
		equal(t, "events of the refused", len(events(sub)), 0)
		do(w, w.comment, "2", "a")
		do(w, w.comment, "2", "b")
		_, err = w.comment.Execute(w.ctx, "3", "in all")
		is(t, err, ErrQueueFull)
		equal(t, "pending", w.m.Snapshot().Pending, 5)
		w.m.ClearAll()
		do(w, w.comment, "3", "room again")
	})
}

func TestLaw24_DefaultsAreAThousandAndAHundredThousand(t *testing.T) {
	opts := Options{}.withDefaults()
	equal(t, "bounds", [2]int{opts.MaxPerEntity, opts.MaxPending}, [2]int{1000, 100_000})
}

func TestLaw24_ARefusedClosureIsNotApplied(t *testing.T) {
	opts := instant
	opts.MaxPending = 1
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Hour})
		w.tap("1", "me")
		applied := 0
		_, err := w.m.Execute(w.ctx, w.update("more", "1", func() func() { applied++; return func() { applied += 100 } }))
		is(t, err, ErrQueueFull)
		equal(t, "applied", applied, 0)
		u := w.toggle("1")
		u.Apply = func(bool) func() { applied++; return nil }
		_, err = w.m.ExecuteToggle(w.ctx, u)
		is(t, err, ErrQueueFull)
		equal(t, "applied", applied, 0)
		w.m.ClearAll()
		_, err = w.m.Execute(w.ctx, w.update("dependent", "1", func() func() { applied++; return nil }), w.failed())
		is(t, err, ErrDependency)
		equal(t, "applied", applied, 0)
	})
}

func TestLaw24_ParkedCountAndReplacingNeedsNoRoom(t *testing.T) {
	opts := parking()
	opts.MaxPending = 2
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("", reply{fails: errNever}, reply{fails: errNever})
		w.tap("1", "me")
		w.tap("2", "me")
		w.flush()
		_, err := w.like.Toggle(w.ctx, "3", "me")
		is(t, err, ErrQueueFull)
		w.tap("1", "me") // takes the place of one
		w.flush()
		w.tap("3", "me")
		w.flush()
		equal(t, "parked", w.m.Snapshot().Parked, 1)
	})
}

func TestLaw24_ABatchThatReplacesNeedsNoRoom(t *testing.T) {
	opts := patient
	opts.MaxPending = 3
	inWorld(t, opts, func(t *testing.T, w *world) {
		batch := func(plans ...Planned) error {
			_, err := w.m.Batch(w.ctx, plans...)
			return err
		}
		plan := func(id, title string) Planned { return w.rename.Plan(id, title) }
		for _, id := range []string{"1", "2", "3"} {
			do(w, w.rename, id, "a")
		}
		is(t, batch(plan("1", "b"), plan("2", "a"), plan("3", "b")), nil)
		is(t, batch(plan("1", "c"), plan("4", "c")), ErrQueueFull)
		equal(t, "shown", []string{w.view("1").Title, w.view("2").Title, w.view("3").Title}, []string{"b", "a", "b"})
		w.flush()
		equal(t, "calls", len(w.server.heard()), 3)
		is(t, batch(plan("1", "d"), plan("4", "d")), nil)
	})
}

// TestLaw24_ABatchKnowsWhatItNeedsItself: what would have undone an operation needs room
// once an earlier one of the batch depends on that.
func TestLaw24_ABatchKnowsWhatItNeedsItself(t *testing.T) {
	opts := patient
	opts.MaxPerEntity = 1
	inWorld(t, opts, func(t *testing.T, w *world) {
		create, _, remove := w.document()
		w.receive("new", Gone[page](0))
		created := do(w, create, "new", "a")
		_, err := w.m.Batch(w.ctx, w.comment.Plan("1", "a", created), remove.Plan("new", struct{}{}))
		is(t, err, ErrQueueFull)
		equal(t, "pending", w.m.Snapshot().Pending, 1)
		_, err = w.m.Batch(w.ctx, remove.Plan("new", struct{}{}), w.comment.Plan("1", "a"))
		is(t, err, nil)
	})
}

func TestLaw25_SettledIsForgotten(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		for i := range 9 {
			d.tap(fmt.Sprint(i + 1))
		}
		far := do(w, w.comment, "far", "of which nothing is known")
		w.flush()
		w.outcome(far, Confirmed)
		synctest.Wait()
		equal(t, "pages known", w.pages.space.Len(), 10) // "far" told its truth
		equal(t, "pages forgotten", w.pages.Forget("far"), true)
		equal(t, "pages known", w.pages.space.Len(), 9)
		equal(t, "others known", w.m.known.Loose().Len(), 0)
		equal(t, "closures kept", closureLogs(w.m), 0)
		equal(t, "workers, work", [2]int{w.m.courier.Workers(), len(w.m.courier.Waiting())}, [2]int{})
		equal(t, "callbacks are empty", w.m.callbacks.Empty(), true)
		equal(t, "timer", w.m.alarm.At(), w.m.engine.NextTick())
		equal(t, "deadline", w.m.alarm.At() > 1<<60, true)
	})
}

func TestLaw23_RollbackEverything(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		w.server.next("2", reply{before: time.Second, fails: errNo})
		sub := w.m.Subscribe(SubscribeOptions{})
		first := w.tap("1", "me")
		group := must(w.swap().Execute(w.ctx, [2]string{"2", "3"}))(t)
		last := do(w, w.comment, "3", "x", group)
		events(sub)
		must(0, w.m.RollbackEverything())(t)
		rolledBack := events(sub, event.RolledBack)
		equal(t, "at once", len(rolledBack), 1)
		equal(t, "of", fmt.Sprint(rolledBack[0].Entities), "[page:1 page:2 page:3]")
		equal(t, "the last first", rolledBack[0].Victims[0].ID, last.ID())
		for _, h := range []*Handle{first, group, last} {
			w.outcome(h, Cancelled)
		}
		for _, v := range w.pages.Views("1", "2", "3") {
			equal(t, "view", v.Value, page{})
			equal(t, "pending", v.Pending, 0)
		}
		w.flush()
		equal(t, "the late answer is truth", isFan(w.view("1"), "me"), true)
		must(0, w.m.RollbackEverything())(t) // of nothing
		w.m.Close(w.ctx)
		is(t, w.m.RollbackEverything(), ErrClosed)
	})
}

// Idle waits for the end of everything, and ends no debounce.
func TestLaw23_IdleHurriesNothing(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		began := time.Now()
		must(0, w.m.Idle(w.ctx))(t)
		equal(t, "at once", time.Since(began), 0)
		w.server.next("1", reply{before: time.Second})
		h := w.tap("1", "me")
		must(0, w.m.Idle(w.ctx))(t)
		equal(t, "waited for the debounce and the call", time.Since(began), 1300*time.Millisecond)
		w.outcome(h, Confirmed)
		equal(t, "callbacks have run", len(w.noted()), 1)

		w.m.SetOnline(false)
		w.tap("1", "me")
		short, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		is(t, w.m.Idle(short), context.DeadlineExceeded)
		equal(t, "it stays", w.m.PendingCount("page:1"), 1)
		is(t, w.m.Idle(nil), ErrInvalid) //nolint:staticcheck // that is the test
		w.m.SetOnline(true)
		must(0, w.m.Idle(w.ctx))(t)
	})
}
