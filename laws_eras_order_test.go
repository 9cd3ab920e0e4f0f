package optimist

import (
	"testing"
	"time"
)

func TestLaw44_AnOvertakenOperationIsNotSentAgain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true}, reply{after: time.Second})
		on := w.tap("1", "me")
		w.time(time.Millisecond)
		off := w.tap("1", "me") // the server of the new history may have it already
		w.time(time.Millisecond)
		equal(t, "acknowledged", on.State(), Acked)
		is(t, w.m.NewEra(2), nil)
		w.outcome(on, Confirmed)
		w.flush()
		w.outcome(off, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like me false of 1", "like me false of 1"})
		equal(t, "liked", isFan(w.pages.View("1").Value, "me"), false)
	})
}

func TestLaw44_ATapOnAnEarlierHistoryIsSent(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.tap("1", "me")
		w.flush()
		is(t, w.m.NewEra(2), nil) // nobody knows whether the like is in it
		w.tap("1", "me")
		w.tap("1", "me") // and back
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like me true of 1"})
	})
}
