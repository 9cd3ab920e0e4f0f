package databasetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/optimist-go/optimist/server"
)

// Open opens a handle on one and the same database. The migrations are those of the
// program's tables; nil: there are none.
type Open func(ctx context.Context, migrations fs.FS) (server.Database, error)

// RunOpen tests that a database whose tables are of a later version is refused. The
// database that open opens is empty at first.
func RunOpen(t *testing.T, open Open) {
	opened := func(program fs.FS) server.Database {
		t.Helper()
		db, err := open(t.Context(), program)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		return db
	}
	shut := func(db server.Database) {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(program fs.FS, says string) {
		t.Helper()
		db, err := open(t.Context(), program)
		if err == nil {
			db.Close()
		}
		if !errors.Is(err, server.ErrNewer) || errors.Is(err, server.ErrUnavailable) || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, and should be ErrNewer with %q", err, says)
		}
	}
	version := func(last int) fs.FS {
		files := fstest.MapFS{}
		for n := range last {
			files[fmt.Sprintf("%05d_program.sql", n+1)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE program%d (n INTEGER);\n", n+1)}
		}
		return files
	}

	shut(opened(version(2)))
	refused(version(1), "its schema is number 2, and this version knows 1")
	shut(opened(nil)) // whose program sees to its tables itself
	shut(opened(version(2)))

	db := opened(version(3))
	w := begin(t, db, server.Claim{})
	if _, err := w.Exec(t.Context(), `INSERT INTO optimist_schema (version_id, is_applied) VALUES (1000, TRUE)`); err != nil {
		t.Fatal(err)
	}
	commit(t, w, server.Commit{})
	shut(db)
	refused(version(3), "its schema is number 1000, and this version knows ")
	refused(nil, "its schema is number 1000, and this version knows ")
}
