package policy

import (
	"testing"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

func TestTriesAreRepeatedAsOperationsAre(t *testing.T) {
	r := Retry{Max: 2, Base: time.Second, Cap: time.Minute}
	var tries Tries
	for i, row := range []struct {
		class engine.Class
		again bool
		wait  time.Duration
	}{
		{engine.Transient, true, time.Second},
		{engine.Offline, true, 2 * time.Second}, // costs no try
		{engine.Unknown, true, 4 * time.Second},
		{engine.Overloaded, false, 8 * time.Second},
	} {
		if again, wait, next := tries.Failed(&r, row.class, 0, 0); again != row.again || wait != row.wait || next {
			t.Errorf("after try %d: %v after %v, asks %v", i+1, again, wait, next)
		}
	}
	if tries.Counted != 3 {
		t.Errorf("%d tries count", tries.Counted)
	}
	r.Next = func(int, error) (time.Duration, bool) { return 0, false }
	for class, asks := range map[engine.Class]bool{
		engine.Transient: true, engine.Offline: false, engine.Permanent: false, engine.Conflicting: false, engine.Unauthenticated: false,
	} {
		again, wait, next := new(Tries).Failed(&r, class, time.Hour, 0)
		if next != asks {
			t.Errorf("class %d: Next is asked: %v", class, next)
		}
		if ends := class == engine.Permanent || class == engine.Conflicting || class == engine.Unauthenticated; again == ends || !ends && wait < time.Hour {
			t.Errorf("class %d: %v after %v", class, again, wait)
		}
	}
}
