package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/optimist-go/optimist/server"
)

// notes is a program's own table.
var notes = Options{Migrations: fstest.MapFS{
	"1_notes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT NOT NULL);")},
}}

func openTemp(t *testing.T, options Options) (d *Database, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "100% of a? b#c.db") // a name that needs care in an address
	d, err := Open(t.Context(), file, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, file
}

// eachKind runs the test on a file and in memory.
func eachKind(t *testing.T, test func(t *testing.T, d *Database)) {
	t.Run("file", func(t *testing.T) {
		d, _ := openTemp(t, notes)
		test(t, d)
	})
	t.Run("memory", func(t *testing.T) {
		d, err := Memory(t.Context(), notes)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		test(t, d)
	})
}

func begin(t *testing.T, d *Database, claim server.Claim) server.Work {
	t.Helper()
	w, err := d.Begin(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Rollback)
	return w
}

func count(t *testing.T, d *Database, table string) (n int) {
	t.Helper()
	err := d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
		return m.Query(ctx, func(scan server.Scan) error { return scan(&n) }, `SELECT COUNT(*) FROM `+table)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func writeNote(id string) func(context.Context, server.Tx) error {
	return func(ctx context.Context, tx server.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO notes (id, text) VALUES ($1, 'x')`, id)
		return err
	}
}

var key = server.Key{User: "ada", Key: "k1", Fingerprint: "f1"}

func TestWhatIsCommittedIsKnown(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		w := begin(t, d, server.Claim{Keys: []server.Key{key}, Entities: []string{"b", "a"}})
		if w.Known()[0] != nil || !reflect.DeepEqual(w.Held(), []server.Entity{{ID: "b"}, {ID: "a"}}) || w.Now() == 0 {
			t.Fatalf("at first: %v, %v, %d", w.Known(), w.Held(), w.Now())
		}
		b1, a1, b2 := server.Entity{ID: "b", Version: 1, ChangedAt: 10}, server.Entity{ID: "a", Version: 1, ChangedAt: 11}, server.Entity{ID: "b", Version: 2, ChangedAt: 12}
		record := server.Record{Fingerprint: "f1", Version: 2}
		err := w.Commit(t.Context(), server.Commit{
			Writes:  []server.Write{{SQL: `INSERT INTO notes (id, text) VALUES ($1, $2)`, Args: []any{"b", "hello"}}},
			Done:    []server.Done{{Key: key, Record: record, Entities: []string{"b", "a"}}},
			Changed: []server.Entity{b1, a1, b2},
		})
		if err != nil {
			t.Fatal(err)
		}
		w = begin(t, d, server.Claim{Keys: []server.Key{{User: "bob", Key: "k1"}, key}, Entities: []string{"a", "b", "c"}})
		if w.Known()[0] != nil || !reflect.DeepEqual(w.Known()[1], &record) {
			t.Errorf("known: %v", w.Known())
		}
		if !reflect.DeepEqual(w.Held(), []server.Entity{a1, b2, {ID: "c"}}) {
			t.Errorf("held: %v", w.Held())
		}
		w.Rollback()

		var at server.Cursor
		err = d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			at = m.Position()
			entities, err := m.Entities(ctx, []string{"c", "b"})
			if err != nil || !reflect.DeepEqual(entities, []server.Entity{{ID: "c"}, b2}) {
				t.Errorf("entities: %v, %v", entities, err)
			}
			contains, err := m.Contains(ctx, []string{"a", "b", "c", "a"}, []string{"bob", "ada"}, 10)
			want := map[server.Own][]string{{Entity: "a", Viewer: "ada"}: {"k1"}, {Entity: "b", Viewer: "ada"}: {"k1"}}
			if err != nil || !reflect.DeepEqual(contains, want) {
				t.Errorf("contains: %v, %v", contains, err)
			}
			return nil
		})
		if err != nil || at.At[0] != 3 {
			t.Errorf("at %v, %v", at, err)
		}
		entries, next, err := d.Entries(t.Context(), server.Cursor{Era: at.Era, At: []int64{0}}, 2)
		if err != nil || next.At[0] != 2 || !reflect.DeepEqual(entries, []server.Entry{
			{Position: 1, Entity: "b", Version: 1}, {Position: 2, Entity: "a", Version: 1}}) {
			t.Errorf("entries: %v, %v, %v", entries, next, err)
		}
	})
}

func TestContainsHasTheLatestKeys(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		for _, k := range []string{"k3", "k1", "k2"} {
			key := server.Key{User: "ada", Key: k}
			w := begin(t, d, server.Claim{Keys: []server.Key{key}, Entities: []string{"a"}})
			if err := w.Commit(t.Context(), server.Commit{Done: []server.Done{{Key: key, Entities: []string{"a"}}}}); err != nil {
				t.Fatal(err)
			}
		}
		err := d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			contains, err := m.Contains(ctx, []string{"a"}, []string{"ada"}, 2)
			if got := contains[server.Own{Entity: "a", Viewer: "ada"}]; !reflect.DeepEqual(got, []string{"k1", "k2"}) {
				t.Errorf("%v, %v", got, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAStatementThatFailsUndoesAll(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		w := begin(t, d, server.Claim{Keys: []server.Key{key}, Entities: []string{"a"}})
		if err := writeNote("n")(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if err := writeNote("n")(t.Context(), w); err == nil {
			t.Fatal("two notes have one id")
		}
		if err := writeNote("other")(t.Context(), w); err == nil {
			t.Error("the transaction goes on after a statement that failed")
		}
		err := w.Commit(t.Context(), server.Commit{Done: []server.Done{{Key: key}}, Changed: []server.Entity{{ID: "a", Version: 1}}})
		if err == nil {
			t.Error("it was committed")
		}
		for _, table := range []string{"notes", "optimist_keys", "optimist_entities", "optimist_feed"} {
			if n := count(t, d, table); n != 0 {
				t.Errorf("%d %s stay", n, table)
			}
		}
	})
}

func TestAnEndedContextHarmsNobody(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		ended, end := context.WithCancel(t.Context())
		w := begin(t, d, server.Claim{})
		if err := writeNote("n")(ended, w); err != nil {
			t.Fatal(err)
		}
		end()
		if err := writeNote("m")(ended, w); !errors.Is(err, context.Canceled) {
			t.Errorf("a statement: %v", err)
		}
		if err := w.Commit(ended, server.Commit{}); !errors.Is(err, context.Canceled) {
			t.Errorf("commit: %v", err)
		}
		if _, err := d.Begin(ended, server.Claim{}); !errors.Is(err, context.Canceled) {
			t.Errorf("begin: %v", err)
		}
		if n := count(t, d, "notes"); n != 0 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestTheProgramReadsWithLists(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		for _, id := range []string{"a", "b", "c"} {
			if err := d.write(t.Context(), writeNote(id)); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		err := d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			return m.Query(ctx, func(scan server.Scan) error {
				var id string
				err := scan(&id)
				got = append(got, id)
				return err
			}, `SELECT id FROM notes WHERE text = $1 AND id IN (SELECT value FROM json_each($2)) ORDER BY id`, "x", []string{"c", "a", "z"})
		})
		if err != nil || !reflect.DeepEqual(got, []string{"a", "c"}) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestAMomentDoesNotWrite(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		err := d.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			return m.Query(ctx, func(scan server.Scan) error { return nil }, `INSERT INTO notes (id, text) VALUES ('n', 'x') RETURNING id`)
		})
		if n := count(t, d, "notes"); err == nil || n != 0 {
			t.Errorf("%d notes, %v", n, err)
		}
		if err := d.write(t.Context(), writeNote("n")); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestAClosedDatabaseIsUnavailable(t *testing.T) {
	eachKind(t, func(t *testing.T, d *Database) {
		open := begin(t, d, server.Claim{Keys: []server.Key{key}})
		if err := writeNote("n")(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("a second time: %v", err)
		}
		_, begin := d.Begin(t.Context(), server.Claim{})
		_, _, entries := d.Entries(t.Context(), server.Cursor{}, 1)
		_, sequence := d.Sequence(t.Context())
		_, era := d.NewEra(t.Context())
		for name, err := range map[string]error{
			"commit": open.Commit(t.Context(), server.Commit{}), "begin": begin, "entries": entries, "sequence": sequence, "era": era,
			"read":   d.Read(t.Context(), func(context.Context, server.Moment) error { return nil }),
			"forget": d.Forget(t.Context(), 1), "ready": d.Ready(t.Context()),
		} {
			if !errors.Is(err, server.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		d.Tell()
		d.Watch(func() {})()
	})
}

func TestKeysSurviveReopening(t *testing.T) {
	d, file := openTemp(t, notes)
	w := begin(t, d, server.Claim{Keys: []server.Key{key}})
	if err := w.Commit(t.Context(), server.Commit{Done: []server.Done{{Key: key, Record: server.Record{Fingerprint: "f1", Already: true}}}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), file, notes)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w = begin(t, d, server.Claim{Keys: []server.Key{key}})
	if known := w.Known()[0]; known == nil || *known != (server.Record{Fingerprint: "f1", Already: true}) {
		t.Errorf("known is %v", known)
	}
}

// TestCloseLeavesNoLog: the last connection to go brings the -wal file into the database
// and removes it. The file of the lock is empty and stays.
func TestCloseLeavesNoLog(t *testing.T) {
	d, file := openTemp(t, notes)
	if err := d.write(t.Context(), writeNote("n")); err != nil {
		t.Fatal(err)
	}
	count(t, d, "notes")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(files) != 2 || files[0].Name() != filepath.Base(file) || files[1].Name() != filepath.Base(file)+".lock" {
		t.Errorf("after Close there are %v, %v", files, err)
	}
}

// TestSettingsAreOnEveryConnection: a setting made once on a pool is on one of its
// connections only.
func TestSettingsAreOnEveryConnection(t *testing.T) {
	d, _ := openTemp(t, Options{Readers: 3})
	for range 3 {
		conn, err := d.reads.db.Conn(t.Context()) // kept, so that the next is another
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		expectSetting(t, conn, "query_only", "1")
		expectSetting(t, conn, "busy_timeout", "5000")
	}
	expectSetting(t, d.writer.conn, "synchronous", "2") // FULL
	expectSetting(t, d.writer.conn, "journal_mode", "wal")
	expectSetting(t, d.writer.conn, "foreign_keys", "1")
}

func expectSetting(t *testing.T, conn *sql.Conn, name, want string) {
	t.Helper()
	var got string
	if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != want {
		t.Errorf("%s is %q, %v, want %q", name, got, err, want)
	}
}
