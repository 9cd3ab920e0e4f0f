package sqlitestore

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/optimist-go/optimist/engagement"
)

// explain says of errors that are the disk's that they may pass: it gives them the
// code Unavailable. All others stay what they are.
func explain(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff { // what is above says which call it was
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN:
		return &engagement.Error{Code: engagement.Unavailable, Message: "the server's disk does not take or give anything now", Cause: err}
	}
	return err
}

// isTrouble reports whether an explained error is the disk's.
func isTrouble(err error) bool {
	_, ok := errors.AsType[*sqlite.Error](err)
	return ok && engagement.ErrorCode(err) == engagement.Unavailable
}

// Ready implements engagement.Store. When the disk has refused a commit, one has to
// work again before Ready is content.
func (s *Store) Ready(ctx context.Context) error {
	if _, err := s.Position(ctx); err != nil {
		return err
	}
	if !s.writer.troubled.Load() {
		return nil
	}
	err := s.writer.do(ctx, func(ctx context.Context, q queryer) (bool, error) {
		// A row that comes and goes: pages are written, and nothing has changed.
		if _, err := q.statement(insertEnded).ExecContext(ctx, "", 0); err != nil {
			return false, err
		}
		_, err := q.statement(forgetEnded).ExecContext(ctx, 1)
		return false, err
	})
	if err == nil {
		s.writer.troubled.Store(false)
	}
	return err
}
