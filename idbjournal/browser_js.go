package idbjournal

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// waiter waits for the first of some events of an object.
type waiter struct {
	target js.Value
	came   chan string
	funcs  map[string]js.Func
}

func newWaiter(target js.Value, events ...string) *waiter {
	w := &waiter{target, make(chan string, 1), make(map[string]js.Func)}
	for _, event := range events {
		f := js.FuncOf(func(js.Value, []js.Value) any {
			select {
			case w.came <- event:
			default:
			}
			return nil
		})
		w.funcs[event] = f
		target.Set("on"+event, f)
	}
	return w
}

func (w *waiter) wait(ctx context.Context) (event string, err error) {
	select {
	case event = <-w.came:
		return event, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// release removes the listeners and releases the browser's references.
func (w *waiter) release() {
	for event, f := range w.funcs {
		w.target.Set("on"+event, js.Null())
		f.Release()
	}
}

// lock is a Web Lock that is held.
type lock struct {
	resolve  js.Value // of the promise for which it is held
	released chan struct{}
	funcs    []js.Func
}

// letGo gives the lock up, without waiting for the browser.
func (l *lock) letGo() { l.resolve.Invoke() }

func (l *lock) release() {
	l.letGo()
	<-l.released
	for _, f := range l.funcs {
		f.Release()
	}
}

// own takes a Web Lock. When another page has the lock, own fails at once, or
// waits.
func own(ctx context.Context, name string, wait bool) (*lock, error) {
	locks := js.Global().Get("navigator").Get("locks")
	if !locks.Truthy() {
		return nil, errorf.New("%w: the browser has no Web Locks, which need https or localhost", ErrUnavailable)
	}
	// The lock is held until the promise that the callback returns is resolved.
	var resolve js.Value
	hold := js.FuncOf(func(_ js.Value, args []js.Value) any { resolve = args[0]; return nil })
	promise := js.Global().Get("Promise").New(hold)
	hold.Release()

	granted := make(chan bool, 1)
	refused := make(chan error, 1)
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			granted <- false
			return nil
		}
		granted <- true
		return promise
	})
	failed := js.FuncOf(func(_ js.Value, args []js.Value) any {
		refused <- reason(args[0])
		return nil
	})
	options := map[string]any{"mode": "exclusive", "ifAvailable": true}
	leave := func() {}
	if wait {
		abort := js.Global().Get("AbortController").New()
		options = map[string]any{"mode": "exclusive", "signal": abort.Get("signal")}
		leave = func() { abort.Call("abort") }
	}
	request, err := try(func() js.Value { return locks.Call("request", name, options, callback) })
	if err != nil {
		return nil, err
	}
	released := make(chan struct{})
	settled := js.FuncOf(func(js.Value, []js.Value) any {
		close(released)
		return nil
	})
	request.Call("catch", failed).Call("then", settled)
	select {
	case ok := <-granted:
		callback.Release() // called once
		if !ok {
			return nil, errorf.New("%w: another tab has it open", journal.ErrOwned)
		}
		return &lock{resolve, released, []js.Func{failed, settled}}, nil
	case err := <-refused:
		return nil, err
	case <-ctx.Done():
		resolve.Invoke() // if the lock is granted after all, it is given back at once
		leave()
		return nil, ctx.Err()
	}
}

// try turns an exception into an error.
func try(f func() js.Value) (v js.Value, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err = reason(r.Value)
		default:
			panic(r)
		}
	}()
	return f(), nil
}

// reason turns a DOMException into an error of this package.
func reason(e js.Value) error {
	if !e.Truthy() {
		return errorf.New("%w: the browser gave no reason", journal.ErrFailed)
	}
	name, message := e.Get("name").String(), e.Get("message").String()
	switch name {
	case "QuotaExceededError":
		return errorf.New("%w: %s", ErrQuota, message)
	case "SecurityError", "NotSupportedError", "InvalidAccessError":
		return errorf.New("%w: %s: %s", ErrUnavailable, name, message)
	case "VersionError":
		return errorf.New("%w: it was written by another version of this package", ErrUnavailable)
	}
	return errorf.New("%w: %s: %s", journal.ErrFailed, name, message)
}

func isRefused(err error) bool { return errors.Is(err, journal.ErrRefused) }
