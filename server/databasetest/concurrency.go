package databasetest

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// pause gives other goroutines time to block. If it is too short, a test sees fewer
// orders and does not fail.
func pause(tb testing.TB) {
	tb.Helper()
	time.Sleep(50 * time.Millisecond)
}

// each calls f for the numbers below n at the same time, and fails the test with the
// errors that it returns.
func each(tb testing.TB, n int, f func(n int) error) {
	tb.Helper()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
}

// eventually waits for a value of the channel, at most patience.
func eventually[T any](tb testing.TB, what string, c <-chan T) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		tb.Fatalf("%s: nothing came", what)
		panic("not reached")
	}
}
