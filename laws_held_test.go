package optimist

import (
	"testing"
	"testing/synctest"
	"time"
)

// Behind a parked operation waits what must not overtake it, and nothing else.

// drafts are two types of one slot that do not replace each other.
func (w *world) drafts() (draft, publish *Action[page, string]) {
	def := w.renaming("draft")
	def.Family = "text"
	draft = Register(w.pages, def)
	def = w.renaming("publish")
	def.Family = "text"
	publish = Register(w.pages, def)
	Merge(draft, publish, func(*string, *string) MergeRule { return Separate })
	return draft, publish
}

// parkedDraft is a draft that the server has refused, and an operation of its slot.
func (w *world) parkedDraft() (parked, waiting *Handle) {
	draft, publish := w.drafts()
	w.server.next("1", reply{before: time.Second, fails: errNever})
	parked = do(w, draft, "1", "x")
	waiting = do(w, publish, "1", "y")
	return parked, waiting
}

func TestLaw20_WhatWaitsForAPersonHoldsNoOtherSlot(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		parked, waiting := w.parkedDraft()
		liked := w.tap("1", "me")
		w.time(24 * time.Hour)
		w.outcome(liked, Confirmed)
		w.unsettled(parked, waiting)
		is(t, parked.Retry(), nil)
		w.flush()
		w.outcome(parked, Confirmed)
		w.outcome(waiting, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"draft x of 1", "like me true of 1", "draft x of 1", "publish y of 1"})
		w.settledTruth("1")
	})
}

func TestLaw20_DependentsOfWhatWaitsForAPersonAreInNobodysWay(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		parked, waiting := w.parkedDraft()
		dependent := do(w, w.comment, "2", "a", waiting)
		last := do(w, w.comment, "3", "b", dependent)
		others := []*Handle{do(w, w.comment, "2", "c"), do(w, w.comment, "3", "d")}
		w.time(24 * time.Hour)
		w.outcome(others[0], Confirmed)
		w.outcome(others[1], Confirmed)
		w.unsettled(parked, waiting, dependent, last)
		is(t, parked.Discard(), nil)
		w.flush()
		w.outcome(last, Confirmed)
		equal(t, "the last call", w.server.heard()[5], "comment b of 3")
	})
}

func TestLaw20_NothingOvertakesABarrierThatWaitsForAPerson(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		parked, waiting := w.parkedDraft()
		def := w.renaming("lock")
		def.Barrier = true
		barrier := do(w, Register(w.pages, def), "1", "z")
		liked := w.tap("1", "me")
		w.time(24 * time.Hour)
		w.unsettled(parked, waiting, barrier, liked)
		is(t, waiting.Cancel(), nil) // a barrier waits for nothing that is parked
		w.flush()
		w.outcome(barrier, Confirmed)
		w.outcome(liked, Confirmed)
		w.unsettled(parked)
	})
}

func TestLaw20_AnEditLetsGoInOrder(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		draft, publish := w.drafts()
		w.server.next("1", reply{fails: errNever})
		parked := do(w, draft, "1", "x")
		waiting := do(w, publish, "1", "y")
		w.flush()
		w.unsettled(parked, waiting)
		must(draft.Edit(parked, "z"))(t)
		w.flush()
		equal(t, "calls", w.server.heard()[1:], []string{"draft z of 1", "publish y of 1"})
		w.settledTruth("1")
	})
}

func TestLaw23_FlushDoesNotWaitForAPerson(t *testing.T) {
	for name, online := range map[string]bool{"online": true, "offline": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, parking(), func(t *testing.T, w *world) {
				parked, waiting := w.parkedDraft()
				w.time(2 * time.Second)
				is(t, w.m.SetOnline(online), nil)
				dependent := do(w, w.comment, "2", "a", waiting)
				began := time.Now()
				w.flush()
				w.unsettled(parked, waiting, dependent)
				is(t, w.m.Close(w.ctx), ErrClosed) // it names the three
				equal(t, "waited", time.Since(began), 0)
				for _, h := range []*Handle{parked, waiting, dependent} {
					is(t, w.outcome(h, RolledBack).Err, ErrClosed)
				}
			})
		})
	}
}

func TestLaw23_FlushWaitsForWhatMovesBesideAPerson(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.parkedDraft()
		w.time(2 * time.Second)
		w.server.next("1", reply{before: time.Second})
		liked := w.tap("1", "me")
		synctest.Wait()
		w.flush()
		w.outcome(liked, Confirmed)
	})
}
