package optimist

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// times are when calls for an entity left.
func (w *world) times(id string) (all []time.Duration) {
	for _, c := range w.server.heardCalls() {
		if c.Entity == id {
			all = append(all, c.At)
		}
	}
	return all
}

func seconds(all ...float64) (d []time.Duration) {
	for _, s := range all {
		d = append(d, time.Duration(s*float64(time.Second)))
	}
	return d
}

func TestLaw12_ThreeRetriesAtOneTwoFourSeconds(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{fails: errBusy})
		h := d.tap("1")
		w.flush()
		r := w.outcome(h, RolledBack)
		is(t, r.Err, errBusy)
		equal(t, "attempts, calls", [2]int{r.Attempts, r.Calls}, [2]int{4, 4})
		equal(t, "left at", w.times("1"), seconds(0, 1, 3, 7))
		equal(t, "shown", d.shown("1"), false)
	})
}

func TestLaw12_CapIsThirtySeconds(t *testing.T) {
	opts := instant
	opts.Policy.Retry.Max = 8
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{fails: errBusy})
		w.tap("1", "me")
		w.flush()
		equal(t, "left at", w.times("1"), seconds(0, 1, 3, 7, 15, 31, 61, 91, 121))
	})
}

// A limit that nobody gave gives way to one that somebody did.
func TestLaw12_ADefaultCapIsNotBelowTheBase(t *testing.T) {
	for name, row := range map[string]struct {
		manager, typ Retry
		want         []time.Duration
	}{
		"base":                  {typ: Retry{Base: time.Minute}, want: seconds(0, 60, 120, 180)},
		"base of the manager":   {manager: Retry{Base: time.Minute}, want: seconds(0, 60, 120, 180)},
		"cap":                   {typ: Retry{Cap: time.Second / 2}, want: seconds(0, .5, 1, 1.5)},
		"base of the type wins": {manager: Retry{Cap: 5 * time.Second}, typ: Retry{Base: 10 * time.Second}, want: seconds(0, 10, 20, 30)},
		"cap of the type wins":  {manager: Retry{Base: 10 * time.Second}, typ: Retry{Cap: 5 * time.Second}, want: seconds(0, 5, 10, 15)},
	} {
		t.Run(name, func(t *testing.T) {
			row.manager.Jitter = -1
			inWorld(t, Options{Policy: Policy{Debounce: NoDebounce, Retry: row.manager}}, func(t *testing.T, w *world) {
				def := w.renaming("retried")
				def.Policy.Retry = row.typ
				w.server.alwaysReply(&reply{fails: errBusy})
				do(w, Register(w.pages, def), "1", "x")
				w.flush()
				equal(t, "left at", w.times("1"), row.want)
			})
		})
	}
}

func TestLaw12_JitterShortensByAtMostAQuarter(t *testing.T) {
	opts := Options{Policy: Policy{Debounce: NoDebounce, Retry: Retry{Max: Forever, Cap: time.Second}}}
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{fails: errBusy})
		w.tap("1", "me")
		time.Sleep(5 * time.Minute)
		at := w.times("1")
		different := map[time.Duration]bool{}
		for i := 1; i < len(at); i++ {
			wait := at[i] - at[i-1]
			different[wait] = true
			if wait < 750*time.Millisecond || wait > time.Second {
				t.Fatalf("waited %v", wait)
			}
		}
		if len(different) < 100 {
			t.Fatalf("only %d different waits", len(different))
		}
	})
}

func TestLaw12_HonoursRetryAfter(t *testing.T) {
	opts := Options{Policy: Policy{Debounce: NoDebounce}} // with jitter, which may not come before it
	inWorld(t, opts, func(t *testing.T, w *world) {
		after := func(d time.Duration) reply {
			return reply{fails: &SendError{Class: Overloaded, RetryAfter: d, Err: errBusy}}
		}
		w.server.next("1", after(20*time.Second), after(time.Minute), after(10*time.Millisecond))
		h := w.tap("1", "me")
		w.flush()
		w.outcome(h, Confirmed)
		at := w.times("1")
		for i, least := range seconds(20, 60, 3) {
			if wait := at[i+1] - at[i]; wait < least || wait > 2*least {
				t.Errorf("wait %d was %v, asked for %v", i, wait, least)
			}
		}
	})
}

// That the server answers somebody else again is no reason to come back sooner.
func TestLaw12_RetryAfterOutlastsAProbe(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: &SendError{Class: Overloaded, RetryAfter: time.Hour, Err: errBusy}})
		do(w, w.comment, "1", "a")
		synctest.Wait()
		w.server.next("2", reply{fails: Fail(Offline, errNo)})
		do(w, w.comment, "2", "b")
		w.time(2 * time.Hour)
		equal(t, "calls", w.times("1"), []time.Duration{0, time.Hour})
	})
}

func TestLaw12_TimeoutOfOneAttempt(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Hour})
		h := d.tap("1")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "left at", w.times("1"), seconds(0, 11))
	})
}

func TestLaw12_TotalDeadline(t *testing.T) {
	opts := instant
	opts.Policy.Retry.Deadline = 5 * time.Second
	inWorld(t, opts, func(t *testing.T, w *world) {
		began := time.Now()
		w.server.alwaysReply(&reply{fails: errBusy})
		r := must(w.tap("1", "me").Wait(w.ctx))(t)
		equal(t, "outcome", r.Outcome, RolledBack)
		equal(t, "after", time.Since(began), 5*time.Second)

		is(t, w.m.SetOnline(false), nil)
		began = time.Now()
		r = must(w.tap("1", "me").Wait(w.ctx))(t)
		is(t, r.Err, ErrDeadline)
		equal(t, "offline, after", time.Since(began), 5*time.Second)
	})
}

// A call that is under way when the deadline ends is ended, and its outcome unknown.
func TestLaw12_DeadlineEndsAnAttempt(t *testing.T) {
	for _, timeout := range []time.Duration{-1, time.Hour} {
		opts := instant
		opts.Policy.Retry.Deadline, opts.Policy.Retry.Timeout = 5*time.Second, timeout
		inWorld(t, opts, func(t *testing.T, w *world) {
			w.server.next("1", reply{before: 24 * time.Hour})
			h := do(w, w.comment, "1", "a")
			w.time(4 * time.Second)
			equal(t, "state", h.State(), InFlight)
			w.time(2 * time.Second)
			equal(t, "state", h.State(), Parked)
		})
	}
}

func TestLaw12_DeadlineAfterAPersonTriedAgain(t *testing.T) {
	opts := instant
	opts.Policy.Retry.Deadline, opts.Policy.OnFailure = 5*time.Second, Park
	inWorld(t, opts, func(t *testing.T, w *world) {
		is(t, w.m.SetOnline(false), nil)
		h := w.tap("1", "me")
		w.time(6 * time.Second)
		equal(t, "state", h.State(), Parked)
		is(t, h.Retry(), nil)
		equal(t, "state", h.State(), Waiting)
		w.time(6 * time.Second)
		equal(t, "state when the new deadline has passed", h.State(), Parked)
	})
}

func TestLaw12_AProgramsOwnPolicy(t *testing.T) {
	opts := instant
	var asked []int
	opts.Policy.Retry.Next = func(n int, err error) (time.Duration, bool) {
		asked = append(asked, n)
		return time.Duration(n) * time.Minute, errors.Is(err, errBusy)
	}
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errBusy}, reply{fails: errBusy}, reply{fails: errNo})
		h := w.tap("1", "me")
		w.flush()
		w.outcome(h, RolledBack)
		equal(t, "left at", w.times("1"), seconds(0, 60, 180))
		equal(t, "asked for", asked, []int{1, 2, 3})
	})
}

// The longest duration there is means never; it does not wrap around to now.
func TestLaw12_WaitsWithoutEnd(t *testing.T) {
	const never = math.MaxInt64
	t.Run("Deadline", func(t *testing.T) {
		opts := instant
		opts.Policy.Retry.Deadline = never
		inWorld(t, opts, func(t *testing.T, w *world) {
			w.server.next("1", reply{before: time.Second, fails: errBusy})
			h := do(w, w.comment, "1", "x")
			w.flush()
			w.outcome(h, Confirmed)
		})
	})
	t.Run("Debounce", func(t *testing.T) {
		opts := patient
		opts.Policy.Debounce.Wait = never
		inWorld(t, opts, func(t *testing.T, w *world) {
			w.tap("1", "me")
			w.time(time.Minute)
			equal(t, "calls before Flush", w.server.callCount(), 0)
			w.flush()
			equal(t, "calls", w.server.callCount(), 1)
		})
	})
	for what, policy := range map[string]Retry{
		"Next":       {Jitter: -1, Next: func(int, error) (time.Duration, bool) { return never, true }},
		"RetryAfter": {Max: 50},
	} {
		t.Run(what, func(t *testing.T) {
			opts := instant
			opts.Policy.Retry = policy
			inWorld(t, opts, func(t *testing.T, w *world) {
				w.server.next("1", reply{fails: &SendError{Class: Overloaded, RetryAfter: never, Err: errBusy}})
				h := do(w, w.comment, "1", "x")
				w.time(time.Hour)
				equal(t, "calls", w.server.callCount(), 1)
				is(t, w.m.RetryNow(), nil)
				w.outcome(h, Confirmed)
			})
		})
	}
}

func TestLaw12_NeverGivesUpAndCountsOn(t *testing.T) {
	opts := instant
	opts.Policy.Retry = Retry{Max: Forever, Base: time.Millisecond, Cap: time.Millisecond, Jitter: -1}
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{fails: errBusy})
		h := w.tap("1", "me")
		time.Sleep(70 * time.Second) // more attempts than 16 bits count
		w.unsettled(h)
		w.server.alwaysReply(nil)
		w.flush()
		w.outcome(h, Confirmed)
	})
}

func TestLaw13_TheTableOfStatuses(t *testing.T) {
	for class, statuses := range map[Class][]int{
		Unauthenticated: {401, 407},
		Unknown:         {-1, 0, 99, 408, 502, 504},
		Conflicting:     {409, 412},
		Transient:       {421, 425, 500, 501, 505, 599},
		Overloaded:      {429, 503},
		Permanent:       {100, 301, 400, 403, 404, 405, 410, 413, 415, 422, 451},
	} {
		for _, status := range statuses {
			got, after := classify(t.Context(), StatusError(status, time.Minute, nil))
			equal(t, fmt.Sprint(status), got, class)
			equal(t, "retry after", after, time.Minute)
		}
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		is(t, StatusError(status, 0, errNo), nil)
	}
	wrapped := fmt.Errorf("while liking: %w", StatusError(503, time.Second, errNo))
	class, after := classify(t.Context(), wrapped)
	equal(t, "wrapped", [2]any{class, after}, [2]any{Overloaded, time.Second})
	is(t, wrapped, errNo)
}

func TestLaw13_NeverByTheTextOfAnError(t *testing.T) {
	for _, text := range []string{"404 not found", "status 409", "offline", "unauthorized", "permanent failure", "context canceled"} {
		class, _ := classify(t.Context(), errors.New(text))
		equal(t, text, class, Transient)
	}
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, fmt.Errorf("get: %w", context.Canceled)} {
		class, _ := classify(t.Context(), err)
		equal(t, err.Error(), class, Unknown)
	}
	class, _ := classify(t.Context(), &SendError{Class: 99, Err: errNo})
	equal(t, "no class", class, Transient)
	is(t, Fail(Permanent, nil), nil)
}

func TestLaw13_PermanentIsNotTriedAgain(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{fails: StatusError(404, 0, errNo)})
		h := d.tap("1")
		w.flush()
		r := w.outcome(h, RolledBack)
		is(t, r.Err, errNo)
		equal(t, "calls", len(w.server.heard()), 1)
	})
}

func TestLaw13_APanicInSendIsPermanent(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("panics")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) { panic("boom") }
		h := do(w, Register(w.pages, def), "1", "x")
		w.flush()
		r := w.outcome(h, RolledBack)
		var p *PanicError
		if !errors.As(r.Err, &p) || p.In != "send" || p.Value != "boom" {
			t.Fatal(r.Err)
		}
		equal(t, "calls", r.Calls, 1)
	})
}

func TestLaw13_UnknownIsAskedForUntilItIsKnown(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", slices.Repeat([]reply{{lost: true}}, 20)...)
		first := d.tap("1")
		w.time(time.Minute)
		second := d.tap("1") // waits behind it
		w.time(5 * time.Minute)
		w.unsettled(first, second)
		equal(t, "snapshot says unknown", w.m.Snapshot().Entities[0].Operations[0].Unknown, true)
		for _, c := range w.server.heardCalls() {
			equal(t, "call", c.What, "like me true")
		}
		w.flush()
		w.outcome(first, Confirmed)
		w.outcome(second, Confirmed)
		equal(t, "on the server", w.server.likes("1"), false)
		equal(t, "shown", d.shown("1"), false)
	})
}

// A transport has words of its own for a call that was given up.
func TestLaw13_AnAttemptThatWasGivenUpIsNoFailure(t *testing.T) {
	for name, row := range map[string]struct {
		fails error
		want  Outcome // 0: unsettled
	}{
		"an error of its own":   {errors.New("AbortError: the request was aborted"), 0},
		"marked as a failure":   {errNever, RolledBack},
		"marked as a transient": {Fail(Transient, errBusy), RolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				u := w.update("pay", "1", func() func() { return nil })
				u.Send = func(ctx context.Context) error { <-ctx.Done(); return row.fails }
				h := must(w.m.Execute(w.ctx, u))(t)
				w.time(time.Hour)
				r, _ := h.Result()
				equal(t, "outcome", r.Outcome, row.want)
			})
		})
	}
}

func TestLaw13_UnknownPastItsDeadlineIsParkedNotFailed(t *testing.T) {
	opts := instant
	opts.Policy.Retry.Deadline = 25 * time.Second
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", slices.Repeat([]reply{{lost: true}}, 20)...)
		h := w.tap("1", "me")
		w.time(time.Hour)
		equal(t, "state", h.State(), Parked)
		equal(t, "shown", isFan(w.view("1"), "me"), true)
		_, err := w.like.Edit(h, Switched{User: "me"})
		is(t, err, ErrUnknownOutcome)
		w.server.script["1"] = nil
		is(t, h.Retry(), nil)
		w.outcome(h, Confirmed)
	})
}

func TestLaw13_OfflineAndUnauthenticatedCostNoAttempt(t *testing.T) {
	for _, class := range []Class{Offline, Unauthenticated} {
		bothDoors(t, instant, func(t *testing.T, w *world, d door) {
			sub := w.m.Subscribe(SubscribeOptions{})
			w.server.next("1", slices.Repeat([]reply{{fails: Fail(class, errNo)}}, 6)...)
			h := d.tap("1")
			for range 6 {
				w.time(time.Minute)
				is(t, w.m.RetryNow(), nil)
			}
			w.flush()
			r := w.outcome(h, Confirmed)
			equal(t, "attempts", r.Attempts, 0)
			equal(t, "calls", r.Calls, 7)
			if n := len(events(sub, SendingPaused)); n == 0 {
				t.Error("nobody was told that sending paused")
			}
		})
	}
}

func TestLaw13_UnauthenticatedPausesUntilRetryNow(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: StatusError(401, 0, nil)})
		first := w.tap("1", "me")
		w.time(time.Second)
		second := w.tap("2", "me")
		w.time(time.Hour)
		w.unsettled(first, second)
		equal(t, "calls", len(w.server.heard()), 1)
		equal(t, "sending", w.m.Snapshot().Sending, false)
		is(t, w.m.RetryNow(), nil)
		w.outcome(first, Confirmed)
		w.outcome(second, Confirmed)
	})
}

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
