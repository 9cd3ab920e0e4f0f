package memstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Truth implements engagement.Truths.
func (s *Store) Truth(ctx context.Context, post, viewer string) (engagement.Truth, error) {
	if err := s.begin(ctx); err != nil {
		return engagement.Truth{}, err
	}
	defer s.mu.Unlock()
	p, ok := s.posts[post]
	if !ok {
		return engagement.Truth{}, noPost()
	}
	return s.truthLocked(p, viewer), nil
}

func (s *Store) truthLocked(p engagement.Post, viewer string) engagement.Truth {
	t := engagement.Truth{Post: p}
	t.Comments, _ = s.commentsLocked(p.ID, 0, wire.MaxComments)
	if viewer != "" {
		t.Liked = s.marks[markKey{p.ID, viewer, engagement.Like}].On
		t.Saved = s.marks[markKey{p.ID, viewer, engagement.Save}].On
		keys := s.latest[latestKey{viewer, p.ID}]
		t.Contains = slices.Clone(keys[max(0, len(keys)-wire.MaxContains):])
	}
	return t
}

// commentsLocked returns the latest comments with a number below before (0: any).
func (s *Store) commentsLocked(post string, before int64, limit int) (list []engagement.Comment, more bool) {
	for _, c := range slices.Backward(s.comments[post]) {
		if c.Deleted || before != 0 && c.Number >= before {
			continue
		}
		if len(list) == limit {
			more = true
			break
		}
		list = append(list, c)
	}
	slices.Reverse(list)
	return list, more
}

// Posts implements engagement.Truths.
func (s *Store) Posts(ctx context.Context, viewer string, after wire.Cursor, limit int) (engagement.PostPage, error) {
	if err := s.begin(ctx); err != nil {
		return engagement.PostPage{}, err
	}
	defer s.mu.Unlock()
	newestFirst := func(a, b engagement.Post) int {
		return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), strings.Compare(b.ID, a.ID))
	}
	place := engagement.Post{CreatedAt: after.Order, ID: after.ID}
	var list []engagement.Post
	for _, p := range s.posts {
		if !p.Deleted && (after.IsZero() || newestFirst(p, place) > 0) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, newestFirst)
	page := engagement.PostPage{More: len(list) > limit, Position: s.position}
	for _, p := range list[:min(limit, len(list))] {
		if !page.Add(s.truthLocked(p, viewer)) {
			page.More = true
			break
		}
	}
	return page, nil
}

// Comments implements engagement.Truths.
func (s *Store) Comments(ctx context.Context, post string, before wire.Cursor, limit int) ([]engagement.Comment, bool, error) {
	if err := s.begin(ctx); err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	p, ok := s.posts[post]
	if !ok {
		return nil, false, noPost()
	}
	if p.Deleted {
		return nil, false, &engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}
	}
	list, more := s.commentsLocked(post, before.Order, limit)
	return list, more, nil
}

func noPost() error {
	return &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
}
