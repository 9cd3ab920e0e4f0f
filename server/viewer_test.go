package server_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
	"github.com/optimist-go/optimist/server/postgres"
)

// TestAViewerWhoCannotBeKeptStopsNoOther: a stream for a name that no database takes would
// make the reading for all viewers fail.
func TestAViewerWhoCannotBeKeptStopsNoOther(t *testing.T) {
	for name, open := range map[string]func(*testing.T) server.Database{
		"sqlite": func(t *testing.T) server.Database { return openMemory(t) },
		"postgres": func(t *testing.T) server.Database {
			db, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return db
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := openOwned(t, open(t))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			events := make(chan server.Event)
			go func() {
				for e := range k.Stream(ctx, "bob", server.Cursor{}) {
					events <- e
				}
				close(events)
			}()
			<-events // hello
			for _, viewer := range []string{"a\x00b", "\xff"} {
				strange := make(chan error, 1)
				go func() {
					for _, err := range k.Stream(ctx, viewer, server.Cursor{}) {
						strange <- err
					}
				}()
				if err := <-strange; !errors.Is(err, server.ErrText) || server.ProblemOf(err).Status != http.StatusBadRequest {
					t.Fatalf("the viewer %q is told %v", viewer, err)
				}
			}
			if _, err := k.Apply(ctx, "touch", "ada", "k", "e"); err != nil {
				t.Fatal(err)
			}
			if e := <-events; e.Name != server.EventTruth {
				t.Errorf("the other viewer is told %+v", e)
			}
		})
	}
}

// openOwned opens a kit of entities without a state, of which each viewer has an own part.
func openOwned(t *testing.T, db server.Database) *server.Kit {
	k, err := server.Open(t.Context(), db, server.Options{Truth: server.Truth[int, int]{
		Read: func(context.Context, server.Query, []string) (map[string]int, error) { return nil, nil },
		Own: func(ctx context.Context, q server.Query, _, viewers []string) (map[server.Own]int, error) {
			sql, args := server.In(`SELECT 1 WHERE 'bob' IN $1`, viewers)
			return nil, q.Query(ctx, func(server.Scan) error { return nil }, sql, args...)
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	server.Run(k, server.Name("touch", func(id string) []string { return []string{id} }),
		func(context.Context, server.Tx, server.Op, string) error { return nil })
	return k
}
