// Package stuck waits for functions that are not ours, though not for one that runs on: that may
// wait for the very call that waits for it.
package stuck

import (
	"context"
	"time"
)

// Watch returns a function that names a function which has run since it was called last, or since
// Watch was. running tells the places where one runs, each with a number that grows when another
// one begins there. Neither is generic: names of instances make a page larger.
func Watch(running func(tell func(place any, begun uint64)), name func(place any) string) (look func() string) {
	var before map[any]uint64
	look = func() (stuck string) {
		now := make(map[any]uint64)
		running(func(place any, begun uint64) {
			now[place] = begun
			if was, ok := before[place]; ok && was == begun {
				stuck = name(place)
			}
		})
		before = now
		return stuck
	}
	look()
	return look
}

// Await waits until done is closed, and returns the error of ctx if that ends before. Each time
// that patience is over it calls look, which may be nil, and gives up with the error that look
// returns.
func Await(ctx context.Context, done <-chan struct{}, patience time.Duration, look func() error) error {
	select {
	case <-done:
		return nil
	default:
	}
	var over <-chan time.Time
	if look != nil {
		timer := time.NewTicker(patience)
		defer timer.Stop()
		over = timer.C
	}
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
		}
		if err := look(); err != nil {
			return err
		}
	}
}
