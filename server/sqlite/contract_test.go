package sqlite

import (
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
