package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable holds the version of the kit's tables. The program's tables may have one
// of their own, by the same tool or another.
const versionTable = "optimist_schema"

func newProvider(db *sql.DB) (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, steps,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
}

// checkSchema returns ErrNewer when the kit's tables are of a later version.
func checkSchema(ctx context.Context, db *sql.DB) error {
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	var version int64
	if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable).Scan(&version); err != nil {
		return err
	}
	sources := provider.ListSources()
	if known := sources[len(sources)-1].Version; version > known {
		return fmt.Errorf("%w: its schema is number %d, and this version knows %d; use that version, or name another file", ErrNewer, version, known)
	}
	return nil
}

// migrate brings the kit's tables up to date. now is the first era: a file that is made
// anew does not take up the history of the one before it.
func migrate(ctx context.Context, db *sql.DB, now int64) error {
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO optimist_heads (part, era, position) VALUES (0, $1, 0) ON CONFLICT DO NOTHING`, now)
	return err
}
