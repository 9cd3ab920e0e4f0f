// Package foreign calls functions that are not ours. They may panic, end their goroutine
// (runtime.Goexit, as t.FailNow does it), or return an error that panics when it is asked.
//
// [Call] and [Sound] turn a panic into a value; [Inside] finds a Call among the callers. [Finish], [Each] and [Loop] see to it that
// the remaining calls are made although a goroutine ends. None of them knows a lock or starts
// a goroutine, except Loop, after one has ended. A panic passes through all but Call and
// Sound.
package foreign

import (
	"errors"
	"reflect"
	"runtime"
)

// ErrEnded says of a function that it ended its goroutine.
var ErrEnded = errors.New("runtime.Goexit was called")

// Call calls f. It returns the value that f panicked with, and whether it did.
func Call(f func()) (value any, panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			value, panicked = r, true
		}
	}()
	f()
	return nil, false
}

// Inside reports whether the caller was called by a function that Call has called: a call that
// waits for such functions would wait for itself there. It looks at the stack, which is slow.
func Inside() bool {
	entry := reflect.ValueOf(Call).Pointer()
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); f.Entry == entry {
				return true
			}
		}
	}
}

// Sound reports whether an error can be used: asking it for its text and for the errors
// that it wraps calls functions that are not ours, and may panic as a nil pointer of an
// error type does. It returns the value of such a panic, and whether there was one.
func Sound(err error) (value any, panicked bool) {
	return Call(func() {
		_ = err.Error()
		var none *unasked
		_ = errors.Is(err, errUnasked) || errors.As(err, &none)
	})
}

// unasked is an error that nobody wraps, so that all of a chain is asked for it.
type unasked struct{}

func (*unasked) Error() string { return "" }

var errUnasked error = &unasked{}

// Finish calls f. When f does not return, it calls rest, on the way out of the goroutine.
func Finish(f, rest func()) {
	returned := false
	defer func() {
		if !returned {
			rest()
		}
	}()
	f()
	returned = true
}

// Each calls all in turn, also those after one that ends the goroutine.
func Each(calls ...func()) {
	if len(calls) == 0 {
		return
	}
	defer Each(calls[1:]...)
	calls[0]()
}

// Loop calls step until it reports that there is no more to do. When step ends the
// goroutine, the rest is done in another one; so step keeps outside of itself how far it
// has come.
func Loop(step func() (more bool)) {
	Finish(func() {
		for step() {
		}
	}, func() { go Loop(step) })
}
