package client

import (
	"context"
	"errors"
	"strconv"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Feed is one page of the feed. Its posts are in the service.
type Feed struct {
	Posts []string // ids, newest first
	Next  string   // cursor of the following page; empty at the end
	After int64    // where Follow goes on from
}

// Load reads a page of the feed; an empty cursor is its beginning.
func (s *Service) Load(ctx context.Context, cursor string, limit int) (Feed, error) {
	path := "/v1/posts?limit=" + strconv.Itoa(limit)
	if cursor != "" {
		path += "&cursor=" + cursor // only letters, digits, - and _
	}
	page, err := read(ctx, s.transport, "GET", path, nil, wire.DecodePage)
	if err != nil {
		return Feed{}, err
	}
	f := Feed{Posts: make([]string, len(page.Posts)), Next: page.Next, After: page.After}
	for i, t := range page.Posts {
		f.Posts[i] = t.ID
		if err := s.receive(t); err != nil {
			return Feed{}, err
		}
	}
	return f, nil
}

// OlderComments reads the page of comments before a cursor, which is Post.Older or
// that of the page after it.
func (s *Service) OlderComments(ctx context.Context, post, cursor string) (wire.CommentPage, error) {
	return read(ctx, s.transport, "GET", "/v1/posts/"+post+"/comments?limit=50&cursor="+cursor, nil, wire.DecodeCommentPage)
}

// Refresh reads one post anew.
func (s *Service) Refresh(ctx context.Context, post string) error {
	t, err := read(ctx, s.transport, "GET", "/v1/posts/"+post, nil, wire.DecodeTruth)
	var r *Refusal
	if errors.As(err, &r) && r.Problem.Truth != nil {
		t, err = *r.Problem.Truth, nil // deleted, and since when
	}
	if err != nil {
		return err
	}
	return s.receive(t)
}

func (s *Service) receive(t wire.Truth) error {
	s.mu.Lock()
	s.known[t.ID] = true
	s.mu.Unlock()
	return s.posts.Receive(t.ID, truthOf(t))
}

func (s *Service) knownPosts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.known))
	for id := range s.known {
		ids = append(ids, id)
	}
	return ids
}
