package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Link is the state of the stream of truth.
type Link uint8

const (
	Connecting Link = iota
	Live
	Broken // and trying to reconnect
)

// longestSilence is the time without an event after which a stream counts as dead; the
// server sends a heartbeat every 15 s.
const longestSilence = 40 * time.Second

var errSilent = errors.New("the server says nothing any more")

// ErrOtherViewer ends [Service.Follow]: the session now belongs to another user.
var ErrOtherViewer = errors.New("somebody else is signed in now")

// Follow receives truth as it changes, from a position of [Service.Load] or of an earlier
// Follow, until ctx ends. If the position is empty, the stream begins at the position of the first page of a [Service.List]. It reconnects when the stream breaks, and misses no change:
// after a gap that the server cannot tell any more, Follow reads the posts anew. report,
// if not nil, is called with each change of the stream's state. Follow does not accept
// truth for another viewer: when the session has ended it returns [ErrSignedOut], and for
// the session of another user [ErrOtherViewer]. It also returns the position up to which
// truth was received. A Service has one Follow at a time.
func (s *Service) Follow(ctx context.Context, after string, report func(Link, error)) (string, error) {
	if report == nil {
		report = func(Link, error) {}
	}
	if after == "" {
		s.mu.Lock()
		after = s.from
		s.mu.Unlock()
	}
	f := &follower{service: s, after: after, report: report, doubt: make(chan struct{}, 1)}
	report(Connecting, nil)
	renewing, stop := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		f.renew(renewing)
	}()
	defer func() { stop(); <-renewed }()
	var err error
	for ctx.Err() == nil {
		if !pause(ctx, max(backoff(f.failures), retryAfter(err))) {
			break
		}
		err = f.stream(ctx)
		if ctx.Err() != nil {
			break
		}
		if f.ended != nil {
			return f.after, f.ended
		}
		f.failures++
		f.connect(false, err)
	}
	return f.after, ctx.Err()
}

// follower is one Follow. It belongs to Follow's goroutine, except for the fields that
// renew uses; the Transport delivers one event at a time.
type follower struct {
	service *Service
	doubt   chan struct{} // wakes renew

	after    string // everything up to here was taken
	failures int    // streams in a row without an acceptable event
	broken   bool
	ended    error // the reason not to reconnect

	// mu guards the field below it, and is held while reporting.
	mu        sync.Mutex
	connected bool // the stream has said hello
	report    func(Link, error)
}

// connect records whether the stream is connected, and reports it.
func (f *follower) connect(on bool, err error) {
	f.mu.Lock()
	f.connected = on
	f.mu.Unlock()
	f.tell(err)
}

// tell reports an error or, without one, that the stream is live if it is connected and
// no renewal is unfinished.
func (f *follower) tell(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.report(Broken, err)
	case f.connected && f.service.doubtful() == nil:
		f.report(Live, nil)
	}
}

// stream reads one connection to its end or to the first unacceptable event. It ignores
// the events after that one, because the next stream repeats them.
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
		if refused = f.take(e); refused != nil {
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
	if !dead.Stop() {
		return errSilent
	}
	return err
}

func (f *follower) take(e Event) error {
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
		if err := f.service.meet(hello.After); err != nil {
			return err
		}
		if e.Name == wire.EventReset {
			f.service.doubt()
			select {
			case f.doubt <- struct{}{}:
			default:
			}
		}
		f.after = hello.After
		if f.broken { // the server answers again: operations that wait to be retried need not wait longer
			f.broken = false
			f.service.manager.RetryNow()
		}
		f.connect(true, nil)
	case wire.EventTruth:
		t, err := wire.DecodeTruth(e.Data)
		if err != nil {
			return err
		}
		if err := f.service.receive(t, f.after); err != nil {
			return err
		}
	}
	if _, ok := wire.ParsePosition(e.ID); ok {
		f.after = e.ID
	}
	return nil
}

// pause waits for d, and reports whether ctx lasted that long.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
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
