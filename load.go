package optimist

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/latch"
	"github.com/optimist-go/optimist/internal/policy"
)

// Load calls load until it succeeds, with the patience that Policy.Retry of Options gives
// operations: Max, Base, Cap, Jitter, Timeout of each try, Deadline and Next. It is for reads of
// more than one entity, such as the pages of a list. The error of a load is classified as that
// of a Send.
//
// Permanent, Conflicting and Unauthenticated end it at once. Offline costs no try. While
// sending is paused load is not called; it goes on when sending does, and [Manager.RetryNow]
// ends its waits. The error is that of the last try, that of ctx, or ErrClosed once the manager
// is. Load calls load in the goroutine of its caller, without any lock.
func (a *Attached) Load(ctx context.Context, load func(context.Context) error) error {
	return a.s.m.load(ctx, load)
}

func (m *Manager) load(ctx context.Context, load func(context.Context) error) error {
	switch {
	case ctx == nil:
		return errNoContext
	case load == nil:
		return errorf.New("%w: Load needs a function", ErrInvalid)
	}
	retry := m.policy.Retry
	if retry.Deadline > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, retry.Deadline)
		defer stop()
	}
	for tries := new(policy.Tries); ; {
		rung, err := m.awaitSending(ctx)
		if err != nil {
			return err
		}
		j, err := m.loadOnce(ctx, load, retry.Timeout)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		again, wait, next := tries.Failed(&retry, engine.Class(j.class), j.retryAfter, rand.Uint64())
		if next {
			m.contained(Event{}, "retry", func() { wait, again = retry.Next(tries.Counted, err) })
		}
		if !again {
			return err
		}
		if err := pause(ctx, wait, rung); err != nil {
			return err
		}
	}
}

// loadOnce makes one try.
func (m *Manager) loadOnce(ctx context.Context, load func(context.Context) error, timeout time.Duration) (j judged, err error) {
	if timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, timeout)
		defer stop()
	}
	if p := m.contained(Event{}, "load", func() { err = sound("load", load(ctx)) }); p != nil {
		return guess(ctx), p
	}
	if err == nil {
		return judged{}, nil
	}
	return classify(ctx, err), err
}

// pause waits, at most until the bell rings.
func pause(ctx context.Context, wait time.Duration, rung <-chan struct{}) error {
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-rung:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// loads are those that wait. The Manager's lock guards it.
type loads struct {
	bell   latch.Signal
	paused bool // sending was paused when it was looked at last
}

// awaitSending waits until sending is open. The channel is closed when that begins anew, and
// at the end of the manager.
func (m *Manager) awaitSending(ctx context.Context) (rung <-chan struct{}, err error) {
	for {
		if err := m.lock(); err != nil {
			return nil, err
		}
		if err := m.pastLocked(halted); err != nil {
			m.mu.Unlock()
			return nil, err
		}
		m.loads.paused = !m.engine.Sending()
		rung, paused := m.loads.bell.Await(), m.loads.paused
		m.mu.Unlock()
		if !paused {
			return rung, nil
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// moveLocked rings after a step that has opened sending.
func (l *loads) moveLocked(sending bool) {
	if l.paused && sending {
		l.bell.Give()
	}
	l.paused = !sending
}
