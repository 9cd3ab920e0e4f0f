package client

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Link is how the stream of truth stands.
type Link uint8

const (
	Connecting Link = iota
	Live
	Broken // and trying again
)

// longestSilence is after how long without a word a stream counts as dead; the
// server says something every 15 s.
const longestSilence = 40 * time.Second

// ErrOtherViewer ends Follow: the session now is somebody else's.
var ErrOtherViewer = errors.New("somebody else is signed in now")

// Follow takes truth as it changes, from a position that Load or an earlier Follow gave,
// until ctx ends. It comes back by itself when the stream breaks, and misses nothing.
// report, if not nil, is told how the stream stands. Truth as others see it is not taken:
// a session that has ended ends Follow with ErrSignedOut, another one with
// ErrOtherViewer. Follow returns the position that it has come to.
func (s *Service) Follow(ctx context.Context, after int64, report func(Link, error)) (int64, error) {
	if report == nil {
		report = func(Link, error) {}
	}
	f := &follower{service: s, after: after, report: report}
	report(Connecting, nil)
	for ctx.Err() == nil {
		if !pause(ctx, backoff(f.failures)) {
			break
		}
		err := f.stream(ctx)
		if ctx.Err() != nil {
			break
		}
		if f.ended != nil {
			return f.after, f.ended
		}
		f.failures++
		report(Broken, err)
	}
	return f.after, ctx.Err()
}

// follower is one Follow. It belongs to its goroutine; a Transport gives it one
// event at a time.
type follower struct {
	service *Service
	report  func(Link, error)

	after    int64 // everything up to here was taken
	failures int   // streams in a row that said nothing, or what could not be taken
	broken   bool
	ended    error // why there is nothing to come back for
}

// stream reads one connection, to its end or to the first event that cannot be taken:
// what comes behind that one is left, for the next stream tells it again.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(longestSilence, cancel)
	defer dead.Stop()
	heard := false
	var refused error
	err := f.service.transport.Stream(ctx, f.service.user, f.after, func(e Event) {
		if refused != nil {
			return
		}
		dead.Reset(longestSilence)
		heard = true
		if refused = f.take(ctx, e); refused != nil {
			cancel()
		}
	})
	f.broken = true
	if refused != nil {
		return refused
	}
	if heard {
		f.failures = 0
	}
	return err
}

func (f *follower) take(ctx context.Context, e Event) error {
	switch e.Name {
	case wire.EventHello, wire.EventReset:
		hello, err := wire.DecodeHello(e.Data)
		if err != nil {
			return err
		}
		if hello.Viewer != f.service.user {
			f.ended = ErrOtherViewer
			if hello.Viewer == "" {
				f.ended = ErrSignedOut
			}
			return f.ended
		}
		if e.Name == wire.EventReset {
			for _, id := range f.service.knownPosts() {
				if err := f.service.Refresh(ctx, id); err != nil {
					return err
				}
			}
		}
		f.after = hello.After
		if f.broken { // the server is there again: what waits for it need not wait longer
			f.broken = false
			f.service.manager.RetryNow()
		}
		f.report(Live, nil)
	case wire.EventTruth:
		t, err := wire.DecodeTruth(e.Data)
		if err != nil {
			return err
		}
		if err := f.service.receive(t); err != nil {
			return err
		}
	}
	if position, err := strconv.ParseInt(e.ID, 10, 64); err == nil {
		f.after = position
	}
	return nil
}

// pause waits; it reports whether ctx lasted.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
