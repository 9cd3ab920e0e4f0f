package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"

	"github.com/optimist-go/optimist/server"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables that hold the versions of the kit's tables, and of the program's.
const (
	versionTable = "optimist_schema"
	programTable = goose.DefaultTablename
)

// schema is a group of tables that are made by the same migrations.
type schema struct {
	whose    string
	files    fs.FS
	versions string // table
}

// migrate brings the kit's tables up to date, then the program's, whose files may be
// nil.
func migrate(ctx context.Context, config *pgx.ConnConfig, program fs.FS) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	// The error of connecting says more than the error of goose.
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	all := []schema{{"the kit's tables", own, versionTable}}
	if program != nil {
		all = append(all, schema{"the program's tables", program, programTable})
	}
	for _, s := range all {
		if err := s.check(ctx, db); err != nil {
			return fmt.Errorf("look at %s: %w", s.whose, err)
		}
	}
	for _, s := range all {
		err := s.up(ctx, db)
		if err == nil {
			err = s.check(ctx, db) // a later version may have come in between
		}
		if err != nil {
			return fmt.Errorf("bring up %s: %w", s.whose, err)
		}
	}
	return nil
}

func (s schema) provider(db *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, s.files,
		goose.WithTableName(s.versions), goose.WithSessionLocker(locker{}), goose.WithDisableGlobalRegistry(true))
}

// check returns [server.ErrNewer] when the tables are of a later version.
func (s schema) check(ctx context.Context, db *sql.DB) error {
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, s.versions).Scan(&there); err != nil || !there {
		return err
	}
	var version int64
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+s.versions).Scan(&version); err != nil {
		return err
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; version > known {
		return fmt.Errorf("%w: its schema is number %d, and this version knows %d; use that version, or name another database", server.ErrNewer, version, known)
	}
	return nil
}

// up brings up the tables. One process does at a time.
func (s schema) up(ctx context.Context, db *sql.DB) error {
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// locker takes goose's own lock, and tries more often than goose, because processes that
// start together wait for each other. It tries repeatedly instead of waiting in the
// database: CREATE INDEX CONCURRENTLY would wait for a statement that waits.
type locker struct{}

const lockPause = 50 * time.Millisecond

func (locker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var locked bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(gooselock.DefaultLockID)).Scan(&locked); err != nil || locked {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

func (locker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(gooselock.DefaultLockID))
	return err
}
