package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// pragma changes a setting of the writer's connection, which is idle.
func pragma(t *testing.T, d *Database, setting string) {
	t.Helper()
	if _, err := d.writer.conn.ExecContext(t.Context(), "PRAGMA "+setting); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) {
	d, _ := openTemp(t, notes)
	pragma(t, d, "max_page_count = 1") // as many as there are
	var err error
	var last string
	kept := 0
	for n := 0; err == nil && n < 1000; n++ {
		last = fmt.Sprint("n", n)
		err = d.write(t.Context(), func(ctx context.Context, tx server.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO notes (id, text) VALUES ($1, $2)`, last, strings.Repeat("x", 4000))
			if err != nil {
				_, _ = tx.Exec(ctx, `DELETE FROM notes`) // which must not be a transaction of its own
			}
			return err
		})
		if err == nil {
			kept++
		}
	}
	if n := count(t, d, "notes"); n != kept || kept == 0 {
		t.Errorf("%d notes are left of %d", n, kept)
	}
	if !errors.Is(err, server.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("the disk is full: %v", err)
	}
	if err := d.Ready(t.Context()); !errors.Is(err, server.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	pragma(t, d, "max_page_count = 1000000")
	if err := d.write(t.Context(), writeNote(last)); err != nil {
		t.Errorf("when there is room: %v", err)
	}
	if err := d.Ready(t.Context()); err != nil {
		t.Errorf("ready, when there is room: %v", err)
	}
}

// TestReadyTellsOfFailedCommits has somebody else hold the lock of the database.
func TestReadyTellsOfFailedCommits(t *testing.T) {
	d, file := openTemp(t, notes)
	pragma(t, d, "busy_timeout = 1")
	other, err := sql.Open("sqlite", address(file, writing))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	held, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback()

	if err := d.Ready(t.Context()); err != nil {
		t.Fatalf("before anything was tried: %v", err)
	}
	if err := d.write(t.Context(), writeNote("n")); !errors.Is(err, server.ErrUnavailable) {
		t.Fatalf("a write: %v", err)
	}
	for range 2 {
		if err := d.Ready(t.Context()); !errors.Is(err, server.ErrUnavailable) {
			t.Fatalf("after it: %v", err)
		}
	}
	if n := count(t, d, "notes"); n != 0 {
		t.Fatalf("%d notes", n)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := d.Ready(t.Context()); err != nil {
		t.Fatalf("when commits work again: %v", err)
	}
	if n := count(t, d, "optimist_probe"); n != 0 {
		t.Errorf("asking has left %d rows", n)
	}
}

// TestACommitThatFailsLeavesNothing: and writing works after it.
func TestACommitThatFailsLeavesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		err := d.write(t.Context(), func(ctx context.Context, tx server.Tx) error {
			for _, sql := range []string{
				`CREATE TABLE links (note TEXT REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)`,
				`INSERT INTO links VALUES ('no note')`,
			} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					t.Fatal(err)
				}
			}
			return writeNote("n")(ctx, tx)
		})
		if err == nil || errors.Is(err, server.ErrUnavailable) {
			t.Fatalf("told is %v", err)
		}
		if n := count(t, d, "notes"); n != 0 {
			t.Errorf("%d notes", n)
		}
		if err := d.write(t.Context(), writeNote("n")); err != nil {
			t.Errorf("nothing can be written from then on: %v", err)
		}
	})
}

// TestAStatementWithoutEndIsBrokenOff: it would keep all others from writing.
func TestAStatementWithoutEndIsBrokenOff(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		err := d.write(t.Context(), func(ctx context.Context, tx server.Tx) error {
			if err := writeNote("n")(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO notes (id, text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'x', 'x' FROM n WHERE i < 0`)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "longer than 2s") {
			t.Errorf("told is %v", err)
		}
		if n := count(t, d, "notes"); n != 0 {
			t.Errorf("%d notes", n)
		}
		if err := d.write(t.Context(), writeNote("n")); err != nil {
			t.Errorf("nothing can be written from then on: %v", err)
		}
	})
}
