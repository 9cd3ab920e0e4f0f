package postgres

import (
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/databasetest"
	"github.com/optimist-go/optimist/server/pgtest"
)

// fresh makes an empty database.
func fresh(tb testing.TB) func() server.Database {
	tb.Helper()
	url := pgtest.Database(tb)
	return func() server.Database { return open(tb, url, Options{}) }
}

// open opens a handle, as a process does.
func open(tb testing.TB, url string, options Options) *Database {
	tb.Helper()
	db, err := Open(tb.Context(), url, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func TestDatabase(t *testing.T) { databasetest.Run(t, fresh) }
