package sqlitejournal_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
	"github.com/optimist-go/optimist/sqlitejournal"
)

// withDatabase closes the database together with its journal.
type withDatabase struct {
	*sqlitejournal.Journal
	db *sql.DB
}

func (j withDatabase) Close() error { return errors.Join(j.Journal.Close(), j.db.Close()) }

// target is a journal in a database as a program would have it.
func target(pragmas string) journaltest.Target {
	return journaltest.Target{
		Open: func(dir string) (journal.Journal, error) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?"+pragmas)
			if err != nil {
				return nil, err
			}
			j, err := sqlitejournal.Open(db, sqlitejournal.Options{})
			if err != nil {
				return nil, errors.Join(err, db.Close())
			}
			return withDatabase{j, db}, nil
		},
		Size: func(dir string) (total int64, err error) {
			for _, name := range []string{"app.db", "app.db-wal", "app.db-journal"} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err == nil {
					total += info.Size()
				} else if !errors.Is(err, os.ErrNotExist) {
					return 0, err
				}
			}
			return total, nil
		},
		MaxSize: 8 << 20, // the write-ahead log alone is 4 MiB at its checkpoints
	}
}

const (
	wal     = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	classic = "_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
)

func TestMain(m *testing.M) {
	journaltest.Child(target(wal))
	os.Exit(m.Run())
}

func TestSuite(t *testing.T)                { journaltest.Run(t, target(wal)) }
func TestSuiteRollbackJournal(t *testing.T) { journaltest.Run(t, target(classic)) }
func TestProcesses(t *testing.T)            { journaltest.RunProcesses(t, target(wal)) }

func mustDB(t *testing.T, path, pragmas string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+pragmas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustOpen(t *testing.T, db *sql.DB, table string) *sqlitejournal.Journal {
	t.Helper()
	j, err := sqlitejournal.Open(db, sqlitejournal.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func put(j journal.Journal, seq uint64) error {
	return j.Write([]journal.Record{journaltest.Put(seq, "x")})
}

// While the program itself holds the write lock, a write is refused; then all is well.
func TestBusyDatabaseRefuses(t *testing.T) {
	db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), "_pragma=journal_mode(WAL)")
	j := mustOpen(t, db, "")
	mustExec(t, db, "CREATE TABLE theirs (x)")
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO theirs VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := put(j, 1); !errors.Is(err, journal.ErrRefused) {
		t.Errorf("Write to a busy database: error %v, want journal.ErrRefused", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := put(j, 2); err != nil {
		t.Errorf("Write to the free database: %v", err)
	}
	if got, err := j.Load(); err != nil || len(got) != 1 || got[0].Seq != 2 {
		t.Errorf("Load = %v, %v; want record 2 alone", got, err)
	}
}

// The program writes to its own tables all the time: the journal waits its turn, as
// long as the busy timeout lets it, and is not refused.
func TestBesideTheProgramsOwnWrites(t *testing.T) {
	db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), wal)
	j := mustOpen(t, db, "")
	mustExec(t, db, "CREATE TABLE theirs (x)")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := db.Exec("INSERT INTO theirs VALUES (1)"); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for seq := range uint64(200) {
		if err := put(j, seq); err != nil {
			t.Errorf("write %d: %v", seq, err)
			break
		}
	}
	close(stop)
	<-stopped
}

// A reader that keeps a commit waiting too long: refused, and nothing stays open.
func TestCommitThatIsRefused(t *testing.T) {
	db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), "_pragma=journal_mode(DELETE)")
	j := mustOpen(t, db, "")
	rows, err := db.Query("SELECT seq FROM optimist_journal UNION ALL SELECT 1 UNION ALL SELECT 2")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next() // holds the read lock
	if err := put(j, 1); !errors.Is(err, journal.ErrRefused) {
		t.Errorf("Write: error %v, want journal.ErrRefused", err)
	}
	rows.Close()
	if err := put(j, 2); err != nil {
		t.Errorf("Write after it: %v", err)
	}
	if got, err := j.Load(); err != nil || len(got) != 1 || got[0].Seq != 2 {
		t.Errorf("Load = %v, %v; want record 2 alone", got, err)
	}
}

// An owner that has lost its lock writes nothing over the next owner's records.
func TestOwnerWithoutLockIsFencedOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	db := mustDB(t, path, wal)
	first := mustOpen(t, db, "")
	if err := os.Remove(path + "-optimist_journal-lock"); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, db, "")
	for range 2 {
		err := put(first, 1)
		if !errors.Is(err, journal.ErrOwned) || !errors.Is(err, journal.ErrFailed) {
			t.Errorf("Write of the former owner: error %v", err)
		}
	}
	if got, err := second.Load(); err != nil || len(got) != 0 {
		t.Errorf("Load = %v, %v; want nothing", got, err)
	}
}

func TestChangedRowIsReported(t *testing.T) {
	for _, change := range []string{
		"UPDATE optimist_journal SET data = x'00' WHERE seq = 2",
		"UPDATE optimist_journal SET seq = 20 WHERE seq = 2",
		"UPDATE optimist_journal SET sum = 'text' WHERE seq = 2",
	} {
		db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), wal)
		j := mustOpen(t, db, "")
		for seq := range uint64(4) {
			if err := put(j, seq); err != nil {
				t.Fatal(err)
			}
		}
		mustExec(t, db, change)
		got, err := j.Load()
		if !errors.Is(err, journal.ErrCorrupt) || len(got) != 3 {
			t.Errorf("%s: Load = %d records, %v; want 3 and journal.ErrCorrupt", change, len(got), err)
		}
		if err := put(j, 9); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%s: Write: error %v, want journal.ErrCorrupt", change, err)
		}
	}
}

func TestPoolOfOneConnectionAndSeveralJournals(t *testing.T) {
	db := mustDB(t, ":memory:", "")
	db.SetMaxOpenConns(1)
	a, b := mustOpen(t, db, "a"), mustOpen(t, db, "b")
	if _, err := sqlitejournal.Open(db, sqlitejournal.Options{Table: "a"}); !errors.Is(err, journal.ErrOwned) {
		t.Errorf("second Open in memory: error %v, want journal.ErrOwned", err)
	}
	if err := errors.Join(put(a, 1), put(b, 2), a.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := mustOpen(t, db, "a").Load(); err != nil || len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("Load = %v, %v; want record 1 alone", got, err)
	}
	if err := db.Ping(); err != nil {
		t.Errorf("the journal closed the program's database: %v", err)
	}
}

func TestDurabilityFollowsTheDatabase(t *testing.T) {
	for pragmas, want := range map[string]journal.Durability{
		wal:                           journal.DurablePower,
		"_pragma=synchronous(NORMAL)": journal.DurableProcess,
		"_pragma=synchronous(OFF)":    journal.DurableProcess,
		"mode=memory":                 journal.DurableNever,
	} {
		db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), pragmas)
		if got := mustOpen(t, db, "").Durability(); got != want {
			t.Errorf("%s: Durability = %d, want %d", pragmas, got, want)
		}
	}
}

func TestBadUse(t *testing.T) {
	db := mustDB(t, filepath.Join(t.TempDir(), "app.db"), wal)
	for _, table := range []string{"two words", "1st", "a;b", "ä"} {
		if _, err := sqlitejournal.Open(db, sqlitejournal.Options{Table: table}); err == nil {
			t.Errorf("table %q was accepted", table)
		}
	}
	if _, err := sqlitejournal.Open(nil, sqlitejournal.Options{}); err == nil {
		t.Error("a nil database was accepted")
	}
	j := mustOpen(t, db, "")
	mustExec(t, db, "UPDATE optimist_journal_owner SET version = 2")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sqlitejournal.Open(db, sqlitejournal.Options{}); !errors.Is(err, sqlitejournal.ErrVersion) {
			t.Errorf("Open of another version: error %v, want ErrVersion", err)
		}
	}
	db.Close()
	if _, err := sqlitejournal.Open(db, sqlitejournal.Options{}); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("Open in a closed database: error %v, want journal.ErrFailed", err)
	}
}
