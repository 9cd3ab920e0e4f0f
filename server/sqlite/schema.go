package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

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
	files fs.FS
	table string // of versions
}

// schemas returns the schema of the kit and, unless its files are nil, the schema of the
// program.
func schemas(program fs.FS) ([]schema, error) {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	all := []schema{{own, versionTable}}
	if program != nil {
		all = append(all, schema{program, programTable})
	}
	return all, nil
}

func (s schema) provider(db *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, db, s.files, goose.WithTableName(s.table), goose.WithDisableGlobalRegistry(true))
}

// check returns [server.ErrNewer] when the tables are of a later version.
func (s schema) check(ctx context.Context, db *sql.DB) error {
	provider, err := s.provider(db)
	if err != nil {
		return err
	}
	var there int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = $1`, s.table).Scan(&there); err != nil || there == 0 {
		return err
	}
	var version int64
	if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+s.table).Scan(&version); err != nil {
		return err
	}
	sources := provider.ListSources()
	if known := sources[len(sources)-1].Version; version > known {
		return fmt.Errorf("%w: its schema is number %d, and this version knows %d; use that version, or name another file", server.ErrNewer, version, known)
	}
	return nil
}

// migrate brings all tables up to date, the kit's first. now becomes the first era: a file
// that is made anew does not continue the era of its predecessor.
func migrate(ctx context.Context, db *sql.DB, program fs.FS, now int64) error {
	all, err := schemas(program)
	if err != nil {
		return err
	}
	for _, s := range all {
		provider, err := s.provider(db)
		if err != nil {
			return err
		}
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
	}
	_, err = db.ExecContext(ctx, `INSERT INTO optimist_heads (part, era, position) VALUES (0, $1, 0) ON CONFLICT DO NOTHING`, now)
	return err
}
