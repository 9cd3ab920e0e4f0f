package sqlitejournal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"

	"github.com/optimist-go/optimist/internal/groupcommit"
	"github.com/optimist-go/optimist/internal/ownlock"
	"github.com/optimist-go/optimist/journal"
)

// ErrVersion says that another version of this package has made the tables. [Open]
// returns it and leaves them unchanged.
var ErrVersion = errors.New("sqlitejournal: unknown version of the tables")

const version = 1

// Options choose the tables of a journal. The zero value fits most programs.
type Options struct {
	// Table names the table, and begins the name of the owner's table. It consists of
	// letters, digits and underscores. Empty means optimist_journal.
	Table string
}

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,60}$`)

// Open opens the journal in the main database of db and makes its tables if they are
// missing. The caller becomes its owner. [Journal.Close] does not close db; close
// the journal first.
//
// The error wraps [journal.ErrOwned] if the journal has another owner, [ErrVersion]
// if its tables have another version, and otherwise [journal.ErrFailed] and the
// database's error.
func Open(db *sql.DB, options Options) (*Journal, error) {
	if options.Table == "" {
		options.Table = "optimist_journal"
	}
	if db == nil {
		return nil, errors.New("sqlitejournal: Open needs a database")
	}
	if !tableName.MatchString(options.Table) {
		return nil, fmt.Errorf("sqlitejournal: Options.Table is %q; it must be letters, digits and underscores", options.Table)
	}
	file, err := databaseFile(db)
	if err != nil {
		return nil, failure("find the database's file", err)
	}
	lock, err := lockOwner(db, file, options.Table)
	if err != nil {
		var held *ownlock.HeldError
		if errors.As(err, &held) {
			return nil, fmt.Errorf("sqlitejournal: open table %s of %s: %w (%w; close it there, or wait for that process to end)",
				options.Table, file, err, journal.ErrOwned)
		}
		return nil, failure("lock", err)
	}
	j := &Journal{db: db, table: options.Table, inMemory: file == "", lock: lock}
	j.queue = groupcommit.NewQueue(groupLimit, j.flush)
	if err := j.prepare(); err != nil {
		_ = lock.Close()
		if errors.Is(err, ErrVersion) {
			return nil, err
		}
		return nil, failure("prepare the tables of", err)
	}
	return j, nil
}

// databaseFile returns the whole path of the main database, empty for one in memory.
func databaseFile(db *sql.DB) (string, error) {
	var seq int
	var name, file string
	err := db.QueryRow("SELECT seq, name, coalesce(file, '') FROM pragma_database_list WHERE name = 'main'").
		Scan(&seq, &name, &file)
	return file, err
}

// memoryOwner is the owner of a journal in memory.
type memoryOwner struct {
	db    *sql.DB
	table string
}

var (
	memoryMu sync.Mutex
	// memoryOwners stands in for locks where there is no file to lock.
	memoryOwners = make(map[memoryOwner]bool)
)

func lockOwner(db *sql.DB, file, table string) (io.Closer, error) {
	if file != "" {
		return ownlock.Acquire(file + "-" + table + "-lock")
	}
	o := memoryOwner{db, table}
	memoryMu.Lock()
	defer memoryMu.Unlock()
	if memoryOwners[o] {
		return nil, &ownlock.HeldError{Path: "table " + table + " in memory"}
	}
	memoryOwners[o] = true
	return o, nil
}

// Close gives ownership up. The journal calls it once.
func (o memoryOwner) Close() error {
	memoryMu.Lock()
	defer memoryMu.Unlock()
	delete(memoryOwners, o)
	return nil
}

// prepare makes the tables, takes the next number of the owners' counter, and reads
// the durability of the database.
func (j *Journal) prepare() error {
	return j.transact(func(ctx context.Context, conn *sql.Conn) error {
		for _, statement := range []string{
			`CREATE TABLE IF NOT EXISTS ` + j.table +
				` (seq INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL)`,
			`CREATE TABLE IF NOT EXISTS ` + j.table +
				`_owner (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, opened INTEGER NOT NULL)`,
			fmt.Sprintf(`INSERT OR IGNORE INTO %s_owner (id, version, opened) VALUES (1, %d, 0)`, j.table, version),
		} {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		var found int
		row := conn.QueryRowContext(ctx, `UPDATE `+j.table+`_owner SET opened = opened + 1 RETURNING version, opened`)
		if err := row.Scan(&found, &j.number); err != nil {
			return err
		}
		if found != version {
			return fmt.Errorf("%w: %s has version %d, this program knows %d", ErrVersion, j.table, found, version)
		}
		var synchronous int
		if err := conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous); err != nil {
			return err
		}
		switch {
		case j.inMemory:
			j.durability = journal.DurableNever
		case synchronous < 2:
			j.durability = journal.DurableProcess
		default:
			j.durability = journal.DurablePower
		}
		return nil
	})
}
