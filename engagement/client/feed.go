package client

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Feed is one page of the feed. Its posts are in the service.
type Feed struct {
	Posts []string // ids, newest first
	Next  string   // cursor of the following page; empty at the end
	After string   // position for Follow
}

// Load reads a page of the feed; an empty cursor means the first page.
func (s *Service) Load(ctx context.Context, cursor string, limit int) (Feed, error) {
	page, err := s.page(ctx, cursor, limit)
	if err != nil {
		return Feed{}, err
	}
	return s.loaded(page), nil
}

// loaded records how far the feed was read.
func (s *Service) loaded(page wire.Page) Feed {
	f := Feed{Posts: make([]string, len(page.Posts)), Next: page.Next, After: page.After}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range page.Posts {
		f.Posts[i] = t.ID
		if t.State != nil {
			s.oldest = min(s.oldest, t.State.CreatedAt)
		}
	}
	return f
}

// page reads a page of the feed and receives its posts.
func (s *Service) page(ctx context.Context, cursor string, limit int) (wire.Page, error) {
	page, err := read(ctx, s.transport, "GET", wire.Selection{}.Path(cursor, limit), nil, wire.DecodePage)
	if err != nil {
		return wire.Page{}, err
	}
	return page, s.receivePage(page)
}

func (s *Service) receivePage(page wire.Page) error {
	if err := s.meet(page.After); err != nil {
		return err
	}
	for _, t := range page.Posts {
		if err := s.receive(t, ""); err != nil {
			return err
		}
	}
	return nil
}

// Refresh reads one post anew. A post that the server does not have becomes
// absent.
func (s *Service) Refresh(ctx context.Context, post string) error {
	began := time.Now()
	t, err := read(ctx, s.transport, "GET", "/v1/posts/"+post, nil, wire.DecodeTruth)
	var r *Refusal
	switch {
	case err == nil:
	case errors.As(err, &r) && r.Problem.Truth != nil: // a deleted post has a truth with its version
		t = *r.Problem.Truth
	case r != nil && r.Problem.Type == wire.ProblemNotFound:
		s.know(post, false)
		gone := optimist.Gone[Post](0)
		gone.ReadAt = began
		s.tell(post, gone)
		err = s.posts.Receive(post, gone)
		s.tellOlder(post, &gone)
		return err
	default:
		return err
	}
	return s.receive(t, "")
}

// meet tells the library of the era that a position of the server is in. When it is a new
// one, the server was restored from a backup: the versions held count no more, and
// operations whose answers are still to come are sent again. The posts are read anew by the
// renewal that the stream's reset begins.
func (s *Service) meet(position string) error {
	if era := eraOf(position); era != 0 {
		return s.manager.NewEra(era)
	}
	return nil
}

// receive takes truth. What has changed in it has changed after a position; empty: of which
// nothing is known.
func (s *Service) receive(t wire.Truth, after string) error {
	s.know(t.ID, t.State != nil)
	truth := truthOf(t)
	truth.Position = s.places.between(max(s.posts.Truth(t.ID).Position, s.places.at(after)), t.Position)
	s.tell(t.ID, truth)
	err := s.posts.Receive(t.ID, truth)
	s.tellOlder(t.ID, &truth)
	return err
}

// know records whether a post exists: a renewal reads existing posts.
func (s *Service) know(post string, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there {
		s.known[post] = true
	} else {
		delete(s.known, post) // a deleted post stays deleted
	}
}
