package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// moment is one read transaction: all of its queries see the same state.
type moment struct {
	ctx  context.Context
	tx   *sql.Tx
	read statements
}

func (m moment) statement(query string) *sql.Stmt { return m.tx.StmtContext(m.ctx, m.read[query]) }

// at calls look with one moment of the database.
func (s *Store) at(ctx context.Context, look func(m moment) error) error {
	select {
	case <-s.writer.quit:
		return errClosed()
	default:
	}
	tx, err := s.reads.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() // nothing was written
	return explain(look(moment{ctx, tx, s.read}))
}

// Truth implements engagement.Truths.
func (s *Store) Truth(ctx context.Context, post, viewer string) (truth engagement.Truth, err error) {
	err = s.at(ctx, func(m moment) error {
		truth.Post, err = m.post(post)
		if err != nil {
			return err
		}
		return m.complete(&truth, viewer)
	})
	return truth, err
}

// Posts implements engagement.Truths.
func (s *Store) Posts(ctx context.Context, viewer string, after wire.Cursor, limit int) (page engagement.PostPage, err error) {
	err = s.at(ctx, func(m moment) error {
		var oldest int64
		if err := m.statement(selectFeedEnds).QueryRowContext(ctx).Scan(&oldest, &page.Position); err != nil {
			return err
		}
		posts, err := m.posts(after, limit+1)
		if err != nil {
			return err
		}
		page.More = len(posts) > limit
		for _, p := range posts[:min(limit, len(posts))] {
			truth := engagement.Truth{Post: p}
			if err := m.complete(&truth, viewer); err != nil {
				return err
			}
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
	err = s.at(ctx, func(m moment) error {
		p, err := m.post(post)
		if err != nil {
			return err
		}
		if p.Deleted {
			return &engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}
		}
		list, more, err = m.comments(post, before.Order, limit)
		return err
	})
	return list, more, err
}

func (m moment) post(id string) (engagement.Post, error) {
	p, err := scanPost(m.statement(selectPost).QueryRowContext(m.ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		return p, &engagement.Error{Code: engagement.NotFound, Message: "there is no such post"}
	}
	return p, err
}

func (m moment) posts(after wire.Cursor, limit int) ([]engagement.Post, error) {
	if after.IsZero() {
		return collect(scanPost)(m.statement(selectNewest).QueryContext(m.ctx, limit))
	}
	return collect(scanPost)(m.statement(selectOlder).QueryContext(m.ctx, after.Order, after.ID, limit))
}

// comments returns the latest comments with a number below before (0: any).
func (m moment) comments(post string, before int64, limit int) (list []engagement.Comment, more bool, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	list, err = collect(scanComment)(m.statement(selectComments).QueryContext(m.ctx, post, before, limit+1))
	if err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	slices.Reverse(list)
	return list, more, nil
}

// complete adds to truth.Post what belongs to it.
func (m moment) complete(truth *engagement.Truth, viewer string) (err error) {
	id := truth.Post.ID
	if truth.Post.Comments > 0 {
		if truth.Comments, _, err = m.comments(id, 0, wire.MaxComments); err != nil {
			return err
		}
	}
	if viewer == "" {
		return nil
	}
	kinds, err := collect(scanText)(m.statement(selectMarks).QueryContext(m.ctx, id, viewer))
	if err != nil {
		return err
	}
	truth.Liked = slices.Contains(kinds, string(engagement.Like))
	truth.Saved = slices.Contains(kinds, string(engagement.Save))
	truth.Contains, err = collect(scanText)(m.statement(selectKeys).QueryContext(m.ctx, viewer, id, wire.MaxContains))
	slices.Reverse(truth.Contains)
	return err
}
