package latch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestATurnIsAwaitedAsLongAsItsHolderGetsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := NewTurn[string]()
		if !turn.TryTake() || turn.TryTake() || !turn.Held() {
			t.Fatal("two have the turn, or nobody")
		}
		name := "like"
		go func() {
			for range 5 {
				turn.Begin(&name)
				time.Sleep(3 * time.Second)
			}
			turn.Give()
		}()
		began := time.Now()
		if taken, err := turn.Take(t.Context(), 5*time.Second); !taken || err != nil || time.Since(began) != 15*time.Second {
			t.Errorf("taken %v, %v after %v", taken, err, time.Since(began))
		}
		if begun, by := turn.Latest(); begun != 5 || *by != name {
			t.Errorf("%d pieces of work, the latest by %q", begun, *by)
		}
		if taken, err := turn.Take(t.Context(), 5*time.Second); taken || err != nil {
			t.Errorf("taken %v, %v from one who does not get on", taken, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if taken, err := turn.Take(ctx, 5*time.Second); taken || err != context.DeadlineExceeded {
			t.Errorf("taken %v, %v after the end of the context", taken, err)
		}
	})
}
