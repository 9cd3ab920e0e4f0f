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

// Truth implements engagement.Truths.
func (s *Store) Truth(ctx context.Context, post, viewer string) (truth engagement.Truth, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		list, err := complete(ctx, m, viewer, post)
		if err == nil {
			truth = list[0]
		}
		return err
	})
	return truth, err
}

// complete returns the truths of the posts. One that never was is NotFound.
func complete(ctx context.Context, m server.Moment, viewer string, ids ...string) ([]engagement.Truth, error) {
	found, err := readShared(ctx, m, ids)
	if err != nil {
		return nil, err
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
	list := make([]engagement.Truth, len(ids))
	for i, id := range ids {
		s, there := found[id]
		if !there {
			return nil, &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
		}
		mine := server.Own{Entity: id, Viewer: viewer}
		s.Post.Version, s.Post.ChangedAt = rows[i].Version, rows[i].ChangedAt
		list[i] = engagement.Truth{
			Post: s.Post, Comments: s.Comments, Liked: marks[mine].Liked, Saved: marks[mine].Saved, Contains: contains[mine],
		}
	}
	return list, nil
}

// Posts implements engagement.Truths.
func (s *Store) Posts(ctx context.Context, viewer string, after wire.Cursor, limit int) (page engagement.PostPage, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		page.After = m.Position().String()
		query, args := selectOlder, []any{after.Order, after.ID, limit + 1}
		if after.IsZero() {
			query, args = selectNewest, []any{limit + 1}
		}
		var ids []string
		err := m.Query(ctx, func(scan server.Scan) error {
			post, err := scanPost(scan)
			ids = append(ids, post.ID)
			return err
		}, query, args...)
		if err != nil {
			return err
		}
		page.More = len(ids) > limit
		list, err := complete(ctx, m, viewer, ids[:min(limit, len(ids))]...)
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

// Comments implements engagement.Truths.
func (s *Store) Comments(ctx context.Context, post string, before wire.Cursor, limit int) (list []engagement.Comment, more bool, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		var p *engagement.Post
		err := m.Query(ctx, func(scan server.Scan) error {
			row, err := scanPost(scan)
			p = &row
			return err
		}, selectPost, post)
		switch {
		case err != nil:
			return err
		case p == nil:
			return &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
		case p.Deleted:
			return &engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}
		}
		list, more, err = comments(ctx, m, post, before.Order, limit)
		return err
	})
	return list, more, err
}
