package databasetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server"
)

// table makes a table of the program.
func table(tb testing.TB, db server.Database) {
	tb.Helper()
	w := begin(tb, db, server.Claim{})
	if _, err := w.Exec(tb.Context(), `CREATE TABLE databasetest_rows (id TEXT PRIMARY KEY, n BIGINT NOT NULL)`); err != nil {
		tb.Fatal(err)
	}
	commit(tb, w, server.Commit{})
}

const insertRow = `INSERT INTO databasetest_rows (id, n) VALUES ($1, $2)`

// rowsOf reads all rows of the table.
func rowsOf(tb testing.TB, q server.Query) []string {
	tb.Helper()
	var rows []string
	err := q.Query(tb.Context(), func(scan server.Scan) error {
		var id string
		var n int64
		if err := scan(&id, &n); err != nil {
			return err
		}
		rows = append(rows, fmt.Sprint(id, "=", n))
		return nil
	}, `SELECT id, n FROM databasetest_rows ORDER BY n, id`)
	if err != nil {
		tb.Fatalf("Query: %v", err)
	}
	return rows
}

func program(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	table(tb, db)
	ctx := tb.Context()

	// A decided operation.
	w := begin(tb, db, claim("k1", "e"))
	commit(tb, w, server.Commit{Writes: []server.Write{
		{SQL: insertRow, Args: []any{"a", 1}},
		{SQL: `UPDATE databasetest_rows SET n = n + $1`, Args: []any{10}},
		{SQL: insertRow, Args: []any{"b", 2}},
	}})
	var read []int64
	c := claim("k2", "e")
	for _, id := range []string{"a", "nobody", "b"} {
		c.Reads = append(c.Reads, server.Read{Row: func(scan server.Scan) error {
			var n int64
			if err := scan(&n); err != nil {
				return err
			}
			read = append(read, n)
			return nil
		}, SQL: `SELECT n FROM databasetest_rows WHERE id = $1`, Args: []any{id}})
	}
	w = begin(tb, open(), c)
	if want := []int64{11, 2}; !reflect.DeepEqual(read, want) {
		tb.Errorf("read %v, and not %v", read, want)
	}

	// An interactive one, in the same transaction.
	for want, sql := range map[int64]string{2: `UPDATE databasetest_rows SET n = n * 2`, 0: `UPDATE databasetest_rows SET n = 0 WHERE id = 'nobody'`} {
		if n, err := w.Exec(ctx, sql); err != nil || n != want {
			tb.Errorf("%s: changed %d, %v", sql, n, err)
		}
	}
	want := []string{"b=4", "a=22"}
	if got := rowsOf(tb, w); !reflect.DeepEqual(got, want) {
		tb.Errorf("the transaction sees %v, and not %v", got, want)
	}
	commit(tb, w, server.Commit{})
	err := db.Read(ctx, func(_ context.Context, m server.Moment) error {
		if got := rowsOf(tb, m); !reflect.DeepEqual(got, want) {
			tb.Errorf("a moment shows %v, and not %v", got, want)
		}
		return nil
	})
	if err != nil {
		tb.Error(err)
	}
}

var errProgram = errors.New("the program's own error")

func programError(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	table(tb, db)
	ctx := tb.Context()
	changes(tb, db, "k1", false, "e")
	refuse := func(server.Scan) error { return errProgram }

	c := claim("k2", "e")
	c.Reads = []server.Read{{Row: refuse, SQL: `SELECT 1`}}
	_, err := db.Begin(ctx, c)
	wants(tb, "Reads", err, errProgram)

	w := begin(tb, db, claim("k2", "e"))
	wants(tb, "Query", w.Query(ctx, refuse, `SELECT 1`), errProgram)
	if _, err := w.Exec(ctx, `INSERT INTO databasetest_rows (id, n) VALUES ('after', 1)`); err != nil {
		tb.Errorf("the transaction does not go on: %v", err)
	}
	commit(tb, w, server.Commit{})

	err = db.Read(ctx, func(context.Context, server.Moment) error { return errProgram })
	wants(tb, "Read", err, errProgram)
	err = db.Read(ctx, func(ctx context.Context, m server.Moment) error { return m.Query(ctx, refuse, `SELECT 1`) })
	wants(tb, "Read, Query", err, errProgram)

	// An error of a statement that the program does not return makes the commit
	// fail all the same.
	w = begin(tb, db, claim("k3", "e"))
	_, _ = w.Exec(ctx, `INSERT INTO databasetest_rows (id, n) VALUES ('after', 2)`)
	_, _ = w.Exec(ctx, `INSERT INTO databasetest_rows (id, n) VALUES ('later', 3)`)
	if err := w.Commit(ctx, server.Commit{}); err == nil {
		if n := len(rowsOf(tb, begin(tb, db, server.Claim{}))); n != 2 {
			tb.Errorf("it was committed, and there are %d rows", n)
		}
	}
}

// text puts hostile texts into every place that takes a text.
func text(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	table(tb, db)
	ctx := tb.Context()
	for i, hostile := range []string{"a\x00b", "\x00", "\xff\xfe", "é\xc3", "'; DROP TABLE databasetest_rows; --", "日本語", `\`, "\u202e", ""} {
		refused := func(what string, err error) bool {
			if err != nil {
				wants(tb, fmt.Sprintf("%s with %q", what, hostile), err, server.ErrText)
			}
			return err != nil
		}
		w, err := db.Begin(ctx, server.Claim{Keys: []server.Key{{User: hostile, Key: hostile, Fingerprint: hostile}}, Entities: []string{hostile}})
		if !refused("Begin", err) {
			w.Rollback()
		}
		w = begin(tb, db, claim("k"))
		_, err = w.Exec(ctx, insertRow, hostile, i)
		refused("Exec", err)
		w.Rollback()

		w = begin(tb, db, claim("k"))
		err = w.Commit(ctx, server.Commit{Writes: []server.Write{{SQL: insertRow, Args: []any{hostile, i}}}})
		if refused("Commit", err) {
			continue
		}
		var back string
		err = db.Read(ctx, func(ctx context.Context, m server.Moment) error {
			return m.Query(ctx, func(scan server.Scan) error { return scan(&back) }, `SELECT id FROM databasetest_rows WHERE n = $1`, i)
		})
		if err != nil || back != hostile {
			tb.Errorf("%q came back as %q, %v", hostile, back, err)
		}
	}
	changes(tb, db, "k", false, "e")
}

func clock(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	before := time.Now().Add(-time.Minute).UnixMilli()
	w := begin(tb, db, claim("k", "e"))
	if now := w.Now(); now < before || now > time.Now().Add(time.Minute).UnixMilli() {
		tb.Errorf("the time is %d", now)
	}
}
