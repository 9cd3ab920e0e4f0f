package optimist

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// endsCalls are options of programs whose server orders by version.
func endsCalls() Options {
	opts := instant
	opts.Policy.Cancel = EndCalls
	return opts
}

// takeBack are the ways in which an operation of page 1 is taken back.
var takeBack = map[string]func(w *world, d door, h *Handle) error{
	"Cancel":      func(_ *world, _ door, h *Handle) error { return h.Cancel() },
	"RollbackAll": func(w *world, d door, _ *Handle) error { return w.m.RollbackAll(d.entity("1")) },
}

func TestLaw23_TakingBackEndsTheCallWhereTheTypeSaysSo(t *testing.T) {
	for name, takeBack := range takeBack {
		for _, row := range []struct {
			opts Options
			left time.Duration // the next of the lane
		}{
			{instant, 10 * time.Second}, // by its timeout
			{endsCalls(), 2 * time.Second},
		} {
			t.Run(name, func(t *testing.T) {
				bothDoors(t, row.opts, func(t *testing.T, w *world, d door) {
					w.server.next("1", reply{before: time.Hour})
					h := d.tap("1")
					w.time(2 * time.Second)
					is(t, takeBack(w, d, h), nil)
					next := d.tap("1")
					w.flush()
					w.outcome(h, Cancelled)
					w.outcome(next, Confirmed)
					equal(t, "left at", w.times("1"), []time.Duration{0, row.left})
					equal(t, "shown", d.shown("1"), true)
				})
			})
		}
	}
}

// The lane is free when Send returns, not before: two of its calls are never under way.
func TestLaw23_ASendThatDoesNotHeedItsContextKeepsItsLane(t *testing.T) {
	inWorld(t, endsCalls(), func(t *testing.T, w *world) {
		w.server.next("1", reply{before: 5 * time.Second, deaf: true})
		h := w.tap("1", "me")
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		do(w, w.comment, "1", "a")
		w.flush()
		equal(t, "left at", w.times("1"), seconds(0, 5))
	})
}

// What goes with an operation that is taken back has its call ended as well, and so has
// an operation whose ground truth took away.
func TestLaw23_WhatGoesAlongHasItsCallEnded(t *testing.T) {
	inWorld(t, endsCalls(), func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true}, reply{before: time.Hour})
		first := do(w, w.comment, "1", "a")
		do(w, w.comment, "1", "b", first) // leaves when the first is acknowledged
		w.time(time.Second)
		is(t, first.Cancel(), nil)
		next := do(w, w.comment, "1", "c")
		w.flush()
		w.outcome(next, Confirmed)
		equal(t, "left at", w.times("1"), seconds(0, 0, 1))
	})
	inWorld(t, endsCalls(), func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Comments: "x"}))
		w.server.next("1", reply{before: time.Hour})
		guarded := do(w, w.uncomment, "1", "x")
		w.time(time.Second)
		w.receive("1", w.server.put("1", page{}))
		is(t, w.outcome(guarded, RolledBack).Err, ErrGuard)
		do(w, w.comment, "1", "a")
		w.flush()
		equal(t, "left at", w.times("1"), seconds(0, 1))
	})
}

// A call that was ended may have reached the server.
func TestLaw23_ACallThatWasEndedLeavesADoubt(t *testing.T) {
	inWorld(t, endsCalls(), func(t *testing.T, w *world) {
		w.server.next("1", reply{lost: true}) // done, and nobody hears of it
		h := w.tap("1", "me")
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		synctest.Wait() // until Send has returned
		equal(t, "unsure", w.pages.View("1").Unsure, true)
		off := w.set("1", "me", false) // as it is shown
		w.flush()
		equal(t, "calls", w.outcome(off, Confirmed).Calls, 1)
		w.settledTruth("1")
		equal(t, "unsure", w.pages.View("1").Unsure, false)
	})
}

// That a call was ended says nothing about the server, whatever a transport calls it.
func TestLaw23_ACallThatWasEndedIsNoSignOfANetwork(t *testing.T) {
	for _, class := range []Class{Offline, Unknown, 0} {
		inWorld(t, endsCalls(), func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			u := w.update("upload", "1", func() func() { return nil })
			u.Send = func(ctx context.Context) error {
				<-ctx.Done()
				if class == 0 {
					return errors.New("aborted")
				}
				return Fail(class, ctx.Err())
			}
			for range 9 {
				h := must(w.m.Execute(w.ctx, u))(t)
				synctest.Wait()
				is(t, h.Cancel(), nil)
			}
			equal(t, "pauses", len(events(sub, event.SendingPaused)), 0)
		})
	}
}

// What was taken back before it left has never been sent.
func TestLaw23_WhatIsTakenBackInTheQueueIsNotSent(t *testing.T) {
	inWorld(t, endsCalls(), func(t *testing.T, w *world) {
		w.m.mu.Lock()
		w.m.courier.HandIn(1) // no worker comes for it
		w.m.mu.Unlock()
		h := w.tap("1", "me")
		is(t, h.Cancel(), nil)
		other := w.tap("2", "me")
		w.flush()
		w.outcome(other, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"like me true of 2"})
		equal(t, "calls of what was taken back", w.outcome(h, Cancelled).Calls, 0)
		equal(t, "unsure", w.pages.View("1").Unsure, false)
	})
}
