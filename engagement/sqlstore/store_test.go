package sqlstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/storetest"
)

func mustOpen(tb testing.TB, address string, options sqlstore.Options) *sqlstore.Store {
	tb.Helper()
	s, err := sqlstore.Open(context.Background(), address, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func TestStoreInFile(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store {
		// A name that needs care in an address.
		return mustOpen(tb, filepath.Join(tb.TempDir(), "100% of a? b#c.db"), sqlstore.Options{Now: now})
	})
}

func TestStoreInMemory(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store {
		return mustOpen(tb, sqlstore.Memory, sqlstore.Options{Now: now})
	})
}
