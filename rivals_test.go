package optimist

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// Each test is a scenario on which libraries in wide use show something else than
// the truth. "plus" appends a mark to the title: the +1 of the scenarios.

func (w *world) plus(id string) *Handle {
	if w.plusAction == nil || w.plusAction.m != w.m {
		def := w.commenting()
		def.Type = "plus"
		w.plusAction = Register(w.pages, def)
	}
	w.marks++
	return do(w, w.plusAction, id, fmt.Sprint("+", w.marks))
}

// count is how many marks a page shows.
func (w *world) count(id string) int { return len(w.view(id).Comments.list()) }

// The first of two fails; the second is pending, then done.
func TestRivalsE1_AFailureKeepsTheLater(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever}, reply{before: time.Second})
		w.plus("1")
		w.plus("1")
		equal(t, "both pending", w.count("1"), 2)
		w.time(1500 * time.Millisecond)
		equal(t, "the first has failed", w.count("1"), 1)
		w.flush()
		equal(t, "the second is done", w.count("1"), 1)
		w.settledTruth("1")
	})
}

// Both fail, in order: no phantom is left.
func TestRivalsE2_TwoFailuresLeaveNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever}, reply{before: time.Second, fails: errNever})
		w.plus("1")
		w.plus("1")
		w.time(1500 * time.Millisecond)
		equal(t, "one has failed", w.count("1"), 1)
		w.flush()
		equal(t, "both have failed", w.count("1"), 0)
	})
}

// Two are added to a list; the first is undone, then the second.
func TestRivalsE3_UndoInTheOrderOfAdding(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Comments: "a"}))
		is(t, w.m.SetOnline(false), nil)
		b, c := do(w, w.comment, "1", "b"), do(w, w.comment, "1", "c")
		equal(t, "both", w.view("1").Comments, "a b c")
		is(t, b.Cancel(), nil)
		equal(t, "without b", w.view("1").Comments, "a c")
		is(t, c.Cancel(), nil)
		equal(t, "without both", w.view("1").Comments, "a")
	})
}

// The first is done, the second fails, and nobody reads again.
func TestRivalsE4_ASuccessIsNotLostByALaterFailure(t *testing.T) {
	for _, mute := range []bool{false, true} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			w.server.next("1", reply{before: time.Second, mute: mute}, reply{before: time.Second, fails: errNever})
			w.plus("1")
			w.plus("1")
			w.flush()
			equal(t, "shown", w.count("1"), 1)
		})
	}
}

// Truth of ten arrives while one more is pending.
func TestRivalsE5_TruthUnderPendingWork(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		w.plus("1")
		w.receive("1", w.server.put("1", page{Comments: "0 1 2 3 4 5 6 7 8 9"}))
		equal(t, "at once", w.count("1"), 11)
		w.flush()
		equal(t, "at the end", w.count("1"), 11)
		w.settledTruth("1")
	})
}

// One field fails while another is in flight.
func TestRivalsE6_FieldsOfOneRecord(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever}, reply{before: time.Second})
		do(w, w.rename, "1", "five")
		w.tap("1", "seven")
		w.time(1500 * time.Millisecond)
		equal(t, "in flight", w.view("1"), page{Fans: "seven"})
		w.flush()
		equal(t, "at the end", w.view("1"), page{Fans: "seven"})
		w.settledTruth("1")
	})
}

// Four taps of a toggle over an uneven network; the user ends on off.
func TestRivalsE7_FourTapsEndOnOff(t *testing.T) {
	for name, opts := range map[string]Options{"debounced": patient, "at once": instant} {
		t.Run(name, func(t *testing.T) {
			bothDoors(t, opts, func(t *testing.T, w *world, d door) {
				for _, ms := range []time.Duration{60, 10, 40, 5} {
					w.server.next("1", reply{before: ms * time.Millisecond})
				}
				sub := w.m.Subscribe(SubscribeOptions{Entity: d.entity("1")})
				for range 4 {
					d.tap("1")
					time.Sleep(2 * time.Millisecond)
				}
				w.flush()
				equal(t, "on the server", w.server.likes("1"), false)
				equal(t, "shown", d.shown("1"), false)
				equal(t, "visible flips", len(events(sub, event.Changed)), 4)
				if n := len(w.server.heard()); n > 2 {
					t.Errorf("%d calls", n)
				}
			})
		})
	}
}

// Two quick taps are nothing.
func TestRivalsE8_TwoTapsAreNoCall(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		d.tap("1")
		d.tap("1")
		w.time(time.Minute)
		equal(t, "calls", len(w.server.heard()), 0)
		equal(t, "shown", d.shown("1"), false)
		synctest.Wait()
		equal(t, "pending", w.m.HasPending(d.entity("1")), false)
	})
}

// A hidden window or an idle user pauses nothing: retries come when they are due.
func TestRivalsE10_RetriesDoNotWaitForAWindow(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errBusy}, reply{fails: errBusy}, reply{fails: errBusy})
		h := w.tap("1", "me")
		w.time(time.Minute)
		equal(t, "calls", w.outcome(h, Confirmed).Calls, 4)
	})
}
