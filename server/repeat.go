package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Bounds of the repeating of one operation.
const (
	mostAttempts = 6
	// firstPause is the pause before the second attempt, give or take a half; the pause
	// doubles after each attempt.
	firstPause = 10 * time.Millisecond
	// patience is the longest time for one attempt. It is longer than any timeout of a
	// statement, because an attempt that is cut off loses its connection.
	patience = 10 * time.Second
)

// repeat calls attempt, which lands the flight when it returns nil, until an attempt
// succeeds or further ones are of no use. Then repeat lands the flight with the error.
//
// Every attempt begins by checking the key. So repeat may try again after an attempt with
// unknown result.
func (k *Kit) repeat(ctx context.Context, f *flight, unknown bool, attempt func(ctx context.Context) error) {
	pause := firstPause
	for n := 1; ; n++ {
		if err := f.ctx.Err(); err != nil && !unknown {
			k.flights.land(f, Outcome{}, err)
			return
		}
		err := limited(ctx, attempt)
		if err == nil {
			return
		}
		gone := isGone(err)
		unknown = unknown || gone && !isNotBegun(err)
		if ctx.Err() != nil {
			k.flights.land(f, Outcome{}, final(errClosed(), unknown || !isNotBegun(err)))
			return
		}
		again := errors.Is(err, ErrAgain) || gone && unknown
		if !again || n == mostAttempts || wait(ctx, pause/2+rand.N(pause)) != nil {
			k.flights.land(f, Outcome{}, final(err, unknown))
			return
		}
		pause *= 2
	}
}

// limited makes one attempt, on a goroutine of its own: a function of the program may end
// the goroutine that calls it (runtime.Goexit, as testing.T.FailNow does).
func limited(ctx context.Context, attempt func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() { ended <- err }()
		err = guard(func() error { return attempt(ctx) })
	}()
	err := <-ended
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && !passes(err) {
		return fmt.Errorf("%w: it took longer than %v: %w", ErrUnavailable, patience, err)
	}
	return err
}

var errGoexit error = fault{errors.New("a function of the program ended its goroutine")}

// final returns the error that the caller of Apply gets. unknown: an attempt may have been
// committed.
func final(err error, unknown bool) error {
	if errors.Is(err, ErrAgain) {
		err = fmt.Errorf("%w: it is contended: %w", ErrUnavailable, err)
	}
	if unknown {
		err = fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return err
}
