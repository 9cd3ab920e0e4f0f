package postgres

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgcluster"
	"github.com/optimist-go/optimist/server/pgtest"
)

// TestDatabaseGoneFailsSoonAndComesBack ends a cluster in every way, under an open
// transaction.
func TestDatabaseGoneFailsSoonAndComesBack(t *testing.T) {
	c := pgtest.Cluster(t)
	db := open(t, pgtest.On(t, c), Options{})
	acknowledged := 0
	for name, end := range map[string]func() error{
		"stopped":    func() error { return c.Stop(pgcluster.Fast) },
		"broken off": func() error { return c.Stop(pgcluster.Immediate) },
		"killed":     c.Kill,
	} {
		t.Run(name, func(t *testing.T) {
			w, err := db.Begin(t.Context(), server.Claim{Keys: []server.Key{{User: "u", Key: "open"}}, Entities: []string{"e"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			for err == nil { // processes of a killed server go on for a moment
				_, err = w.Exec(ctx, `SELECT 1`)
			}
			if err := w.Commit(t.Context(), server.Commit{Changed: []server.Entity{{ID: "e", Version: 999}}}); !errors.Is(err, server.ErrUnavailable) {
				t.Errorf("Commit: %v", err)
			}
			for range 10 { // more than the pool has connections
				if err := change(ctx, db, "gone", false, "e"); !errors.Is(err, server.ErrUnavailable) {
					t.Errorf("Begin: %v", err)
				}
			}
			if err := db.Ready(ctx); !errors.Is(err, server.ErrUnavailable) {
				t.Errorf("Ready: %v", err)
			}
			if ctx.Err() != nil {
				t.Error("it was waited for the database")
			}
			woken := make(chan struct{}, 1)
			defer db.Watch(func() { signal(woken) })()
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for n := 0; ; n++ {
				err := change(t.Context(), db, name, false, "e")
				if err == nil {
					break
				}
				if !errors.Is(err, server.ErrUnavailable) || n > 10 {
					t.Fatalf("after the start: %v", err)
				}
				<-woken
			}
			acknowledged++
			if n := ask(t, db, `SELECT version FROM optimist_entities WHERE id = 'e'`); n != acknowledged {
				t.Errorf("the version is %d after %d changes", n, acknowledged)
			}
			<-woken
		})
	}
}

// TestSilentNetworkIsGivenUp connects to somebody who says nothing.
func TestSilentNetworkIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Open(t.Context(), "postgres://u@"+l.Addr().String()+"/d?sslmode=disable", Options{})
	if !errors.Is(err, server.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
}

// TestListenerComesBack cuts the connections on which is listened and told.
func TestListenerComesBack(t *testing.T) {
	url := pgtest.Database(t)
	db, other := open(t, url, Options{}), open(t, url, Options{})
	woken := make(chan struct{}, 1)
	defer other.Watch(func() { signal(woken) })()
	for range 5 {
		for range 20 {
			db.Tell()
			<-woken
		}
		const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ '^(LISTEN|NOTIFY)'`
		if _, err := db.pool.Exec(t.Context(), cut); err != nil {
			t.Fatal(err)
		}
	}
}
