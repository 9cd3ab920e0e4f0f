package foreign

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
)

func TestForeign_APanicIsAValue(t *testing.T) {
	if v, panicked := Call(func() { panic("no") }); v != "no" || !panicked {
		t.Errorf("got %v, %v", v, panicked)
	}
	if v, panicked := Call(func() {}); v != nil || panicked {
		t.Errorf("without a panic: got %v, %v", v, panicked)
	}
}

// nilErr is an error type whose nil pointers panic.
type nilErr struct{ text string }

func (e *nilErr) Error() string { return e.text }

// asked panics when it is compared.
type asked struct{}

func (asked) Error() string { return "asked" }

func (asked) Is(error) bool { panic("is") }

func TestForeign_AnErrorThatPanicsIsNotSound(t *testing.T) {
	for name, row := range map[string]struct {
		err error
		bad bool
	}{
		"plain":    {errors.New("plain"), false},
		"joined":   {errors.Join(errors.New("a"), errors.New("b")), false},
		"nil":      {(*nilErr)(nil), true},
		"inside":   {errors.Join(errors.New("a"), asked{}), true},
		"not nil":  {&nilErr{"text"}, false},
		"by Error": {errors.Join((*nilErr)(nil)), true},
	} {
		if _, panicked := Sound(row.err); panicked != row.bad {
			t.Errorf("%s: panicked is %v, want %v", name, panicked, row.bad)
		}
	}
}

// ends runs f in a goroutine of its own, and reports whether f returned.
func ends(f func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		returned = true
	}()
	<-done
	return returned
}

func TestForeign_FinishDoesTheRestOfWhatEnds(t *testing.T) {
	var did []string
	say := func(s string) func() { return func() { did = append(did, s) } }
	if !ends(func() { Finish(say("a"), say("not")) }) {
		t.Error("the goroutine has ended")
	}
	if ends(func() { Finish(runtime.Goexit, say("rest")) }) {
		t.Error("the goroutine has not ended")
	}
	if !slices.Equal(did, []string{"a", "rest"}) {
		t.Errorf("did %v", did)
	}
}

func TestForeign_EachCallsAll(t *testing.T) {
	var did []string
	say := func(s string) func() { return func() { did = append(did, s) } }
	if ends(func() { Each(say("a"), runtime.Goexit, say("b"), runtime.Goexit, say("c")) }) {
		t.Error("the goroutine has not ended")
	}
	if !slices.Equal(did, []string{"a", "b", "c"}) {
		t.Errorf("did %v", did)
	}
}

func TestForeign_LoopGoesOnInAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		returned := ends(func() {
			Loop(func() bool {
				if n++; n == 2 || n == 3 {
					runtime.Goexit()
				}
				return n < 5
			})
		})
		synctest.Wait()
		if returned || n != 5 {
			t.Errorf("returned %v after %d steps, want false after 5", returned, n)
		}
	})
}

func TestForeign_APanicPassesThrough(t *testing.T) {
	did := false
	v, panicked := Call(func() { Finish(func() { panic("no") }, func() { did = true }) })
	if v != "no" || !panicked || !did {
		t.Errorf("got %v, %v, and the rest was done: %v", v, panicked, did)
	}
}

func TestInsideFindsACallFarBelow(t *testing.T) {
	var deep func(n int) bool
	deep = func(n int) bool {
		if n == 0 {
			return Inside()
		}
		return deep(n - 1)
	}
	if deep(100) {
		t.Error("nothing was called by Call")
	}
	var inside bool
	Call(func() { inside = deep(100) })
	if !inside {
		t.Error("Call was not found")
	}
}
