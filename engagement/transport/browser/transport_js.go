package browser

import (
	"context"
	"errors"
	"strconv"
	"syscall/js"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Transport reaches the server from which the page came. The browser keeps the
// session's cookie. The zero value is ready for use.
type Transport struct{}

// RoundTrip implements [client.Transport].
func (Transport) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	abort := js.Global().Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { abort.Call("abort") })
	defer stop()

	headers := map[string]any{}
	if r.Body != nil {
		headers["Content-Type"] = "application/json"
	}
	if r.Key != "" {
		headers[wire.HeaderKey] = r.Key
	}
	init := map[string]any{
		"method": r.Method, "headers": headers, "credentials": "same-origin", "cache": "no-store", "signal": abort.Get("signal"),
	}
	if r.Body != nil {
		init["body"] = string(r.Body)
	}
	res, err := await(js.Global().Call("fetch", r.Path, init))
	if err != nil {
		return client.Response{}, silence(ctx, err)
	}
	body, err := await(res.Call("text"))
	if err != nil {
		return client.Response{}, silence(ctx, errors.New("the answer broke off: "+err.Error()))
	}
	a := client.Response{Status: res.Get("status").Int(), Body: []byte(body.String())}
	if v := res.Get("headers").Call("get", "Retry-After"); v.Type() == js.TypeString {
		if seconds, err := strconv.Atoi(v.String()); err == nil && seconds >= 0 {
			a.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
		}
	}
	return a, nil
}

// silence is the error of a request without an answer. A browser does not tell the
// reason; only when it has no network at all, the request cannot have left.
func silence(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !js.Global().Get("navigator").Get("onLine").Bool():
		return errors.Join(client.ErrUnreachable, err)
	}
	return err
}

// await waits for a promise. It must not be called from a js.Func, but from a
// goroutine of its own.
func await(promise js.Value) (js.Value, error) {
	type result struct {
		value js.Value
		err   error
	}
	done := make(chan result, 1)
	onValue := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{value: args[0]}
		return nil
	})
	defer onValue.Release()
	onError := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	defer onError.Release()
	promise.Call("then", onValue, onError)
	r := <-done
	return r.value, r.err
}
