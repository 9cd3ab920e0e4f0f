package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/optimist-go/optimist/server/sqlite"
)

// inspect returns an error for a SQLite file that must not be written: its tables belong
// neither to this package nor to one of its earlier versions.
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
	if versions == 0 || version > 0 && posts == 0 {
		return fmt.Errorf("%w; name another file", sqlite.ErrForeign)
	}
	return nil
}
