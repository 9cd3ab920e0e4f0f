package postgres

import (
	"context"
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/databasetest"
)

// wrong is a database whose feed is written and read by code that looks right.
type wrong struct {
	*Database
	write string // puts changes into the feed: entities, versions
	read  string // the feed after a position, with a limit; empty: as it is read otherwise
}

// naive numbers entries by an identity column. Numbers are given out before the commit,
// so a follower that reads on from the last one that it saw misses those that commit late.
func naive(tb testing.TB) func() server.Database {
	open := fresh(tb)
	first := open().(*Database)
	if _, err := first.pool.Exec(tb.Context(), `CREATE TABLE naive_feed (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entity text, version bigint)`); err != nil {
		tb.Fatal(err)
	}
	return func() server.Database {
		return wrong{
			Database: open().(*Database),
			write:    `INSERT INTO naive_feed (entity, version) SELECT * FROM unnest($1::text[], $2::bigint[])`,
			read:     `SELECT seq, entity, version FROM naive_feed WHERE seq > $1 ORDER BY seq LIMIT $2`,
		}
	}
}

// stale increments the counter correctly, but reads it in another part of the same
// statement, which sees the value from before the statement.
func stale(tb testing.TB) func() server.Database {
	open := fresh(tb)
	return func() server.Database {
		return wrong{
			Database: open().(*Database),
			write: `WITH new AS (
	SELECT * FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS n (entity, version, n)
), head AS (
	UPDATE optimist_heads SET position = position + (SELECT count(*) FROM new) WHERE part = 0
)
INSERT INTO optimist_feed (part, position, entity, version, made_at)
SELECT 0, (SELECT position FROM optimist_heads WHERE part = 0) + n, entity, version, 0 FROM new
ON CONFLICT DO NOTHING`,
		}
	}
}

func (d wrong) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	w, err := d.Database.Begin(ctx, claim)
	if err != nil {
		return nil, err
	}
	return wrongWork{w.(*work), d}, nil
}

func (d wrong) Entries(ctx context.Context, after server.Cursor, limit int) ([]server.Entry, server.Cursor, error) {
	if d.read == "" {
		return d.Database.Entries(ctx, after, limit)
	}
	rows, err := d.pool.Query(ctx, d.read, after.At[0], limit)
	if err != nil {
		return nil, after, err
	}
	defer rows.Close()
	next := server.Cursor{Era: after.Era, At: []int64{after.At[0]}}
	var entries []server.Entry
	for rows.Next() {
		var e server.Entry
		if err := rows.Scan(&e.Position, &e.Entity, &e.Version); err != nil {
			return nil, after, err
		}
		entries, next.At[0] = append(entries, e), e.Position
	}
	return entries, next, rows.Err()
}

type wrongWork struct {
	*work
	db wrong
}

func (w wrongWork) Commit(ctx context.Context, c server.Commit) error {
	rows := w.columns(c.Changed)
	if len(rows.ids) > 0 {
		if _, err := w.Exec(ctx, w.db.write, rows.ids, rows.versions); err != nil {
			return err
		}
		const keep = `INSERT INTO optimist_entities SELECT *, 0 FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version`
		if _, err := w.Exec(ctx, keep, rows.ids, rows.versions); err != nil {
			return err
		}
	}
	c.Changed = nil
	return w.work.Commit(ctx, c)
}

// TestSuiteFailsWrongFeeds shows that the test of the feed can fail.
func TestSuiteFailsWrongFeeds(t *testing.T) {
	const name = "the feed has no holes beside many writers"
	for what, fresh := range map[string]databasetest.Fresh{"identity column": naive, "stale counter": stale} {
		t.Run(what, func(t *testing.T) {
			said, ok := databasetest.Failing(t, fresh, name)[name]
			if !ok {
				t.Errorf("a feed by %s keeps the contract: the test does not see what it is for", what)
			}
			t.Log(said)
		})
	}
}
