package memstore_test

import (
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/memstore"
	"github.com/optimist-go/optimist/engagement/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ testing.TB, now func() time.Time) engagement.Store {
		return memstore.New(memstore.Options{Now: now})
	})
}
