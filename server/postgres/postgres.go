// Package postgres implements [server.Database] with PostgreSQL, from version 13 on. Any
// number of processes may share one database.
//
// # Guarantees
//
//   - A group of decided operations of any size takes two round trips; an operation of
//     [server.Run] takes two besides the statements of its function.
//   - Positions of the feed are given under the lock of a counter row, as the last thing
//     before the commit, and so become visible in their order. A transaction that is open
//     elsewhere in the cluster delays nobody.
//   - Without the database calls fail within a few seconds, and work again when it is back.
//   - Tables that a later version of the kit or of the program has brought up are refused,
//     and stay as they are.
//
// # Not guaranteed
//
//   - The connections need a session of their own only for LISTEN and for statements that
//     are prepared. Behind a pooler of transactions, such as PgBouncer, add
//     default_query_exec_mode=exec to the URL if the pooler does not know prepared
//     statements; LISTEN does not work there, and watchers notice the changes of other
//     processes by their look once a second.
//     The tables are brought up under a lock that belongs to a session: let a process with a
//     direct connection be the first of a new version, or the lock may stay in the pooler.
//   - A transaction takes an advisory lock (of the kind with a 64-bit number) for each of
//     its keys and entities. The default lock table of PostgreSQL has room for them;
//     raise max_locks_per_transaction if each operation names many entities.
//   - The tables whose names begin with optimist_ belong to this package. The program may
//     read them, and must not write them.
//   - PostgreSQL cannot keep text with a zero byte or invalid UTF-8. Such text is refused
//     with [server.ErrText].
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/optimist-go/optimist/server"
)

// Bounds in time. The database itself ends statements that take too long; these times are
// for a database that does not answer.
const (
	connectTime = 2 * time.Second  // the URL's connect_timeout goes before it
	acquireTime = 3 * time.Second  // for a connection of the pool
	answerTime  = 15 * time.Second // for a transaction
	settleTime  = 2 * time.Second  // for a rollback
	finishTime  = 1 * time.Second  // for a statement whose caller has gone: see finishing
)

// limits bounds the time for which a transaction may hold up others: 2 s for a statement,
// 1 s for waiting for a lock, and 10 s between two statements, after which a process that
// stands still or is cut off loses its locks.
const limits = `SELECT set_config('statement_timeout', '2000', true), set_config('lock_timeout', '1000', true), set_config('idle_in_transaction_session_timeout', '10000', true)`

// Options are the options of a [Database]. The zero value of a field means the default
// named there.
type Options struct {
	// Connections is the greatest number of connections of the pool; 0 means 8, and 2 is the
	// least. Two further connections listen and notify.
	Connections int
	// Migrations are files of the program's own tables, in the format of goose, whose table
	// of versions is goose_db_version; nil: the program takes care of its tables itself. One
	// process at a time applies them, after the kit's own tables.
	Migrations fs.FS
	// Now replaces the database's clock for tests and for writing old data: the time that it
	// returns is used unless it is the zero time. nil: the database's clock is always used.
	Now func() time.Time
}

// Database is a [server.Database] on PostgreSQL. Make one with [Open]. A Database is safe
// for concurrent use.
type Database struct {
	pool  *pgxpool.Pool
	parts int // of the feed
	bell  *bell
	set   func() time.Time // Options.Now, never nil

	ctx  context.Context // ends with Close
	stop context.CancelFunc

	mu    sync.Mutex
	works map[*work]struct{} // open transactions; nil after Close
}

var _ server.Database = (*Database)(nil)

// Open connects to the database of the URL, and brings up the tables. It wraps
// [server.ErrUnavailable] when the database cannot be reached, and [server.ErrNewer] when a
// later version has brought up the tables. ctx is only about opening.
func Open(ctx context.Context, url string, options Options) (*Database, error) {
	if options.Connections < 0 || options.Connections == 1 {
		return nil, fmt.Errorf("postgres: Options.Connections is %d: it has to be at least 2, or 0 for the default", options.Connections)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: the database's URL: %w", err)
	}
	config.MaxConns = 8
	if options.Connections > 0 {
		config.MaxConns = int32(min(options.Connections, 1<<16))
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	if err := migrate(ctx, config.ConnConfig, options.Migrations); err != nil {
		return nil, fault(ctx, err, nil)
	}
	bells := config.ConnConfig.Copy()
	config.ConnConfig.BuildContextWatcherHandler = finishing
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fault(ctx, err, nil)
	}
	db := &Database{pool: pool, works: make(map[*work]struct{}), set: options.Now}
	if db.set == nil {
		db.set = func() time.Time { return time.Time{} }
	}
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM optimist_heads`).Scan(&db.parts); err != nil {
		pool.Close()
		return nil, fault(ctx, err, nil)
	}
	db.ctx, db.stop = context.WithCancel(context.Background())
	db.bell = newBell(db.ctx, bells)
	return db, nil
}

// finishing lets a statement whose context has ended finish within finishTime. A statement
// that is cut off costs its connection, and clients that leave early would cost all others
// the time to connect.
func finishing(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn(), DeadlineDelay: finishTime}
}

// Close ends all open transactions with a rollback, and waits for calls in flight.
func (db *Database) Close() error {
	db.mu.Lock()
	open := db.works
	db.works = nil
	db.mu.Unlock()
	db.stop()
	for w := range open {
		w.Rollback()
	}
	db.bell.wait()
	db.pool.Close()
	return nil
}

// Ready returns nil when the database answers and can be written.
func (db *Database) Ready(ctx context.Context) error {
	return db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var readOnly string
		if err := conn.QueryRow(ctx, `SELECT current_setting('transaction_read_only')`).Scan(&readOnly); err != nil {
			return err
		}
		if readOnly != "off" {
			return fmt.Errorf("%w: it can only be read", server.ErrUnavailable)
		}
		return nil
	})
}

var errClosed = fmt.Errorf("%w: it was closed", server.ErrUnavailable)

// scope bounds ctx by the life of the Database and by the longest time of a call.
func (db *Database) scope(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	stop := context.AfterFunc(db.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// acquire takes a connection of the pool, to be given back by release.
func (db *Database) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if db.ctx.Err() != nil {
		return nil, errClosed
	}
	scoped, cancel := context.WithTimeout(ctx, acquireTime)
	defer cancel()
	conn, err := db.pool.Acquire(scoped)
	if err != nil {
		if ctx.Err() == nil && scoped.Err() != nil {
			err = fmt.Errorf("%w: no connection became free in time: %w", server.ErrUnavailable, err)
		}
		return nil, db.fault(ctx, err, nil)
	}
	return conn, nil
}

// release gives a connection back. After the loss of a connection all others of the pool
// are replaced too, because they belong to the same server; not when the loss may come from
// the caller, whose context is ctx.
func (db *Database) release(ctx context.Context, conn *pgxpool.Conn) {
	lost := conn.Conn().IsClosed() && ctx.Err() == nil
	conn.Release()
	if lost && db.ctx.Err() == nil {
		db.pool.Reset()
	}
}

// with calls f with a connection.
func (db *Database) with(ctx context.Context, f func(ctx context.Context, conn *pgxpool.Conn) error) error {
	conn, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	defer db.release(ctx, conn)
	scoped, done := db.scope(ctx)
	defer done()
	return db.fault(ctx, f(scoped, conn), conn.Conn())
}

// undo ends a transaction that may be open on the connection. It does not depend on the
// context of the transaction.
func (db *Database) undo(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
		_ = conn.Conn().Close(ctx) // the server rolls back the transaction of a closed connection
	}
}

// fault maps an error; see the function fault.
func (db *Database) fault(ctx context.Context, err error, conn *pgx.Conn) error {
	if err != nil && db.ctx.Err() != nil && !errors.Is(err, server.ErrUnavailable) {
		return fmt.Errorf("%w: %w", errClosed, err)
	}
	return fault(ctx, err, conn)
}
