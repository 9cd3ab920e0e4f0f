package sqlitestore

import (
	"context"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
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
	if err := s.writeForNothing(ctx); err != nil {
		return err
	}
	s.writer.troubled.Store(false)
	return nil
}

// writeForNothing writes a session that has ended long ago, larger than any request,
// and then forgets it. (In one transaction SQLite would not write its pages at all.)
func (s *Store) writeForNothing(ctx context.Context) error {
	const longAgo = 0
	if err := s.EndSession(ctx, engagement.NewID()+strings.Repeat(" ", wire.MaxBody), longAgo); err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, q queryer) (bool, error) {
		_, err := q.statement(forgetEnded).ExecContext(ctx, longAgo+1)
		return false, err
	})
}
