package optimist

import (
	"testing"
	"testing/synctest"
	"time"
)

// What was taken back may be on the server nevertheless. Until that is known the last
// intent is sent, whatever the view says.

func TestLaw08_WhatWasAcknowledgedIsNoNetZero(t *testing.T) {
	for what, takeBack := range map[string]func(w *world, h *Handle) error{
		"cancel":   func(_ *world, h *Handle) error { return h.Cancel() },
		"rollback": func(w *world, _ *Handle) error { return w.m.RollbackAll("page:1") },
		"clear":    func(w *world, _ *Handle) error { return w.m.ClearAll() },
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.server.next("1", reply{terse: true})
				on := w.set("1", "me", true)
				synctest.Wait()
				equal(t, "state", on.State(), Acked)
				is(t, takeBack(w, on), nil)
				equal(t, "shown", isFan(w.view("1"), "me"), false)
				off := w.set("1", "me", false)
				w.flush()
				equal(t, "calls", w.outcome(off, Confirmed).Calls, 1)
				equal(t, "on the server", w.server.likes("1"), false)
			})
		})
	}
}

func TestLaw09_LastIntentWinsAfterClearAll(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Minute})
		w.set("1", "me", true)
		w.time(time.Second)
		is(t, w.m.ClearAll(), nil)
		synctest.Wait()
		off := w.set("1", "me", false)
		w.flush()
		equal(t, "calls", w.outcome(off, Confirmed).Calls, 1)
		equal(t, "on the server", w.server.likes("1"), false)
	})
}

func TestLaw09_WhatWasTakenBackAndRefusedIsNotOnTheServer(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: 10 * time.Second, fails: errNever})
		on := d.tap("1")
		w.time(time.Second)
		d.tap("1") // off
		is(t, on.Cancel(), nil)
		if !d.shown("1") {
			d.tap("1")
		}
		w.flush()
		equal(t, "shown", d.shown("1"), true)
		equal(t, "on the server", w.server.likes("1"), true)
	})
}

func TestLaw09_DoubtOutlivesAnIdleEntity(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{lost: true})
		on := d.tap("1")
		w.time(time.Second)
		is(t, on.Cancel(), nil)
		w.time(time.Minute) // its call is given up
		for range 2 {
			d.tap("1") // on and off, twice; the server is told once
			d.tap("1")
			w.flush()
			equal(t, "shown", d.shown("1"), false)
			equal(t, "on the server", w.server.likes("1"), false)
		}
		equal(t, "calls", len(w.server.heard()), 2)
	})
}

func TestLaw09_WhatWasTakenBackAndReachedNobodyIsNotOnTheServer(t *testing.T) {
	for _, class := range []Class{Offline, Unauthenticated} {
		t.Run(class.String(), func(t *testing.T) {
			bothDoors(t, instant, func(t *testing.T, w *world, d door) {
				w.server.next("1", reply{before: time.Second, fails: Fail(class, errNo)})
				on := d.tap("1")
				synctest.Wait()
				d.tap("1") // off
				is(t, on.Cancel(), nil)
				if !d.shown("1") {
					d.tap("1")
				}
				w.time(time.Minute)
				is(t, w.m.RetryNow(), nil)
				w.flush()
				equal(t, "shown", d.shown("1"), true)
				equal(t, "on the server", w.server.likes("1"), true)
			})
		})
	}
}

func TestLaw17_LateAnswerIsShownWhateverWasInDoubt(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Second, fails: errBusy}, reply{before: time.Second})
		on := d.tap("1")
		synctest.Wait()
		d.tap("1") // off
		is(t, on.Cancel(), nil)
		last := d.tap("1")
		w.time(1500 * time.Millisecond) // the first call has failed, another is under way
		is(t, last.Cancel(), nil)
		w.flush()
		equal(t, "shown", d.shown("1"), w.server.likes("1"))
	})
}
