package optimist

import (
	"errors"
	"math"
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
			inWorld(t, Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}, Retry: row.manager}}, func(t *testing.T, w *world) {
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
	opts := Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}, Retry: Retry{Max: Forever, Cap: time.Second}}}
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
	opts := Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}}} // with jitter, which may not come before it
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
	opts.Policy.Retry.Deadline, opts.Policy.Failure = 5*time.Second, Park
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

// What the server asked of one lane holds for the lane, also when the operation that heard it
// has ended, until a person wants it now.
func TestLaw12_RetryAfterHoldsForTheLane(t *testing.T) {
	busy := reply{fails: &SendError{Class: Overloaded, RetryAfter: time.Minute, Err: errBusy}}
	for name, c := range map[string]struct {
		does func(w *world)
		left []time.Duration
	}{
		"it waits":     {func(*world) {}, seconds(0, 60, 120, 180, 240)},
		"retry now":    {func(w *world) { w.m.RetryNow() }, seconds(0, 60, 120, 180, 190)},
		"online again": {func(w *world) { w.m.SetOnline(false); w.m.SetOnline(true) }, seconds(0, 60, 120, 180, 190)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.server.next("1", busy, busy, busy, busy)
				first := do(w, w.comment, "1", "a")
				second := do(w, w.comment, "1", "b")
				w.time(190 * time.Second)
				w.outcome(first, RolledBack)
				w.unsettled(second)
				do(w, w.comment, "2", "c")
				c.does(w)
				w.flush()
				w.outcome(second, Confirmed)
				left := make(map[string][]time.Duration)
				for _, call := range w.server.heardCalls() {
					left[call.Entity] = append(left[call.Entity], call.At)
				}
				equal(t, "left at", left["1"], c.left)
				equal(t, "another lane", left["2"], seconds(190))
			})
		})
	}
}
