package optimist

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/reason"
)

// why checks the reason of an operation, and its sentence.
func (w *world) why(h *Handle, want reason.Reason, sentence string) {
	w.Helper()
	synctest.Wait()
	r := h.Snapshot().Reason
	if r != want || r.String() != sentence {
		w.Fatalf("%s waits: %+v %q\nwant %+v %q", h.Type(), r, r, want, sentence)
	}
}

// named is an operation as a sentence has it.
func named(h *Handle) string { return "operation " + h.ID() + " of " + h.Entity() }

func TestLaw39_TheProgramHasToDecide(t *testing.T) {
	opts := instant
	opts.Policy.Failure = Park
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		parked := do(w, w.rename, "1", "a")
		w.why(parked, reason.Reason{Kind: reason.Decision}, "it failed, and somebody has to retry, edit or discard it")
		w.server.next("2", reply{after: time.Second})
		held := do(w, w.rename, "1", "b", do(w, w.comment, "2", "c")) // what comes after another replaces nothing
		w.why(held, reason.Reason{Kind: reason.Decision, Operation: parked.ID(), Entity: "page:1"},
			named(parked)+" failed, and somebody has to decide about that one first")
		is(t, parked.Discard(), nil)
		w.flush()
		w.outcome(held, Confirmed)
		equal(t, "reason of what has ended", held.Snapshot().Reason, reason.Reason{})
	})
}

func TestLaw39_TheCreationComesFirst(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.m.SetOnline(false)
		made := do(w, w.create, "new", "a")
		on := do(w, w.comment, "new", "b")
		w.why(on, reason.Reason{Kind: reason.Creation, Operation: made.ID(), Entity: "page:new"}, named(made)+" has to create the entity first")
		w.receive("new", TruthOf(page{}, 1))
		w.why(on, reason.Reason{Kind: reason.Lane, Operation: made.ID(), Entity: "page:new"}, named(made)+" goes first")
	})
}

func TestLaw39_TheDependencyComesFirst(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second})
		first := do(w, w.comment, "1", "a")
		second := do(w, w.comment, "2", "b", first)
		w.why(second, reason.Reason{Kind: reason.Dependency, Operation: first.ID(), Entity: "page:1"}, "it comes after "+named(first))
		w.flush()
		w.outcome(second, Confirmed)
	})
}

func TestLaw39_TheLaneIsHeldByACallOfWhatHasEnded(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: 3 * time.Second})
		first, second := do(w, w.comment, "1", "a"), do(w, w.comment, "1", "b")
		is(t, first.Cancel(), nil)
		w.outcome(first, Cancelled)
		w.why(second, reason.Reason{Kind: reason.Lane, Operation: first.ID(), Entity: "page:1"}, named(first)+" goes first")
		w.flush()
		w.outcome(second, Confirmed)
	})
}

func TestLaw39_TheTimeHasToCome(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errBusy})
		h := w.tap("1", "me")
		time.Sleep(100 * time.Millisecond)
		w.why(h, reason.Reason{Kind: reason.Debounce, Due: 200 * time.Millisecond}, "it waits 200ms for further changes")
		time.Sleep(250 * time.Millisecond)
		w.why(h, reason.Reason{Kind: reason.Retry, Due: 950 * time.Millisecond}, "its next attempt leaves in 950ms")
		if s := h.Snapshot(); s.Err == nil || s.Calls != 1 || s.Attempts != 1 || s.State != Waiting || s.Due != s.Reason.Due {
			t.Errorf("%+v", s)
		}
		w.flush()
		equal(t, "error of a success", h.Snapshot().Err, nil)
	})
}

func TestLaw39_TheGateIsShut(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.m.SetOnline(false)
		h := do(w, w.comment, "1", "a")
		w.why(h, reason.Reason{Kind: reason.Network}, "there is no network")
		w.server.next("1", reply{fails: Fail(Unauthenticated, errNo)})
		w.m.SetOnline(true)
		w.why(h, reason.Reason{Kind: reason.Authentication}, "the server did not accept the user's authentication")
		w.server.next("1", reply{fails: Fail(Offline, errNo)}, reply{before: time.Second, fails: Fail(Offline, errNo)})
		w.m.RetryNow()
		w.why(h, reason.Reason{Kind: reason.Probe, Due: time.Second}, "the server answers nobody, and is asked again in 1s")
		other := do(w, w.comment, "2", "b")
		time.Sleep(1500 * time.Millisecond)
		w.server.next("2", reply{before: time.Second, after: time.Second})
		w.flush()
		w.outcome(other, Confirmed)
	})
}

func TestLaw39_OneProbes(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: Fail(Offline, errNo)}, reply{before: 2 * time.Second})
		first := do(w, w.comment, "1", "a")
		synctest.Wait()
		time.Sleep(1500 * time.Millisecond)
		second := do(w, w.comment, "2", "b")
		w.why(second, reason.Reason{Kind: reason.Probe, Operation: first.ID(), Entity: "page:1"},
			"the server answers nobody, and "+named(first)+" asks whether it is back")
		w.flush()
	})
}

func TestLaw39_TheCallsAreCounted(t *testing.T) {
	opts := instant
	opts.MaxInFlight = 1
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second})
		first, second := do(w, w.comment, "1", "a"), do(w, w.comment, "2", "b")
		w.why(first, reason.Reason{Kind: reason.Answer}, "its call is under way")
		w.why(second, reason.Reason{Kind: reason.Cap}, "as many calls are under way as are allowed at a time")
		w.flush()
	})
}

func TestLaw39_TheTruthHasToCome(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true})
		h := do(w, w.comment, "1", "a")
		w.why(h, reason.Reason{Kind: reason.Truth, Entity: "page:1", Version: 2}, "the server has it, and truth of page:1 at version 2 has not come yet")
		w.server.put("unknown", page{})
		w.server.next("unknown", reply{terse: true})
		unseen := do(w, w.comment, "unknown", "b")
		w.why(unseen, reason.Reason{Kind: reason.Loading, Entity: "page:unknown", Version: 2}, "the server has it, and page:unknown was never loaded")
		w.receive("unknown", TruthOf(page{}, 1))
		w.why(unseen, reason.Reason{Kind: reason.Truth, Entity: "page:unknown", Version: 2},
			"the server has it, and truth of page:unknown at version 2 has not come yet")
		w.receive("unknown", w.server.truth("unknown"))
		w.receive("1", w.server.truth("1"))
		w.outcome(h, Confirmed)
		w.outcome(unseen, Confirmed)
	})
}

func TestLaw39_TheManagerHasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, instant)
		w.m.SetOnline(false)
		h := do(w, w.comment, "1", "a")
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		w.m.Close(ended) // the operation is in no journal
		if s := h.Snapshot(); s.State != Ended || s.Reason != (reason.Reason{}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestLaw38_ASnapshotHasAllThatAListShows(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		h := w.tap("1", "me")
		time.Sleep(100 * time.Millisecond)
		s := h.Snapshot()
		if s.ID != h.ID() || s.Type != "like" || s.Store != "page" || s.EntityID != "1" || s.Entities != nil || s.User != "me" ||
			s.Age != 100*time.Millisecond || s.Due != 200*time.Millisecond || s.Err != nil || s.Reason.Kind != reason.Debounce {
			t.Errorf("%+v", s)
		}
		if a, ok := s.Args.(Switched); !ok || a.User != "me" || !a.On {
			t.Errorf("arguments %#v", s.Args)
		}
		of := w.m.Snapshot().Entities[0].Operations[0]
		equal(t, "in the snapshot of all", of, s)
		equal(t, "of no operation", (*Handle)(nil).Snapshot(), OpSnapshot{})
		equal(t, "of the zero handle", (&Handle{}).Snapshot(), OpSnapshot{})
	})
}

func TestLaw38_AwaitDecidedReturnsWhenParked(t *testing.T) {
	opts := instant
	opts.Policy.Failure = Park
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		h := do(w, w.rename, "1", "a")
		began := time.Now()
		is(t, h.Await(w.ctx, Decided), nil)
		equal(t, "after", time.Since(began), time.Second)
		equal(t, "state", h.State(), Parked)
		w.server.next("1", reply{before: 2 * time.Second})
		is(t, h.Retry(), nil)
		is(t, h.Await(w.ctx, Decided), nil)
		w.outcome(h, Confirmed)
		is(t, h.Await(w.ctx, Decided), nil)
		equal(t, "word", Decided.String(), "decided")
	})
}

func TestLaw38_SendNowSkipsTheDebounceOfOne(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		one, other := w.tap("1", "me"), w.tap("2", "me")
		is(t, one.SendNow(), nil)
		w.outcome(one, Confirmed)
		w.unsettled(other)
		is(t, one.SendNow(), ErrSettled)
		again := w.tap("1", "me")
		is(t, w.pages.SendNow("1"), nil)
		w.outcome(again, Confirmed)
		w.unsettled(other)
		is(t, w.pages.SendNow("9"), nil)
		is(t, w.pages.SendNow("unknown"), nil)
		is(t, w.pages.SendNow(""), ErrInvalid)
	})
}

func TestLaw38_SendNowSkipsTheWaitForARetry(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		wait := &SendError{Class: Overloaded, RetryAfter: time.Minute, Err: errBusy}
		w.server.next("1", reply{fails: wait})
		first, second := do(w, w.comment, "1", "a"), do(w, w.comment, "1", "b")
		w.why(first, reason.Reason{Kind: reason.Retry, Due: time.Minute}, "its next attempt leaves in 1m0s")
		is(t, second.SendNow(), nil) // it keeps its place
		w.unsettled(first, second)
		is(t, first.SendNow(), nil)
		w.outcome(first, Confirmed)
		w.outcome(second, Confirmed)
	})
}

func TestLaw38_SendNowWaitsForTheNetworkAndForAPerson(t *testing.T) {
	opts := patient
	opts.Policy.Failure = Park
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.m.SetOnline(false)
		h := w.tap("1", "me")
		is(t, h.SendNow(), nil)
		w.unsettled(h)
		w.why(h, reason.Reason{Kind: reason.Network}, "there is no network")
		w.server.next("1", reply{fails: errNever})
		w.m.SetOnline(true)
		synctest.Wait()
		equal(t, "state", h.State(), Parked)
		is(t, h.SendNow(), ErrInvalid)
		is(t, w.pages.SendNow("1"), nil)
		equal(t, "state", h.State(), Parked)
	})
}
