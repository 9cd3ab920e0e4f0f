package optimist

import "errors"

// What a function of the program does badly stays its own.

// contain runs a function of the program; a panic becomes an error.
func contain(in string, f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{In: in, Value: r}
		}
	}()
	f()
	return nil
}

// contained runs a function of the program outside the lock. A panic in it is told by
// the event, and so is the end of its goroutine (runtime.Goexit, as t.FailNow does it),
// which takes the caller along.
func (m *Manager) contained(ev Event, in string, f func()) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = &PanicError{In: in, Value: errGoexit}
		}
		if err != nil {
			ev.Kind, ev.Err = CallbackPanicked, err
			m.report(ev)
		}
	}()
	err = contain(in, f)
	returned = true
	return err
}

var errGoexit = errors.New("runtime.Goexit was called")

// each calls all in turn, also those after one that ends the goroutine.
func each(calls ...func()) {
	if len(calls) == 0 {
		return
	}
	defer each(calls[1:]...)
	calls[0]()
}

// sound is an error of the program if it can be used: asking it for its text and for
// what it wraps calls the program, and may panic as a nil pointer of an error type does.
// Else it is that panic. Every error that comes in passes here, because it is looked at
// under the Manager's lock and in the Manager's goroutines later.
func sound(in string, err error) (same error) {
	if err == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			same = &PanicError{In: "the error of " + in, Value: r}
		}
	}()
	_ = err.Error()
	var none *unasked
	_ = errors.Is(err, errUnasked) || errors.As(err, &none)
	return err
}

// unasked is an error that nobody wraps, so that all of a chain is asked for it.
type unasked struct{}

func (*unasked) Error() string { return "" }

var errUnasked error = &unasked{}
