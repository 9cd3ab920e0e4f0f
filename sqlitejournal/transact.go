package sqlitejournal

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// commitError says that a commit failed in a way that leaves its outcome unknown.
type commitError struct{ err error }

func (e *commitError) Error() string { return "commit: " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// transact runs do in a transaction that takes the write lock at its beginning. If it
// returns an error other than a *commitError, nothing was changed.
//
// It says BEGIN and COMMIT itself because sql.Tx begins without the write lock, and
// gives a connection back to the pool inside a transaction whose commit failed.
func (j *Journal) transact(do func(ctx context.Context, conn *sql.Conn) error) error {
	ctx := context.Background()
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err = do(ctx, conn); err == nil {
		if _, err = conn.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
		if _, undone := conn.ExecContext(ctx, "ROLLBACK"); undone == nil {
			return err // the transaction was still open, and is rolled back now
		}
		discard(conn)
		return &commitError{err}
	}
	// SQLite may have rolled back by itself, on a full disk for instance. Then this
	// ROLLBACK fails although the connection is sound; it is discarded all the same.
	if _, undone := conn.ExecContext(ctx, "ROLLBACK"); undone != nil {
		discard(conn)
	}
	return err
}

// discard takes the connection out of the pool. Closing it rolls back an open
// transaction.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
