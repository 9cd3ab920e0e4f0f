package optimist

import (
	"github.com/optimist-go/optimist/internal/foreign"

	"github.com/optimist-go/optimist/event"
)

// A fault of a function of the program stays its own.

// contain runs a function of the program; a panic becomes an error. Twenty copies of it
// would add 1 KB to a page.
//
//go:noinline
func contain(in string, f func()) error {
	if value, panicked := foreign.Call(f); panicked {
		return &PanicError{In: in, Value: value}
	}
	return nil
}

// contained runs a function of the program outside the lock. A panic in it is told by
// the event, and so is the end of its goroutine (runtime.Goexit, as t.FailNow does it),
// which takes the caller along.
func (m *Manager) contained(ev Event, in string, f func()) (err error) {
	tell := func() {
		if err != nil {
			ev.Kind, ev.Err = event.CallbackPanicked, err
			m.report(ev)
		}
	}
	foreign.Finish(func() { err = contain(in, f) }, func() {
		err = &PanicError{In: in, Value: foreign.ErrEnded}
		tell()
	})
	tell()
	return err
}

// sound is an error of the program if it can be used, else the panic of asking it. Every
// error that comes in passes here, because it is looked at under the Manager's lock and in
// the Manager's goroutines later.
func sound(in string, err error) error {
	if err == nil {
		return nil
	}
	if value, panicked := foreign.Sound(err); panicked {
		return &PanicError{In: "the error of " + in, Value: value}
	}
	return err
}
