package sqlstore

import (
	"context"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server"
)

// at calls look with one moment of the database.
func (s *Store) at(ctx context.Context, look func(ctx context.Context, m server.Moment) error) error {
	return explain(s.kit.Read(ctx, look))
}

// Truth implements [engagement.Truths].
func (s *Store) Truth(ctx context.Context, post, viewer string) (truth engagement.Truth, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		found, err := readPosts(ctx, m, selectPost, post)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
		}
		list, err := complete(ctx, m, viewer, found)
		if err == nil {
			truth = list[0]
		}
		return err
	})
	return truth, err
}

// complete returns the truths of the posts as the viewer sees them.
func complete(ctx context.Context, m server.Moment, viewer string, posts []engagement.Post) ([]engagement.Truth, error) {
	found, err := withComments(ctx, m, posts)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(posts))
	for i, p := range posts {
		ids[i] = p.ID
	}
	rows, err := m.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	var marks map[server.Own]own
	var contains map[server.Own][]string
	if viewer != "" {
		if marks, err = readOwn(ctx, m, ids, []string{viewer}); err != nil {
			return nil, err
		}
		if contains, err = m.Contains(ctx, ids, []string{viewer}, wire.MaxContains); err != nil {
			return nil, err
		}
	}
	list := make([]engagement.Truth, len(posts))
	for i, post := range posts {
		mine := server.Own{Entity: post.ID, Viewer: viewer}
		post.Version, post.ChangedAt = rows[i].Version, rows[i].ChangedAt
		list[i] = engagement.Truth{
			Post: post, Comments: found[post.ID].Comments, Liked: marks[mine].Liked, Saved: marks[mine].Saved, Contains: contains[mine],
			Position: m.Position().String(),
		}
	}
	return list, nil
}

// Posts implements [engagement.Truths].
func (s *Store) Posts(ctx context.Context, viewer string, of wire.Selection, after wire.Cursor, limit int) (page engagement.PostPage, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		page.After = m.Position().String()
		query, args := pageOf(of, viewer, after, limit+1)
		posts, err := readPosts(ctx, m, query, args...)
		if err != nil {
			return err
		}
		if after.IsZero() {
			if page.Total, err = total(ctx, m, of, viewer); err != nil {
				return err
			}
		}
		page.More = len(posts) > limit
		list, err := complete(ctx, m, viewer, posts[:min(limit, len(posts))])
		if err != nil {
			return err
		}
		for _, truth := range list {
			if !page.Add(truth) {
				page.More = true
				break
			}
		}
		return nil
	})
	return page, err
}

// Comments implements [engagement.Truths].
func (s *Store) Comments(ctx context.Context, post string, before wire.Cursor, limit int) (page engagement.CommentPage, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		found, err := readPosts(ctx, m, selectPost, post)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
		case found[0].Deleted:
			return &engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}
		}
		rows, err := m.Entities(ctx, []string{post})
		if err != nil {
			return err
		}
		page.Version, page.Position = rows[0].Version, m.Position().String()
		page.Comments, page.More, err = comments(ctx, m, post, before.Order, limit)
		return err
	})
	return page, err
}
