package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/optimist-go/optimist/server"
)

const (
	// patience is the longest time for which the open transaction may hold a key or an
	// entity of a waiting claim.
	patience = time.Second
	// longPatience is the longest time for which the open transaction may keep any claim
	// waiting. The number of waiting claims does not matter: each gets its turn.
	longPatience = 5 * time.Second
	// statementTime is the longest time for one statement of the program: meanwhile no
	// other transaction can write.
	statementTime = 2 * time.Second
)

// writer owns the one connection that writes. The goroutine that has taken the turn uses
// it.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	statements *statements

	// turn holds one value when no transaction is open. The goroutine that has waited
	// longest gets it.
	turn chan struct{}
	// log belongs to the goroutine that has taken the turn.
	log log
	// quit is closed when the writer is closed.
	quit chan struct{}

	// troubled is true after the disk has refused a write; Ready resets it.
	troubled atomic.Bool

	// mu guards the fields below it.
	mu     sync.Mutex
	closed bool
	held   server.Claim   // the claim of the transaction begun last
	since  time.Time      // when it began
	active sync.WaitGroup // uses of the connection; grows only while closed is false
}

func newWriter(db *sql.DB, conn *sql.Conn) *writer {
	w := &writer{db: db, conn: conn, statements: newStatements(conn), turn: make(chan struct{}, 1), quit: make(chan struct{})}
	w.turn <- struct{}{}
	return w
}

// take waits for the turn. After it the caller must call give.
func (w *writer) take(ctx context.Context, claim server.Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.isClosed() {
		return errClosed()
	}
	look := time.NewTimer(patience)
	defer look.Stop()
	for {
		select {
		case <-w.turn:
			w.mu.Lock()
			w.held, w.since = claim, time.Now()
			w.mu.Unlock()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-w.quit:
			return errClosed()
		case <-look.C:
			if err := w.obstacle(claim); err != nil {
				return err
			}
			look.Reset(patience / 4)
		}
	}
}

// obstacle returns the reason why the claim must not wait longer for the open
// transaction.
func (w *writer) obstacle(claim server.Claim) error {
	w.mu.Lock()
	held, age := w.held, time.Since(w.since)
	w.mu.Unlock()
	if age < patience {
		return nil
	}
	for _, key := range claim.Keys {
		if slices.ContainsFunc(held.Keys, func(k server.Key) bool { return k.User == key.User && k.Key == key.Key }) {
			return fmt.Errorf("sqlite: the key %q: %w", key.Key, server.ErrBusy)
		}
	}
	for _, id := range claim.Entities {
		if slices.Contains(held.Entities, id) {
			return fmt.Errorf("sqlite: the entity %q is held by another transaction: %w", id, server.ErrAgain)
		}
	}
	if age >= longPatience {
		return fmt.Errorf("sqlite: another transaction has been writing for %v: %w", longPatience, server.ErrAgain)
	}
	return nil
}

func (w *writer) give() {
	w.mu.Lock()
	w.held, w.since = server.Claim{}, time.Now()
	w.mu.Unlock()
	w.turn <- struct{}{}
}

// use calls f, which may use the connection. The caller has taken the turn.
func (w *writer) use(f func() error) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed()
	}
	w.active.Add(1)
	w.mu.Unlock()
	defer w.active.Done()
	return f()
}

func (w *writer) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// begin opens a transaction. It first rolls back an earlier one that could not be rolled
// back before.
func (w *writer) begin() error {
	w.emptyLog()
	err := w.exec("BEGIN IMMEDIATE")
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_ERROR {
		if w.exec("ROLLBACK") == nil {
			return w.exec("BEGIN IMMEDIATE")
		}
	}
	return err
}

// undo rolls the transaction back. After some errors SQLite itself has done so already.
func (w *writer) undo() error {
	err := w.exec("ROLLBACK")
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_ERROR {
		return nil // no transaction is open
	}
	return err
}

// exec runs one of the kit's own statements, without a deadline: it is short, and
// interrupting a statement rolls back the whole transaction.
func (w *writer) exec(query string, args ...any) error {
	_, err := w.execCounting(context.Background(), query, args)
	return err
}

func (w *writer) execCounting(ctx context.Context, query string, args []any) (int64, error) {
	stmt, used, err := w.statements.get(ctx, query)
	if err != nil {
		return 0, err
	}
	defer used()
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w *writer) query(ctx context.Context, row func(server.Scan) error, query string, args []any) error {
	stmt, used, err := w.statements.get(ctx, query)
	if err != nil {
		return err
	}
	defer used()
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

// close waits for the running statement, rolls back the open transaction and closes the
// connection.
func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.quit)
	w.active.Wait()
	err := w.undo()
	return errors.Join(err, w.statements.close(), w.conn.Close(), w.db.Close())
}
