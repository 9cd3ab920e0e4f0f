package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/optimist-go/optimist/engagement"
)

// Apply implements engagement.Operations.
func (s *Store) Apply(ctx context.Context, op engagement.Operation) (engagement.Applied, error) {
	now := s.now().UnixMilli()
	if err := op.Validate(); err != nil {
		return engagement.Applied{}, err
	}
	var applied engagement.Applied
	err := s.writer.do(ctx, func(ctx context.Context, q queryer) (grew bool, err error) {
		applied, grew, err = apply(ctx, q, op, now)
		return grew, err
	})
	if err != nil {
		return engagement.Applied{}, err
	}
	return applied, nil
}

func apply(ctx context.Context, q queryer, op engagement.Operation, now int64) (applied engagement.Applied, grew bool, err error) {
	applied, known, err := findRecord(ctx, q, op)
	if err != nil || known {
		return applied, false, err
	}
	held, err := findHeld(ctx, q, op)
	if err != nil {
		return applied, false, err
	}
	effect, err := op.Decide(held, now)
	if err != nil {
		return applied, false, err
	}
	applied = engagement.Applied{Already: effect.Already}
	if post := currentPost(effect.Post, held.Post); post != nil {
		applied.Version = post.Version
	}
	if err := writeEffect(ctx, q, op, effect, now); err != nil {
		return applied, false, err
	}
	_, err = q.statement(insertRecord).ExecContext(ctx,
		op.User, op.Key, op.Post, op.Fingerprint(), applied.Already, int64(applied.Version), now)
	return applied, effect.Post != nil, err
}

// currentPost returns the new record of the post or, when it did not change, the held one.
func currentPost(written, held *engagement.Post) *engagement.Post {
	if written != nil {
		return written
	}
	return held
}

// findRecord looks whether the operation was applied before.
func findRecord(ctx context.Context, q queryer, op engagement.Operation) (applied engagement.Applied, known bool, err error) {
	var fingerprint string
	var version int64
	err = q.statement(selectRecord).QueryRowContext(ctx, op.User, op.Key).Scan(&fingerprint, &applied.Already, &version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return applied, false, nil
	case err != nil:
		return applied, false, err
	case fingerprint != op.Fingerprint():
		return applied, false, &engagement.Error{Code: engagement.KeyReused, Message: "this key belongs to another operation"}
	}
	applied.Replayed, applied.Version = true, uint64(version)
	return applied, true, nil
}

func findHeld(ctx context.Context, q queryer, op engagement.Operation) (engagement.Held, error) {
	var held engagement.Held
	post, err := scanPost(q.statement(selectPost).QueryRowContext(ctx, op.Post))
	if errors.Is(err, sql.ErrNoRows) {
		return held, nil
	}
	if err != nil {
		return held, err
	}
	held.Post = &post
	if kind, _, ok := op.Mark(); ok {
		err := q.statement(selectMark).QueryRowContext(ctx, op.Post, op.User, string(kind)).
			Scan(&held.Mark.On, &held.Mark.Stamp.At, &held.Mark.Stamp.Client)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return held, err
		}
	}
	if op.Comment != "" {
		comment, err := scanComment(q.statement(selectComment).QueryRowContext(ctx, op.Post, op.Comment))
		if err == nil {
			held.Comment = &comment
		} else if !errors.Is(err, sql.ErrNoRows) {
			return held, err
		}
	}
	return held, nil
}

func writeEffect(ctx context.Context, q queryer, op engagement.Operation, effect engagement.Effect, now int64) error {
	if post := effect.Post; post != nil {
		if err := writePost(ctx, q, *post, now); err != nil {
			return err
		}
	}
	if mark := effect.Mark; mark != nil {
		kind, _, _ := op.Mark()
		if _, err := q.statement(upsertMark).ExecContext(ctx,
			op.Post, op.User, string(kind), mark.On, int64(mark.Stamp.At), mark.Stamp.Client); err != nil {
			return err
		}
	}
	if c := effect.Comment; c != nil {
		if _, err := q.statement(upsertComment).ExecContext(ctx, c.PostID, c.ID, c.Author, c.Text,
			c.Number, c.CreatedAt, c.EditedAt, int64(c.Stamp.At), c.Stamp.Client, c.Deleted); err != nil {
			return err
		}
	}
	return nil
}

// writePost is the only writer of posts, so that each change of one is in the feed.
func writePost(ctx context.Context, q queryer, p engagement.Post, now int64) error {
	if _, err := q.statement(upsertPost).ExecContext(ctx, p.ID, p.Author, p.Text, p.CreatedAt, p.Likes, p.Saves,
		p.Comments, p.CommentsMade, int64(p.Version), p.ChangedAt, int64(p.Revised), p.Deleted); err != nil {
		return err
	}
	if p.Deleted {
		for _, forget := range []string{deleteMarks, deleteComments} {
			if _, err := q.statement(forget).ExecContext(ctx, p.ID); err != nil {
				return err
			}
		}
	}
	_, err := q.statement(insertChange).ExecContext(ctx, p.ID, int64(p.Version), now)
	return err
}
