package client

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// longestRead is the longest time for one read of a renewal.
const longestRead = 10 * time.Second

// renewal is the work after a reset: to read all posts anew that may have changed
// without an event of the stream. The pages of the feed are read first, as far as the
// program has loaded the feed, because they also contain new posts; then, one by one,
// the posts that were not on these pages. A post is read once even if the stream breaks
// meanwhile: the stream goes on from the position of the reset and tells all later
// changes.
//
// It belongs to the renewing goroutine of Follow.
type renewal struct {
	stale  map[string]bool // posts not read since the reset
	oldest int64           // pages are read back to this creation time of a post
	cursor string          // of the next page
	paged  bool            // no page is left to read
	next   time.Time       // no read begins before it
}

// doubt begins a renewal of everything.
func (s *Service) doubt() {
	s.refetch()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewal = &renewal{stale: make(map[string]bool), oldest: s.oldest}
	for id := range s.known {
		s.renewal.stale[id] = true
	}
}

// doubtful returns the unfinished renewal; nil: there is none.
func (s *Service) doubtful() *renewal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal
}

// finish forgets a renewal, unless another reset has replaced it.
func (s *Service) finish(r *renewal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewal == r {
		s.renewal = nil
	}
}

// renew works on the renewals of resets, until ctx ends.
func (f *follower) renew(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		r := f.service.doubtful()
		switch {
		case r == nil:
			select {
			case <-f.doubt:
			case <-ctx.Done():
			}
		case r.paged && len(r.stale) == 0:
			f.service.finish(r)
			f.tell(nil)
		case pause(ctx, time.Until(r.next)):
			err := r.step(ctx, f.service)
			if failures++; err == nil {
				failures = 0
			} else if ctx.Err() == nil {
				r.next = time.Now().Add(max(backoff(failures), retryAfter(err)))
				f.tell(err)
			}
		}
	}
}

// step makes one read.
func (r *renewal) step(ctx context.Context, s *Service) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(longestRead, cancel).Stop()
	if !r.paged {
		page, err := s.page(ctx, r.cursor, wire.MaxPage)
		if err == nil {
			r.read(page)
		}
		return err
	}
	for id := range r.stale {
		if err := s.Refresh(ctx, id); err != nil {
			return err
		}
		delete(r.stale, id)
		break
	}
	return nil
}

// read records which posts a page contained.
func (r *renewal) read(page wire.Page) {
	r.cursor = page.Next
	r.paged = page.Next == ""
	for _, t := range page.Posts {
		delete(r.stale, t.ID)
		if t.State != nil && t.State.CreatedAt < r.oldest {
			r.paged = true
		}
	}
}

// retryAfter returns the time for which the server asked not to be called.
func retryAfter(err error) time.Duration {
	var r *Refusal
	if errors.As(err, &r) {
		return time.Duration(r.Problem.RetryAfterMs) * time.Millisecond
	}
	return 0
}
