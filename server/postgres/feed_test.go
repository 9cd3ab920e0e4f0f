package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
)

// change carries out one operation that changes the entities by one version each.
func change(ctx context.Context, db *Database, key string, later bool, ids ...string) error {
	w, err := db.Begin(ctx, server.Claim{Keys: []server.Key{{User: "u", Key: key}}, Entities: ids})
	if err != nil {
		return err
	}
	defer w.Rollback()
	var changed []server.Entity
	for _, e := range w.Held() {
		changed = append(changed, server.Entity{ID: e.ID, Version: e.Version + 1, ChangedAt: w.Now()})
	}
	return w.Commit(ctx, server.Commit{Changed: changed, Later: later, Done: []server.Done{{Key: server.Key{User: "u", Key: key}}}})
}

// ask asks the database for a number.
func ask(tb testing.TB, db *Database, sql string) (n int) {
	tb.Helper()
	if err := db.pool.QueryRow(tb.Context(), sql).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestRefusedOperationLeavesNoRow(t *testing.T) {
	db := open(t, pgtest.Database(t), Options{})
	for _, end := range []func(server.Work) error{
		func(w server.Work) error { w.Rollback(); return nil },
		func(w server.Work) error { return w.Commit(t.Context(), server.Commit{}) },
	} {
		w, err := db.Begin(t.Context(), server.Claim{Keys: []server.Key{{User: "u", Key: "k"}}, Entities: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := end(w); err != nil {
			t.Error(err)
		}
	}
	for _, table := range []string{"keys", "contains", "entities", "feed", "pending"} {
		if n := ask(t, db, `SELECT count(*) FROM optimist_`+table); n != 0 {
			t.Errorf("optimist_%s has %d rows", table, n)
		}
	}
}

// TestVersionsAscendInTheFeed lets the database itself look.
func TestVersionsAscendInTheFeed(t *testing.T) {
	url := pgtest.Database(t)
	dbs := []*Database{open(t, url, Options{}), open(t, url, Options{})}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if err := change(t.Context(), dbs[n%2], fmt.Sprint(n, "-", i), (n+i)%2 == 0, fmt.Sprint("e", i%3), fmt.Sprint("e", (i+1)%3)); err != nil {
					t.Error(err)
				}
				if n == 0 {
					if _, err := dbs[1].Sequence(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if _, err := dbs[0].Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := ask(t, dbs[0], `SELECT count(*) FROM optimist_feed`); n != 800 {
		t.Errorf("there are %d entries, and not 800", n)
	}
	const back = `SELECT count(*) FROM (
	SELECT version - lag(version, 1, 0::bigint) OVER (PARTITION BY entity ORDER BY position) AS step FROM optimist_feed
) s WHERE step <> 1`
	if n := ask(t, dbs[0], back); n != 0 {
		t.Errorf("%d entries do not come after the version before", n)
	}
}

// TestForeignTransactionDelaysNobody holds transactions that write open: one in another
// database of the cluster, and one in this database.
func TestForeignTransactionDelaysNobody(t *testing.T) {
	url := pgtest.Database(t)
	db, follower := open(t, url, Options{}), open(t, url, Options{})
	var foreign []*pgx.Conn
	for _, url := range []string{pgtest.Database(t), url} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), `CREATE TABLE written (n int); BEGIN; INSERT INTO written VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		foreign = append(foreign, conn)
	}
	at := server.Cursor{Era: int64(ask(t, db, `SELECT era FROM optimist_heads`)), At: []int64{0}}
	for i := range 100 {
		if err := change(t.Context(), db, fmt.Sprint("k", i), i%2 == 0, "e"); err != nil {
			t.Fatal(err)
		}
		if _, err := follower.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries, next, err := follower.Entries(t.Context(), at, 10)
		if err != nil || len(entries) != 1 {
			t.Fatalf("after commit %d the follower sees %v, %v", i, entries, err)
		}
		at = next
	}
	for _, conn := range foreign {
		if status := conn.PgConn().TxStatus(); status != 'T' {
			t.Errorf("the foreign transaction did not stay open: %c", status)
		}
	}
}
