package optimist

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// whileSent has one call under way, and runs inside in its Send.
func whileSent(t *testing.T, retry Retry, inside func(ctx context.Context, h *Handle)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := must(New(Options{}))(t)
		made := make(chan *Handle, 1)
		h := must(m.Execute(t.Context(), Update{
			Type: "like", Entity: "post:1",
			Apply: func() func() { return nil },
			Send: func(ctx context.Context) error {
				inside(ctx, <-made)
				return Fail(Permanent, errBusy)
			},
			Policy: Policy{Retry: retry, Cancel: EndCalls},
		}))(t)
		made <- h
		must(h.Wait(t.Context()))(t)
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// waiters counts the goroutines of package context that wait for a parent's end.
func waiters() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "context.(*cancelCtx).propagateCancel.func")
}

func TestFlight_DerivedContextsCostNoGoroutine(t *testing.T) {
	whileSent(t, Retry{}, func(ctx context.Context, h *Handle) {
		before := waiters()
		derived := make([]context.Context, 10)
		for i := range derived {
			var cancel context.CancelFunc
			derived[i], cancel = context.WithCancel(ctx)
			defer cancel()
		}
		synctest.Wait()
		equal(t, "goroutines", waiters()-before, 0)
		h.Cancel()
		for _, d := range derived {
			<-d.Done() // and they end with the call
			equal(t, "error", d.Err(), context.Canceled)
		}
	})
}

func TestFlight_AfterFuncRunsOnceAtTheEnd(t *testing.T) {
	for name, end := range map[string]struct {
		by  func(context.Context, *Handle)
		err error
	}{
		"cancelled": {func(_ context.Context, h *Handle) { h.Cancel() }, context.Canceled},
		"timeout":   {func(context.Context, *Handle) { time.Sleep(2 * time.Second) }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			whileSent(t, Retry{Timeout: time.Second}, func(ctx context.Context, h *Handle) {
				held, ran := make(chan struct{}), 0
				add := func() { <-held; ran++ } // who ends the context does not wait for it
				after := ctx.(interface{ AfterFunc(func()) func() bool }).AfterFunc
				stop, prevented := after(add), after(add)
				synctest.Wait()
				equal(t, "prevented", prevented(), true)
				equal(t, "prevented twice", prevented(), false)
				end.by(ctx, h)
				equal(t, "error", ctx.Err(), end.err)
				equal(t, "prevented after the end", stop(), false)
				close(held)
				synctest.Wait()
				equal(t, "runs", ran, 1)
				late := after(add)
				synctest.Wait()
				equal(t, "runs of one that comes late", ran, 2)
				equal(t, "prevented one that came late", late(), false)
			})
		})
	}
}

func TestFlight_AfterFuncAloneHearsTheDeadline(t *testing.T) {
	whileSent(t, Retry{Timeout: time.Second}, func(ctx context.Context, _ *Handle) {
		told := make(chan struct{})
		ctx.(interface{ AfterFunc(func()) func() bool }).AfterFunc(func() { close(told) })
		<-told // nobody has asked for Done
		equal(t, "error", ctx.Err(), context.DeadlineExceeded)
	})
}
