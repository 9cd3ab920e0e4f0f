package postgres

import (
	"testing"
	"testing/fstest"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/databasetest"
	"github.com/optimist-go/optimist/server/pgtest"
)

// fourParts makes the feed one of four partitions, before anything is in it.
var fourParts = fstest.MapFS{"00001_parts.sql": {Data: []byte(`-- +goose Up
INSERT INTO optimist_heads (part, era) SELECT n, era FROM optimist_heads, generate_series(1, 3) n;
`)}}

// TestDatabaseOfFourPartitions has the whole contract hold when the feed has several counters.
func TestDatabaseOfFourPartitions(t *testing.T) {
	databasetest.Run(t, func(tb testing.TB) func() server.Database {
		tb.Helper()
		url := pgtest.Database(tb)
		return func() server.Database {
			db := open(tb, url, Options{Migrations: fourParts})
			if db.parts != 4 {
				tb.Fatalf("the feed has %d partitions", db.parts)
			}
			return db
		}
	})
}
