package optimist

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A creation carries the operations that stand on it. In these tests nothing is known of
// page "new" before it is created.

// parkedCreation is a creation that the server has refused, and that waits for a person.
func (w *world) parkedCreation(id string) *Handle {
	w.server.next(id, reply{fails: errNever})
	h := do(w, w.create, id, "title")
	w.time(time.Second)
	equal(w.T, "state", h.State(), Parked)
	w.server.heard()
	return h
}

func TestLaw36_WhatStandsOnACreationGoesWithIt(t *testing.T) {
	refuse := func(w *world) { w.server.next("new", reply{before: time.Second, fails: errNever}) }
	ends := map[string]struct {
		before func(*world)
		after  func(w *world, creation *Handle) error
	}{
		"refused":   {before: refuse},
		"exhausted": {before: func(w *world) { w.server.next("new", failing(4)...) }},
		"cancelled": {after: func(w *world, h *Handle) error { return h.Cancel() }},
		"cancelled in flight": {
			before: func(w *world) { w.server.next("new", reply{before: time.Second, fails: errNever}) },
			after:  func(w *world, h *Handle) error { w.time(time.Millisecond); return h.Cancel() },
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			opts := instant
			if name == "cancelled" {
				opts = patient
				opts.Policy.Debounce = Debounce{Wait: time.Minute, MaxWait: time.Hour}
			}
			inWorld(t, opts, func(t *testing.T, w *world) {
				if end.before != nil {
					end.before(w)
				}
				create, _, _ := w.document()
				creation := do(w, create, "new", "title")
				stands := []*Handle{
					do(w, w.comment, "new", "first"), w.tap("new", "me"), do(w, w.rename, "new", "other"),
					must(w.swap().Execute(w.ctx, [2]string{"1", "new"}))(t),
				}
				apart := do(w, w.comment, "1", "apart")
				if end.after != nil {
					is(t, end.after(w, creation), nil)
				}
				w.flush()
				for _, h := range stands {
					is(t, w.outcome(h, RolledBack).Err, ErrDependency)
				}
				w.outcome(apart, Confirmed)
				equal(t, "presence", w.pages.View("new").Presence, NotLoaded)
				for _, call := range w.server.heard() {
					if strings.HasSuffix(call, " of new") && call != "create title of new" || strings.HasPrefix(call, "swap") {
						t.Errorf("%q was sent, of what was never made", call)
					}
				}
				w.settledTruth("1")
			})
		})
	}
}

func failing(n int) (all []reply) {
	for range n {
		all = append(all, reply{fails: StatusError(500, 0, nil)})
	}
	return all
}

func TestLaw36_WhatStandsOnAParkedCreationWaitsForIt(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		creation := w.parkedCreation("new")
		stands := []*Handle{w.tap("new", "me"), do(w, w.comment, "new", "first")}
		w.time(24 * time.Hour)
		w.unsettled(stands...)
		equal(t, "calls", len(w.server.heard()), 0)
		is(t, creation.Retry(), nil)
		w.flush()
		for _, h := range append(stands, creation) {
			w.outcome(h, Confirmed)
		}
		equal(t, "calls", w.server.heard(), []string{"create title of new", "like me true of new", "comment first of new"})
		w.settledTruth("new")
	})
	inWorld(t, parking(), func(t *testing.T, w *world) {
		creation := w.parkedCreation("new")
		liked := w.tap("new", "me")
		is(t, creation.Discard(), nil)
		is(t, w.outcome(liked, RolledBack).Err, ErrDependency)
		equal(t, "presence", w.pages.View("new").Presence, NotLoaded)
		equal(t, "calls", len(w.server.heard()), 0)
	})
}

// The truth that comes beside a refusal is judged first: what the server holds carries
// what was done to it.
func TestLaw36_TruthThatIsPresentEndsTheTie(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.parkedCreation("new")
		liked := w.tap("new", "me")
		w.time(time.Hour)
		w.unsettled(liked)
		w.receive("new", w.server.put("new", page{Title: "somebody else's"}))
		w.flush()
		w.outcome(liked, Confirmed)
	})
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("new", reply{before: time.Second, terse: true})
		creation := do(w, w.create, "new", "title")
		liked := w.tap("new", "me")
		w.server.next("new", reply{before: time.Second})
		w.time(1500 * time.Millisecond)
		equal(t, "state", creation.State(), Acked)
		is(t, creation.Cancel(), nil)
		w.flush()
		w.outcome(liked, Confirmed)
	})
}

// One refused card must not freeze the board: what waits behind a creation holds up only
// what stands on the same one.
func TestLaw36_AParkedCreationFreezesNothingElse(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.parkedCreation("new")
		swap := w.swap()
		moved := must(swap.Execute(w.ctx, [2]string{"new", "1"}))(t)
		others := []*Handle{
			must(swap.Execute(w.ctx, [2]string{"1", "2"}))(t), do(w, w.comment, "1", "x"), do(w, w.remove, "2", struct{}{}),
		}
		w.flush()
		for _, h := range others {
			w.outcome(h, Confirmed)
		}
		w.unsettled(moved)
	})
}

func TestLaw36_DeletionOfACreationThatNeverLeftSendsNothing(t *testing.T) {
	for _, known := range []string{"unknown", "absent"} {
		t.Run(known, func(t *testing.T) {
			inWorld(t, patient, func(t *testing.T, w *world) {
				if known == "absent" {
					w.receive("new", Gone[page](1))
				}
				is(t, w.m.SetOnline(false), nil)
				created := do(w, w.create, "new", "title")
				between := []*Handle{w.tap("new", "me"), do(w, w.comment, "new", "x"), do(w, w.comment, "new", "y")}
				removed := do(w, w.remove, "new", struct{}{})
				equal(t, "calls", w.outcome(removed, Confirmed).Calls, 0)
				for _, h := range append(between, created) {
					w.outcome(h, Superseded)
					last, err := h.Final(w.ctx)
					is(t, err, nil)
					equal(t, "final", last.Outcome, Confirmed)
				}
				equal(t, "pending", w.m.PendingCount("page:new"), 0)
				is(t, w.m.SetOnline(true), nil)
				w.flush()
				equal(t, "calls", len(w.server.heard()), 0)
				equal(t, "present", w.pages.View("new").Presence == Present, false)
			})
		})
	}
}

// When the server may hold the page, it hears of its deletion, in order.
func TestLaw36_DeletionIsSentWhenTheServerMayHoldIt(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) { // the page was there before
		create, _, remove := w.document()
		is(t, w.m.SetOnline(false), nil)
		do(w, create, "1", "again")
		removed := do(w, remove, "1", struct{}{})
		is(t, w.m.SetOnline(true), nil)
		w.flush()
		w.outcome(removed, Confirmed)
		equal(t, "presence", w.server.truth("1").Presence, Absent)
		equal(t, "shown", w.pages.View("1").Presence, Absent)
	})
	inWorld(t, instant, func(t *testing.T, w *world) { // the creation is under way
		w.server.next("new", reply{before: time.Second})
		do(w, w.create, "new", "title")
		w.time(time.Millisecond)
		removed := do(w, w.remove, "new", struct{}{})
		w.flush()
		w.outcome(removed, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"create title of new", "remove of new"})
	})
	inWorld(t, patient, func(t *testing.T, w *world) { // a group stands on it
		is(t, w.m.SetOnline(false), nil)
		w.server.next("new", reply{after: time.Second})
		do(w, w.create, "new", "title")
		moved := must(w.swap().Execute(w.ctx, [2]string{"new", "1"}))(t)
		removed := do(w, w.remove, "new", struct{}{})
		is(t, w.m.SetOnline(true), nil)
		w.flush()
		w.outcome(moved, Confirmed)
		w.outcome(removed, Confirmed)
		calls := w.server.heard()
		equal(t, "first", calls[0], "create title of new")
		equal(t, "last", calls[len(calls)-1], "remove of new")
	})
}

// A creation with a deletion behind it needs no person to decide about it.
func TestLaw36_ACreationWithADeletionBehindItNeverParks(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.server.next("new", reply{before: time.Second, fails: errNever})
		created := do(w, w.create, "new", "title")
		w.time(time.Millisecond)
		liked := w.tap("new", "me")
		removed := do(w, w.remove, "new", struct{}{})
		w.flush()
		w.outcome(created, RolledBack)
		w.outcome(liked, RolledBack)
		equal(t, "calls", w.outcome(removed, Confirmed).Calls, 0)
		equal(t, "calls", w.server.heard(), []string{"create title of new"})
		equal(t, "pending", w.m.PendingCount("page:new"), 0)
	})
}

func TestLaw36_DeletionTakesAParkedCreationAlong(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		created := w.parkedCreation("new")
		liked := w.tap("new", "me")
		removed := do(w, w.remove, "new", struct{}{})
		w.flush()
		w.outcome(created, Superseded)
		w.outcome(liked, Superseded)
		equal(t, "calls", w.outcome(removed, Confirmed).Calls, 0)
		equal(t, "calls", len(w.server.heard()), 0)
		equal(t, "presence", w.pages.View("new").Presence, NotLoaded)
	})
}

// Nobody knows whether the server has it, so the deletion is sent at once, and ends it.
func TestLaw36_DeletionOfACreationOfUnknownOutcomeIsSent(t *testing.T) {
	opts := parking()
	opts.Policy.Retry.Deadline = 25 * time.Second
	inWorld(t, opts, func(t *testing.T, w *world) {
		for range 20 {
			w.server.next("new", reply{lost: true})
		}
		created := do(w, w.create, "new", "title")
		w.time(time.Hour)
		equal(t, "state", created.State(), Parked)
		liked := w.tap("new", "me")
		w.server.script["new"] = nil
		w.server.heard()
		removed := do(w, w.remove, "new", struct{}{})
		w.flush()
		w.outcome(removed, Confirmed)
		w.outcome(created, Superseded)
		w.outcome(liked, Superseded)
		equal(t, "calls", w.server.heard(), []string{"remove of new"})
		equal(t, "presence", w.pages.View("new").Presence, Absent)
		w.settledTruth("new")
	})
}

func TestLaw36_ARefusedDeletionOfWhatIsAbsentIsAlreadySo(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.server.remove("1")
		gone := w.removing()
		gone.Type = "remove strictly"
		gone.Send = func(ctx context.Context, c Call[struct{}]) (Truth[page], error) {
			return w.server.truth(c.Entity), StatusError(404, 0, nil)
		}
		h := do(w, Register(w.pages, gone), "1", struct{}{})
		w.flush()
		r := w.outcome(h, Confirmed)
		equal(t, "success", r.Success(), true)
		equal(t, "conflict", r.Conflict, AlreadySo)
		w.settledTruth("1")
	})
}

// Closures stand on a creation as well: what they changed outside is undone.
func TestLaw36_ClosuresStandOnACreation(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("new", reply{before: time.Second, fails: errNever})
		do(w, w.create, "new", "title")
		shown, sent := false, 0
		h, err := w.m.ExecuteToggle(w.ctx, ToggleUpdate{
			Type: "star", Entity: "page:new",
			Current: func() bool { return shown },
			Apply:   func(on bool) func() { was := shown; shown = on; return func() { shown = was } },
			Send:    func(_ context.Context, on bool) (bool, error) { sent++; return on, nil },
		})
		is(t, err, nil)
		equal(t, "shown", shown, true)
		w.flush()
		is(t, w.outcome(h, RolledBack).Err, ErrDependency)
		equal(t, "shown and sent", [2]any{shown, sent}, [2]any{false, 0})
	})
}

func TestLaw37_ACreationOverTruthLeavesTheRestAlone(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.server.next("new", reply{after: time.Second})
		h := do(w, w.create, "new", "title")
		w.time(500 * time.Millisecond)
		pushed := w.server.truth("new") // it has arrived, and others were quick
		pushed.Value.Fans = "others"
		w.receive("new", pushed)
		equal(t, "shown", w.view("new"), page{Title: "title", Fans: "others"})
		w.flush()
		w.outcome(h, Confirmed)
	})
}
