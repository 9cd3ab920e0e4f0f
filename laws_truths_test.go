package optimist

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLaw40_TruthBelowTheViewCanBeRead(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		came := time.Now()
		told := w.server.put("1", page{Title: "told"})
		w.receive("1", told)
		time.Sleep(time.Second)
		w.server.next("1", reply{after: time.Second})
		h := w.tap("1", "me")
		synctest.Wait()
		equal(t, "shown", w.view("1").Fans, "me")
		equal(t, "under way", w.pages.Truth("1"), HeldTruth[page]{
			Value: page{Title: "told"}, Presence: Present, Version: told.Version, Since: came,
		})
		w.flush()
		w.outcome(h, Confirmed)
		held := w.pages.Truth("1")
		equal(t, "confirmed", held.Value, page{Title: "told", Fans: "me"})
		equal(t, "told", held.Predicted, false)
		equal(t, "since", held.Since, time.Now())
	})
}

func TestLaw40_APredictionThatASilentAnswerMadeTruthIsCalledSo(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		before := w.pages.Truth("1")
		w.server.next("1", reply{mute: true})
		w.outcome(w.tap("1", "me"), Confirmed)
		held := w.pages.Truth("1")
		equal(t, "value", held.Value.Fans, "me")
		equal(t, "predicted", held.Predicted, true)
		equal(t, "version", held.Version, before.Version)
		w.receive("1", w.server.truth("1"))
		equal(t, "predicted after truth", w.pages.Truth("1").Predicted, false)
	})
}

func TestLaw40_NothingHeldAndBadNames(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		equal(t, "unknown", w.pages.Truth("none"), HeldTruth[page]{})
		equal(t, "no id", w.pages.Truth(""), HeldTruth[page]{})
		w.receive("1", Gone[page](9))
		held := w.pages.Truth("1")
		held.Since = time.Time{}
		equal(t, "gone", held, HeldTruth[page]{Presence: Absent, Version: 9})
		w.pages.Forget("1")
		equal(t, "forgotten", w.pages.Truth("1"), HeldTruth[page]{})
		broken := NewStore[page](w.m, "a:b")
		equal(t, "of a broken store", broken.Truth("1"), HeldTruth[page]{})
		equal(t, "its count", broken.PendingCount("1"), 0)
		is(t, broken.RollbackAll("1"), ErrInvalid)
		is(t, w.pages.RollbackAll(""), ErrInvalid)
	})
}

func TestLaw23_AStoreCountsAndRollsBackByBareIds(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		equal(t, "before", w.pages.HasPending("1"), false)
		h := w.tap("1", "me")
		w.tap("2", "me")
		equal(t, "pending", w.pages.PendingCount("1"), 1)
		equal(t, "has", w.pages.HasPending("1"), true)
		is(t, w.pages.RollbackAll("1"), nil)
		w.outcome(h, Cancelled)
		equal(t, "after", w.pages.PendingCount("1"), 0)
		equal(t, "of the other", w.pages.PendingCount("2"), 1)
		is(t, w.pages.RollbackAll("none"), nil)
	})
}
