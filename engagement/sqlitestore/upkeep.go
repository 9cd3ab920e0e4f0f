package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/engagement"
)

// Position implements engagement.Feed.
func (s *Store) Position(ctx context.Context) (newest int64, err error) {
	err = s.at(ctx, func(m moment) error {
		var oldest int64
		return m.statement(selectFeedEnds).QueryRowContext(ctx).Scan(&oldest, &newest)
	})
	return newest, err
}

// Entries implements engagement.Feed. That every position up to the newest is
// there holds because SQLite has one writer at a time: positions are given out
// in the order of commits. It would not hold where writers overlap.
func (s *Store) Entries(ctx context.Context, after int64, limit int) (entries []engagement.FeedEntry, err error) {
	err = s.at(ctx, func(m moment) error {
		var oldest, newest int64
		if err := m.statement(selectFeedEnds).QueryRowContext(ctx).Scan(&oldest, &newest); err != nil {
			return err
		}
		if after < oldest || after > newest {
			return &engagement.Error{Code: engagement.FeedGap, Message: "this position is not known"}
		}
		entries, err = collect(scanEntry)(m.statement(selectFeed).QueryContext(ctx, after, limit))
		return err
	})
	return entries, err
}

// Secret implements engagement.Sessions.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) (secret []byte, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, q queryer) (bool, error) {
		if _, err := q.statement(insertSecret).ExecContext(ctx, name, fresh); err != nil {
			return false, err
		}
		return false, q.statement(selectSecret).QueryRowContext(ctx, name).Scan(&secret)
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}

// EndSession implements engagement.Sessions.
func (s *Store) EndSession(ctx context.Context, session string, until int64) error {
	return s.writer.do(ctx, func(ctx context.Context, q queryer) (bool, error) {
		_, err := q.statement(insertEnded).ExecContext(ctx, session, until)
		return false, err
	})
}

// SessionEnded implements engagement.Sessions.
func (s *Store) SessionEnded(ctx context.Context, session string) (ended bool, err error) {
	err = s.at(ctx, func(m moment) error {
		var found int
		err := m.statement(selectEnded).QueryRowContext(ctx, session).Scan(&found)
		ended = found > 0
		return err
	})
	return ended, err
}

// Forget implements engagement.Store.
func (s *Store) Forget(ctx context.Context, before int64) error {
	now := s.now().UnixMilli()
	return s.writer.do(ctx, func(ctx context.Context, q queryer) (bool, error) {
		for _, step := range []struct {
			query string
			time  int64
		}{{forgetRecords, before}, {forgetChanges, before}, {forgetEnded, now}} {
			if _, err := q.statement(step.query).ExecContext(ctx, step.time); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}

// Audit implements engagement.Store.
func (s *Store) Audit(ctx context.Context) error {
	return s.at(ctx, func(m moment) error {
		var id string
		var counted, there [3]int
		err := m.statement(selectMiscount).QueryRowContext(ctx).
			Scan(&id, &counted[0], &counted[1], &counted[2], &there[0], &there[1], &there[2])
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("sqlitestore: post %s counts likes, saves, comments %v, there are %v", id, counted, there)
	})
}
