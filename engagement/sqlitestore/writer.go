package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/optimist-go/optimist/engagement"
)

// Bounds of the writer. The queue is what may wait; more make their callers wait.
const (
	longestGroup = 64
	longestQueue = 1024
)

// A request is one unit of writing: all of it is committed, or nothing.
type request struct {
	// ctx is looked at once, before the request begins.
	ctx context.Context

	// run does the work. It is called once at most, on the writer's goroutine.
	// grew says that it added to the change feed.
	run func(ctx context.Context, q queryer) (grew bool, err error)

	// done gets the one result; it has room for it.
	done chan error
}

// writer owns the one connection that writes.
type writer struct {
	db       *sql.DB
	wake     func() // called after a commit that added to the feed
	requests chan request

	quit    chan struct{} // closed to end the goroutine
	stopped chan struct{} // closed by the goroutine when it has ended

	// troubled is true when the disk has refused something; Ready sets it back.
	troubled atomic.Bool

	// The goroutine's own.
	conn     *sql.Conn
	prepared statements

	// closing guards the fields below it.
	closing sync.Mutex
	started bool
	closed  bool
}

func newWriter(db *sql.DB, wake func()) *writer {
	db.SetMaxOpenConns(1)
	return &writer{
		db:       db,
		wake:     wake,
		requests: make(chan request, longestQueue),
		quit:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
}

func (w *writer) start(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = conn
	if w.prepared, err = prepare(ctx, conn, writeSQL); err != nil {
		return err
	}
	w.closing.Lock()
	w.started = true
	w.closing.Unlock()
	go w.loop()
	return nil
}

// close ends the goroutine after the group in hand and closes the statements, which
// do not close with their connection, and the connection.
func (w *writer) close() error {
	w.closing.Lock()
	started, closed := w.started, w.closed
	w.closed = true
	w.closing.Unlock()
	if closed {
		return nil
	}
	close(w.quit)
	if started {
		<-w.stopped
	}
	var errs []error
	for _, stmt := range w.prepared { // or they would keep the connection, and with it the -wal file
		errs = append(errs, stmt.Close())
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

func errClosed() error {
	return &engagement.Error{Code: engagement.Unavailable, Message: "the store is closed"}
}

// do carries out run in a transaction and returns when it is on disk. When ctx
// ends first, do returns its error and run may still be carried out.
func (w *writer) do(ctx context.Context, run func(context.Context, queryer) (bool, error)) error {
	r := request{ctx: ctx, run: run, done: make(chan error, 1)}
	select {
	case <-w.quit:
		return errClosed()
	default:
	}
	select {
	case w.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
	}
	select {
	case err := <-r.done: // it was in the last group
		return err
	default:
		return errClosed() // it was never begun
	}
}

func (w *writer) loop() {
	defer close(w.stopped)
	group := make([]request, 0, longestGroup)
	for {
		select {
		case <-w.quit:
			return
		case r := <-w.requests:
			group = append(group[:0], r)
		}
	gather:
		for len(group) < longestGroup {
			select {
			case r := <-w.requests:
				group = append(group, r)
			default:
				break gather
			}
		}
		w.commit(group)
		clear(group)
	}
}

// commit carries out the group in one transaction and answers each request.
func (w *writer) commit(group []request) {
	results := make([]error, len(group))
	grew, err := w.transact(group, results)
	for i, r := range group {
		result := results[i]
		if result == nil {
			result = err
		}
		result = explain(result)
		if isTrouble(result) {
			w.troubled.Store(true)
		}
		r.done <- result
	}
	if grew && err == nil {
		w.wake()
	}
}

// transact fills results with what went wrong in each request, and returns what
// went wrong with all of them. The statements run without a deadline: a caller
// who goes away must not break the transaction of the others.
func (w *writer) transact(group []request, results []error) (grew bool, err error) {
	ctx := context.Background()
	if err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	for i, r := range group {
		added, failed, err := w.runOne(ctx, r)
		if err != nil {
			return false, errors.Join(err, unlessUndone(w.exec(ctx, "ROLLBACK")))
		}
		results[i] = failed
		grew = grew || added
	}
	if err := w.exec(ctx, "COMMIT"); err != nil {
		return false, errors.Join(err, unlessUndone(w.exec(ctx, "ROLLBACK")))
	}
	return grew, nil
}

// runOne carries out one request. failed is its own error, with which it has left
// nothing; err means that the transaction is broken, as SQLite itself undoes all of
// it after some errors of the disk.
func (w *writer) runOne(ctx context.Context, r request) (grew bool, failed, err error) {
	if err := r.ctx.Err(); err != nil {
		return false, err, nil
	}
	if err := w.exec(ctx, "SAVEPOINT request"); err != nil {
		return false, nil, err
	}
	if grew, failed = r.run(ctx, w); failed != nil {
		grew = false
		if err := w.exec(ctx, "ROLLBACK TO request"); err != nil {
			return false, nil, errors.Join(failed, unlessUndone(err))
		}
	}
	return grew, failed, w.exec(ctx, "RELEASE request")
}

// unlessUndone drops the error of a rollback which says that nothing is left to roll back,
// because SQLite has done so by itself. Beside the reason in the log it would mislead.
func unlessUndone(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_ERROR {
		return nil
	}
	return err
}

func (w *writer) exec(ctx context.Context, query string) error {
	if _, err := w.conn.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("sqlitestore: %s: %w", query, err)
	}
	return nil
}

func (w *writer) statement(query string) *sql.Stmt { return w.prepared[query] }
