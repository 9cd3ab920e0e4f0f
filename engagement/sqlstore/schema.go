package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/optimist-go/optimist/server/sqlite"
)

// migrate returns the function that brings the tables of this package in a SQLite file up
// to date.
func migrate(steps fs.FS) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
		if err != nil {
			return err
		}
		_, err = provider.Up(ctx)
		return err
	}
}

// newest is the number of the newest migration of a SQLite file.
const newest = 4

// inspect says why a SQLite file that has tables should not be written.
func inspect(ctx context.Context, db *sql.DB) error {
	var versions, posts int
	err := db.QueryRowContext(ctx, `SELECT COUNT(CASE name WHEN 'goose_db_version' THEN 1 END), COUNT(CASE name WHEN 'posts' THEN 1 END)
FROM sqlite_master WHERE type = 'table'`).Scan(&versions, &posts)
	if err != nil {
		return err
	}
	var version int64
	if versions > 0 {
		if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
			return err
		}
	}
	switch {
	case versions == 0 || version > 0 && posts == 0:
		return fmt.Errorf("%w; name another file", sqlite.ErrForeign)
	case version > newest:
		return fmt.Errorf("%w: its schema is number %d, and this version knows %d; use that version, or name another file", sqlite.ErrNewer, version, newest)
	}
	return nil
}
