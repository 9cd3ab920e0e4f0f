package optimist

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/foreign"
)

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
			got := classify(t.Context(), StatusError(status, time.Minute, nil))
			equal(t, fmt.Sprint(status), got, judged{class: class, retryAfter: time.Minute})
		}
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		is(t, StatusError(status, 0, errNo), nil)
	}
	wrapped := fmt.Errorf("while liking: %w", StatusError(503, time.Second, errNo))
	equal(t, "wrapped", classify(t.Context(), wrapped), judged{class: Overloaded, retryAfter: time.Second})
	is(t, wrapped, errNo)
}

func TestLaw13_NeverByTheTextOfAnError(t *testing.T) {
	for _, text := range []string{"404 not found", "status 409", "offline", "unauthorized", "permanent failure", "context canceled"} {
		equal(t, text, classify(t.Context(), errors.New(text)), judged{class: Transient, unclassified: true})
	}
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, fmt.Errorf("get: %w", context.Canceled)} {
		equal(t, err.Error(), classify(t.Context(), err), judged{class: Unknown, unclassified: true})
	}
	equal(t, "no class", classify(t.Context(), &SendError{Class: 99, Err: errNo}), judged{class: Transient, unclassified: true})
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

// Nobody knows what the server did before the panic.
func TestLaw13_APanicInSendIsAFailedAttempt(t *testing.T) {
	for name, row := range map[string]struct {
		goes  func()
		value any
	}{
		"panic":  {func() { panic("boom") }, "boom"},
		"Goexit": {runtime.Goexit, foreign.ErrEnded},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{})
				def := w.likeToggle()
				send, bad := def.Send, true
				def.Type = "faulty like"
				def.Send = func(ctx context.Context, c Call[Switched]) (Truth[page], error) {
					truth, err := send(ctx, c)
					if bad { // the server has it nevertheless
						row.goes()
					}
					return truth, err
				}
				like := RegisterToggle(w.pages, def)
				h := must(like.Toggle(w.ctx, "1", "me"))(t)
				w.flush()
				r := w.outcome(h, RolledBack)
				equal(t, "left at", w.times("1"), seconds(0, 1, 3, 7))
				told := events(sub, event.Retrying)
				equal(t, "retries told", len(told), 3)
				for _, err := range []error{r.Err, told[0].Err, told[2].Err} {
					var p *PanicError
					if !errors.As(err, &p) || p.In != "send" || p.Value != row.value {
						t.Fatal(err)
					}
				}
				bad = false
				off := must(like.Set(w.ctx, "1", "me", false))(t) // as it is shown
				w.flush()
				equal(t, "calls, because the server may have it", w.outcome(off, Confirmed).Calls, 1)
				w.settledTruth("1")
			})
		})
	}
}

// An error without a class says as little as a panic.
func TestLaw13_WhatNobodyClassifiedLeavesADoubt(t *testing.T) {
	for name, policy := range map[string]FailurePolicy{"reverted": Revert, "parked": Park} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.Policy.Failure = policy
			bothDoors(t, opts, func(t *testing.T, w *world, d door) {
				w.server.next("1", slices.Repeat([]reply{{breaks: errBusy}}, 4)...)
				d.tap("1")
				w.flush()
				equal(t, "calls", len(w.times("1")), 4)
				if policy == Revert {
					equal(t, "shown", d.shown("1"), false)
					is(t, w.m.SetOnline(false), nil) // else the taps are sent one by one
					d.tap("1")
				}
				last := d.tap("1") // back to where the server was
				is(t, w.m.SetOnline(true), nil)
				w.flush()
				equal(t, "calls, because the server may have it", w.outcome(last, Confirmed).Calls, 1)
				equal(t, "shown", d.shown("1"), false)
				equal(t, "on the server", w.server.likes("1"), false)
			})
		})
	}
}

func TestLaw13_APanicInSendIsForThePolicy(t *testing.T) {
	for name, goes := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			var asked []error
			opts.Policy.Failure = Park
			opts.Policy.Retry.Next = func(n int, err error) (time.Duration, bool) {
				asked = append(asked, err)
				return time.Minute, n < 2
			}
			inWorld(t, opts, func(t *testing.T, w *world) {
				u := w.update("pay", "1", func() func() { return nil })
				n := 0
				u.Send = func(context.Context) error { n++; goes(); return nil }
				h := must(w.m.Execute(w.ctx, u))(t)
				w.flush()
				equal(t, "calls", n, 2)
				equal(t, "state", h.State(), Parked)
				var p *PanicError
				if len(asked) != 2 || !errors.As(asked[1], &p) {
					t.Fatal(asked)
				}
			})
		})
	}
}

// A transport that had no answer to look at may panic for that reason.
func TestLaw13_APanicAfterTheContextHasEndedIsNoFailure(t *testing.T) {
	for name, goes := range map[string]func(){"panic": func() { panic("nil response") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				u := w.update("pay", "1", func() func() { return nil })
				u.Send = func(ctx context.Context) error { <-ctx.Done(); goes(); return nil }
				h := must(w.m.Execute(w.ctx, u))(t)
				w.time(time.Hour)
				w.unsettled(h)
			})
		})
	}
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
			if n := len(events(sub, event.SendingPaused)); n == 0 {
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
