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
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaTable is where the versions of the kit's own tables are kept, so that the program
// may use goose too.
const schemaTable = "optimist_schema"

// migrate brings up the kit's tables, then those of the program.
func migrate(ctx context.Context, config *pgx.ConnConfig, program fs.FS) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	// A dial's own error says more than goose's.
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := up(ctx, db, own, goose.WithTableName(schemaTable)); err != nil {
		return fmt.Errorf("bring up the kit's tables: %w", err)
	}
	if program == nil {
		return nil
	}
	if err := up(ctx, db, program); err != nil {
		return fmt.Errorf("bring up the program's tables: %w", err)
	}
	return nil
}

// up brings up the migrations of the files. One process does at a time.
func up(ctx context.Context, db *sql.DB, files fs.FS, options ...goose.ProviderOption) error {
	options = append(options, goose.WithSessionLocker(locker{}), goose.WithDisableGlobalRegistry(true))
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, options...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// locker is goose's own lock, asked for more often, because processes that start together
// wait for each other. It asks and does not wait in the database: a statement that waits
// would be waited for by CREATE INDEX CONCURRENTLY.
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
