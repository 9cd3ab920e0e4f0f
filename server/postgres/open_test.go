package postgres

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/databasetest"
	"github.com/optimist-go/optimist/server/pgtest"
)

// TestOpensTogether has several processes bring up one database.
func TestOpensTogether(t *testing.T) {
	url := pgtest.Database(t)
	files := fstest.MapFS{"00001_program.sql": {Data: []byte("-- +goose Up\nCREATE TABLE program (n int);\n")}}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := Open(t.Context(), url, Options{Migrations: files})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.pool.QueryRow(t.Context(), `SELECT count(*) FROM program`).Scan(new(int)); err != nil {
				t.Errorf("the program's table: %v", err)
			}
		})
	}
	wg.Wait()
	open(t, url, Options{})
}

func TestOpenRefusesALaterVersion(t *testing.T) {
	url := pgtest.Database(t)
	databasetest.RunOpen(t, func(ctx context.Context, migrations fs.FS) (server.Database, error) {
		return Open(ctx, url, Options{Migrations: migrations})
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := Open(t.Context(), "postgres://127.0.0.1:1/none?sslmode=disable", Options{}); !errors.Is(err, server.ErrUnavailable) {
		t.Errorf("nobody there: the error is %v", err)
	}
	url := pgtest.Database(t)
	for name, options := range map[string]Options{
		"one connection":   {Connections: 1},
		"negative":         {Connections: -1},
		"migration is bad": {Migrations: fstest.MapFS{"00001_bad.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x;\n")}}},
	} {
		db, err := Open(t.Context(), url, options)
		if err == nil {
			db.Close()
		}
		if err == nil || errors.Is(err, server.ErrUnavailable) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if _, err := Open(t.Context(), "nonsense://", Options{}); err == nil {
		t.Error("opened nonsense")
	}
}

// TestErrorsOfTheServer compares the kinds with the errors of a real PostgreSQL.
func TestErrorsOfTheServer(t *testing.T) {
	db := open(t, pgtest.Database(t), Options{})
	for code, want := range map[string]error{
		"40001": server.ErrAgain, "40P01": server.ErrAgain, "55P03": server.ErrAgain, "57014": server.ErrAgain,
		"57P01": server.ErrUnavailable, "57P03": server.ErrUnavailable, "53300": server.ErrUnavailable, "53100": server.ErrUnavailable,
		"25006": server.ErrUnavailable, "08006": server.ErrUnavailable, "22021": server.ErrText,
	} {
		w, err := db.Begin(t.Context(), server.Claim{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Exec(t.Context(), `DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '`+code+`'; END $$`)
		if !errors.Is(err, want) {
			t.Errorf("%s: the error is %v, and not %v", code, err, want)
		}
		if err := w.Commit(t.Context(), server.Commit{}); !errors.Is(err, want) {
			t.Errorf("%s: the commit says %v", code, err)
		}
	}
	w, err := db.Begin(t.Context(), server.Claim{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Rollback()
	_, err = w.Exec(t.Context(), `SELECT 1/0`)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || errors.Is(err, server.ErrAgain) || errors.Is(err, server.ErrUnavailable) {
		t.Errorf("a fault of the program: the error is %v", err)
	}
}

// TestAlteredTableIsTriedAgain alters a table under statements that were prepared.
func TestAlteredTableIsTriedAgain(t *testing.T) {
	db := open(t, pgtest.Database(t), Options{Connections: 2})
	if _, err := db.pool.Exec(t.Context(), `CREATE TABLE altered (n int)`); err != nil {
		t.Fatal(err)
	}
	read := func() error {
		return db.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			return m.Query(ctx, func(server.Scan) error { return nil }, `SELECT * FROM altered WHERE n > $1`, 0)
		})
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.pool.Exec(t.Context(), `ALTER TABLE altered ADD COLUMN m int`); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil && !errors.Is(err, server.ErrAgain) {
		t.Errorf("the error is %v", err)
	}
	if err := read(); err != nil {
		t.Errorf("and then: %v", err)
	}
}

// TestHostileTextBreaksNoConnection counts the connections that are left.
func TestHostileTextBreaksNoConnection(t *testing.T) {
	db := open(t, pgtest.Database(t), Options{})
	for range 20 {
		if err := change(t.Context(), db, "k\x00", false, "e"); !errors.Is(err, server.ErrText) {
			t.Errorf("the error is %v", err)
		}
		if err := change(t.Context(), db, "k", false, "\xff"); !errors.Is(err, server.ErrText) {
			t.Errorf("the error is %v", err)
		}
	}
	if n := db.pool.Stat().NewConnsCount(); n > 1 {
		t.Errorf("%d connections were made", n)
	}
}
