package stuck

import (
	"context"
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
		looks, never := 0, make(chan struct{})
		began := time.Now()
		name, err := Await(t.Context(), never, time.Second, func() string {
			if looks++; looks == 3 {
				return "it"
			}
			return ""
		})
		if name != "it" || err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("%q, %v after %v", name, err, time.Since(began))
		}
		over, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if name, err := Await(over, never, time.Millisecond, nil); name != "" || err != context.DeadlineExceeded {
			t.Errorf("%q, %v", name, err)
		}
		done := make(chan struct{})
		close(done)
		if name, err := Await(over, done, time.Second, nil); name != "" || err != nil {
			t.Errorf("it is done: %q, %v", name, err)
		}
	})
}
