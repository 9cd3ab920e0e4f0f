package stuck

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyAFunctionThatRunsOnIsNamed(t *testing.T) {
	at := map[string]uint64{"a": 1, "b": 1}
	look := Watch(func(tell func(any, uint64)) {
		for place, begun := range at {
			tell(place, begun)
		}
	}, func(place any) string { return place.(string) })
	at["a"], at["c"] = 2, 1
	delete(at, "b")
	if name := look(); name != "" {
		t.Errorf("none runs on, and %q is named", name)
	}
	at["a"] = 3
	if name := look(); name != "c" {
		t.Errorf("c runs on, and %q is named", name)
	}
}

func TestAwaitGivesUpWhenOneRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, never, stuck := 0, make(chan struct{}), errors.New("it runs on")
		began := time.Now()
		err := Await(t.Context(), never, time.Second, func() error {
			if looks++; looks == 3 {
				return stuck
			}
			return nil
		})
		if err != stuck || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		over, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Await(over, never, time.Millisecond, nil); err != context.DeadlineExceeded {
			t.Error(err)
		}
		done := make(chan struct{})
		close(done)
		if err := Await(over, done, time.Second, nil); err != nil {
			t.Errorf("it is done: %v", err)
		}
	})
}
