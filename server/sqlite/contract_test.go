package sqlite

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/databasetest"
)

func TestDatabaseKeepsItsContract(t *testing.T) {
	databasetest.Run(t, func(tb testing.TB) func() server.Database {
		d, err := Open(tb.Context(), filepath.Join(tb.TempDir(), "kit.db"), Options{})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { d.Close() })
		return func() server.Database { return d }
	})
}

func TestOpenRefusesALaterVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kit.db")
	databasetest.RunOpen(t, func(ctx context.Context, migrations fs.FS) (server.Database, error) {
		return Open(ctx, file, Options{Migrations: migrations})
	})
}

// TestMemoryKeepsItsContract: all of it but that others write while a moment is looked at.
func TestMemoryKeepsItsContract(t *testing.T) {
	fresh := func(tb testing.TB) func() server.Database {
		d, err := Memory(tb.Context(), Options{})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { d.Close() })
		return func() server.Database { return d }
	}
	for name, said := range databasetest.Failing(t, fresh,
		"a key is known once its operation was carried out",
		"a key that is claimed is waited for and then known",
		"a key has one effect when many claim it",
		"entities are claimed in any order without deadlock",
		"no update is lost",
		"a rolled back transaction leaves nothing",
		"a failed transaction leaves nothing",
		"the program reads and writes in the transaction",
		"an error of the program's reading is passed on",
		"text comes back as it was or is refused",
		"the feed has no holes beside many writers",
		"an unknown place in the feed is a gap",
		"a new era is greater and makes a gap",
		"a moment shows earlier commits",
		"a moment's position is exact",
		"truth contains the latest keys in order",
		"old keys and entries are forgotten",
		"a canceled call begins nothing",
		"a closed database is not available",
	) {
		t.Errorf("%s: %s", name, said)
	}
}
