package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// TestMomentsDoNotWaitForEachOther: many of them, each with statements that are new.
func TestMomentsDoNotWaitForEachOther(t *testing.T) {
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "file.db"), Options{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var together, wait sync.WaitGroup
	together.Add(2)
	for i := range 2 {
		wait.Go(func() {
			err := d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
				together.Done()
				together.Wait() // both hold a connection
				return m.Query(ctx, func(server.Scan) error { return nil }, fmt.Sprint("SELECT ", i))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
