package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
)

// TestCallerWhoLeavesCostsNoConnection: clients that give up while their statement runs do
// not make the others wait for new connections.
func TestCallerWhoLeavesCostsNoConnection(t *testing.T) {
	url := pgtest.Database(t)
	db, other := open(t, url, Options{Connections: 2}), open(t, url, Options{})
	ctx := t.Context()
	holder, err := other.pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Release()
	const number = 4711
	if err := db.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	before := db.pool.Stat().NewConnsCount()
	for range 10 {
		if _, err := holder.Exec(ctx, `SELECT pg_advisory_lock($1)`, number); err != nil {
			t.Fatal(err)
		}
		leaving, leave := context.WithCancel(ctx)
		read := make(chan error)
		go func() {
			read <- db.Read(leaving, func(ctx context.Context, m server.Moment) error {
				const waiting = `SELECT pg_advisory_lock_shared($1), pg_advisory_unlock_shared($1)`
				if err := m.Query(ctx, func(server.Scan) error { return nil }, waiting, number); err != nil {
					return err
				}
				return m.Query(ctx, func(server.Scan) error { return nil }, `SELECT 1`)
			})
		}()
		for waiting := 0; waiting == 0; {
			const count = `SELECT count(*) FROM pg_locks WHERE objid = $1 AND NOT granted`
			if err := holder.QueryRow(ctx, count, number).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
		leave()
		if _, err := holder.Exec(ctx, `SELECT pg_advisory_unlock($1)`, number); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, context.Canceled) {
			t.Errorf("a reader who left is told %v", err)
		}
	}
	if made := db.pool.Stat().NewConnsCount() - before; made > 1 { // the pool may fill up to two
		t.Errorf("10 callers left, and %d connections were made", made)
	}
}
