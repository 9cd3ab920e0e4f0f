package optimist

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw14_OfflineNothingIsSentAndOperationsApply(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		is(t, w.m.SetOnline(false), nil)
		var all []*Handle
		for i := range 9 {
			all = append(all, d.tap(fmt.Sprint(i+1)))
			equal(t, "shown", d.shown(fmt.Sprint(i+1)), true)
		}
		w.time(time.Hour)
		w.unsettled(all...)
		equal(t, "calls", len(w.server.heard()), 0)
		w.server.alwaysReply(&reply{before: time.Second})
		is(t, w.m.SetOnline(true), nil)
		w.flush()
		for _, h := range all {
			equal(t, "attempts", w.outcome(h, Confirmed).Attempts, 0)
		}
		equal(t, "at once", w.server.mostAtOnce(), 8)
	})
}

func TestLaw14_OnReturnLanesResumeInOrderAndRetriesGoAtOnce(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: &SendError{Class: Overloaded, RetryAfter: time.Hour, Err: errBusy}})
		do(w, w.comment, "1", "a")
		w.time(time.Second)
		is(t, w.m.SetOnline(false), nil)
		do(w, w.comment, "1", "b")
		do(w, w.comment, "1", "c")
		w.time(time.Minute)
		is(t, w.m.SetOnline(true), nil)
		w.flush()
		calls := w.server.heardCalls()
		equal(t, "order", []string{calls[0].What, calls[1].What, calls[2].What, calls[3].What},
			[]string{"comment a", "comment a", "comment b", "comment c"})
		equal(t, "the retry left", calls[1].At, 61*time.Second)
	})
}

func TestLaw14_RetryNow(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{fails: &SendError{Class: Overloaded, RetryAfter: time.Hour, Err: errBusy}})
		h := d.tap("1")
		w.time(time.Second)
		w.unsettled(h)
		is(t, w.m.RetryNow(), nil)
		w.outcome(h, Confirmed)
	})
}

func TestLaw14_OnlineWhileItProbesLetsAllGo(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{fails: Fail(Offline, errNo)})
		all := []*Handle{d.tap("1"), d.tap("2")}
		w.time(5*time.Minute + time.Second) // probes leave every 30 s now
		w.server.alwaysReply(nil)
		is(t, w.m.SetOnline(true), nil) // nobody had said that it was not
		for _, h := range all {
			w.outcome(h, Confirmed)
		}
	})
}

func TestLaw14_WhileNobodyAnswersOneProbes(t *testing.T) {
	for name, fails := range map[string]error{"offline": Fail(Offline, errNo), "transient": errBusy} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.Policy.Retry.Max = Forever
			opts.MaxInFlight = 100
			inWorld(t, opts, func(t *testing.T, w *world) {
				w.server.alwaysReply(&reply{before: time.Second, fails: fails})
				var all []*Handle
				for i := range 50 {
					all = append(all, do(w, w.create, fmt.Sprint("new", i), "x"))
				}
				w.time(10 * time.Minute)
				// 50 at first, then single probes at growing waits, up to 30 s.
				if n := len(w.server.heard()); n < 50+15 || n > 50+25 {
					t.Fatalf("%d calls in ten minutes in which nobody answered", n)
				}
				equal(t, "sending", w.m.Snapshot().Sending, false)
				w.server.alwaysReply(nil)
				w.time(30 * time.Second) // the next probe
				synctest.Wait()
				for _, h := range all {
					w.outcome(h, Confirmed)
				}
			})
		})
	}
}

// A status is an answer: it says that the server is there, and what it thinks of one lane.
func TestLaw14_AStatusIsAnAnswer(t *testing.T) {
	for name, row := range map[string]struct {
		fails error
		ended time.Duration // by then
	}{
		"500":                         {StatusError(500, 0, nil), 7 * time.Second},
		"classified by the program":   {Fail(Transient, errBusy), 7 * time.Second},
		"503":                         {StatusError(503, 0, nil), 7 * time.Second},
		"429 with Retry-After":        {StatusError(429, time.Minute, nil), 4 * time.Minute},
		"500 with a long Retry-After": {StatusError(500, 20*time.Minute, nil), 80 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bothDoors(t, instant, func(t *testing.T, w *world, d door) {
				var stuck []*Handle
				for i := range 8 {
					id := fmt.Sprint(i + 1)
					w.server.next(id, slices.Repeat([]reply{{fails: row.fails}}, 4)...)
					stuck = append(stuck, d.tap(id))
				}
				sub := w.m.Subscribe(SubscribeOptions{})
				w.time(time.Minute)
				h := d.tap("9")
				synctest.Wait()
				equal(t, "a healthy entity is sent at", w.times("9"), seconds(60))
				w.outcome(h, Confirmed)
				w.time(row.ended - time.Minute + time.Second)
				for _, h := range stuck {
					equal(t, "calls", w.outcome(h, RolledBack).Calls, 4)
				}
				equal(t, "pauses", len(events(sub, event.SendingPaused)), 0)
			})
		})
	}
}

// A gateway that has no answer either says so with a status of its own.
func TestLaw14_AStatusInsteadOfAnAnswerIsNone(t *testing.T) {
	for _, status := range []int{0, 408, 502, 504} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			for i := range 8 {
				id := fmt.Sprint(i + 1)
				w.server.next(id, reply{fails: StatusError(status, 0, nil)})
				w.tap(id, "me")
			}
			equal(t, fmt.Sprintf("pauses for %d", status), len(events(sub, event.SendingPaused)), 1)
		})
	}
}

// What nobody answers keeps nobody else waiting for longer than the gate does.
func TestLaw14_ALaneThatHasNotFailedProbesFirst(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		for i := range 8 {
			id := fmt.Sprint(i + 1)
			w.server.next(id, slices.Repeat([]reply{{lost: true}}, 100)...)
			d.tap(id)
		}
		w.time(time.Minute)
		equal(t, "sending", w.m.Snapshot().Sending, false)
		h := d.tap("9")
		w.time(40 * time.Second) // a probe under way, and the gate's longest wait
		w.outcome(h, Confirmed)
	})
}

// While all have failed they take turns.
func TestLaw14_ProbesTakeTurns(t *testing.T) {
	opts := instant
	opts.ProbeAfter = 3
	inWorld(t, opts, func(t *testing.T, w *world) {
		for _, id := range []string{"1", "2", "3"} {
			w.server.next(id, slices.Repeat([]reply{{lost: true}}, 100)...)
			w.tap(id, "me")
		}
		w.time(5 * time.Minute)
		calls := w.server.heardCalls()
		for i := 3; i+3 <= len(calls); i += 3 {
			if a, b, c := calls[i].Entity, calls[i+1].Entity, calls[i+2].Entity; a == b || b == c || a == c {
				t.Fatalf("probes %d to %d are of %s, %s, %s", i-2, i, a, b, c)
			}
		}
		if len(calls) < 9 {
			t.Fatalf("%d calls", len(calls))
		}
	})
}

func TestLaw14_AProbeThatIsTakenBackShortensNoWait(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: Fail(Offline, errNo)}, reply{lost: true})
		probe := w.tap("1", "me")
		w.time(2 * time.Second) // the probe is under way
		equal(t, "left at", w.times("1"), seconds(0, 1))
		w.tap("2", "me")
		is(t, probe.Cancel(), nil)
		w.time(time.Minute)
		equal(t, "the next probe", w.times("2"), seconds(13)) // at 11 s the first has timed out
	})
}

func TestLaw14_WhatTheServerAskedOfOneLaneHoldsForThatLane(t *testing.T) {
	for name, fails := range map[string]*SendError{
		"429":               {Class: Overloaded, RetryAfter: time.Hour, Err: errBusy},
		"502":               {Class: Unknown, RetryAfter: time.Hour, Err: errBusy},
		"nobody is reached": {Class: Offline, RetryAfter: time.Hour, Err: errBusy},
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.ProbeAfter = 1
			bothDoors(t, opts, func(t *testing.T, w *world, d door) {
				w.server.next("1", reply{fails: fails})
				d.tap("1")
				w.time(100 * time.Millisecond)
				h := d.tap("2")
				w.time(time.Second) // of the gate, at most
				w.outcome(h, Confirmed)
			})
		})
	}
}
