// Package sqlite implements [server.Database] with one SQLite file, or in memory, for one
// process.
//
// # Guarantees
//
//   - A commit that has returned is on disk: WAL with synchronous=FULL survives kill -9 and
//     the loss of power.
//   - One transaction writes at a time. Reads of a file use connections of their own, and
//     never wait for a writer.
//   - The log beside the file (-wal) is emptied when it has 64 MiB, however many reads
//     overlap. One read that lasts for long delays that, and the log grows meanwhile.
//   - A file belongs to one Database at a time. The system's lock on a second file, with
//     the ending .lock, ensures it. The lock ends with its process, also after a crash;
//     the empty file stays.
//   - Only their owner may read and write the files (mode 0600), from their first byte on.
//   - A file that is damaged, or that another program or a later version of this one has
//     written, is refused and stays as it is.
//
// # The program's SQL
//
// A parameter of type []string, []int64 or []int travels as JSON: id IN (SELECT value FROM
// json_each($1)).
//
// # Not guaranteed
//
//   - The lock does not exclude other machines on a network file system.
//   - A statement of the program that writes has two seconds; then its transaction is
//     rolled back.
//   - A database in memory has one connection: reads wait for writes. A transaction or
//     moment opened within another one could wait for ever, and fails after five seconds.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/optimist-go/optimist/server"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// lockSuffix is the ending of the file that holds the lock.
const lockSuffix = ".lock"

// Options are the options of a [Database]. The zero value is ready for use.
type Options struct {
	// Inspect is called for a file that has tables already, with a db that only reads; an
	// error keeps Open from writing the file and is returned. nil: a database with tables,
	// but without the kit's tables, is refused with [ErrForeign].
	Inspect func(ctx context.Context, db *sql.DB) error

	// Migrations are files of the program's own tables, in the format of goose, whose table
	// of versions is goose_db_version; nil: the program takes care of its tables itself. They
	// are applied after the kit's own tables, and must not use names that begin with
	// "optimist_".
	Migrations fs.FS

	// Readers is the greatest number of reads at the same time; 0 means one for each CPU, at
	// least 4. A database in memory ignores it.
	Readers int

	// Now replaces the machine's clock for tests and for writing old data: the time that it
	// returns is used unless it is the zero time. nil: the machine's clock is always used.
	Now func() time.Time
}

// Database is a [server.Database]. Make one with [Open] or [Memory].
type Database struct {
	options Options
	lock    *flock.Flock // nil in memory
	writer  *writer
	reads   *pool // nil in memory, where the writer reads
	watches watches

	closeOnce sync.Once
	closeErr  error
}

var _ server.Database = (*Database)(nil)

// Open opens the file, which is made when it is not there, and brings its tables up to
// date. Errors are, among others, [ErrInUse], [server.ErrNewer], [ErrDamaged] and
// [ErrForeign]. ctx is only about opening.
func Open(ctx context.Context, file string, options Options) (*Database, error) {
	d := newDatabase(options)
	if err := d.open(ctx, file); err != nil {
		d.Close()
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return d, nil
}

// Memory returns an empty database in memory, which ends with [Database.Close]. ctx bounds
// only Memory itself.
func Memory(ctx context.Context, options Options) (*Database, error) {
	d := newDatabase(options)
	if err := d.prepare(ctx, inMemory); err != nil {
		d.Close()
		return nil, fmt.Errorf("sqlite: in memory: %w", err)
	}
	return d, nil
}

func newDatabase(options Options) *Database {
	set := options.Now
	options.Now = func() time.Time {
		if set != nil {
			if at := set(); !at.IsZero() {
				return at
			}
		}
		return time.Now()
	}
	if options.Readers <= 0 {
		options.Readers = max(4, runtime.NumCPU())
	}
	return &Database{options: options}
}

func (d *Database) open(ctx context.Context, file string) error {
	file, err := locate(file)
	if err != nil {
		return err
	}
	_, err = os.Lstat(file + lockSuffix)
	lockIsNew := errors.Is(err, fs.ErrNotExist)
	d.lock = flock.New(file+lockSuffix, flock.SetPermissions(private))
	switch own, err := d.lock.TryLock(); {
	case err != nil:
		return err
	case !own:
		return ErrInUse
	}
	err = d.openOwn(ctx, file)
	if lockIsNew && (errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign)) {
		os.Remove(file + lockSuffix) // no lock file stays beside a file of another program
	}
	return err
}

// openOwn opens the file, whose lock is held.
func (d *Database) openOwn(ctx context.Context, file string) error {
	if err := makeFile(file); err != nil {
		return err
	}
	if err := inspect(ctx, file, d.options); err != nil {
		return err
	}
	if err := narrow(file); err != nil {
		return err
	}
	if err := d.prepare(ctx, file); err != nil {
		return err
	}
	reads, err := sql.Open("sqlite", address(file, reading))
	if err != nil {
		return err
	}
	reads.SetMaxOpenConns(2 * d.options.Readers)
	reads.SetMaxIdleConns(2 * d.options.Readers)
	d.reads = &pool{db: reads, moments: make(chan struct{}, d.options.Readers), statements: newStatements(reads)}
	return nil
}

// prepare brings the tables up to date and makes the writer.
func (d *Database) prepare(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", address(file, writing))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, d.options.Migrations, d.options.Now().UnixMilli()); err != nil {
		return errors.Join(err, db.Close())
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	d.writer = newWriter(db, conn)
	if file != inMemory {
		d.writer.log = log{name: file + "-wal", large: largeLog, due: largeLog}
	}
	return nil
}

// inMemory is the name of a database in memory.
const inMemory = ":memory:"

// Settings go with the address, so that every connection of a pool has them.
var (
	writing = url.Values{
		"_pragma": {busyPragma, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)"},
		"_txlock": {"immediate"},
	}
	reading = url.Values{
		"_pragma": {busyPragma, "query_only(ON)", "temp_store(MEMORY)"},
	}
)

// busyTime is the longest wait of a connection for others, such as the reader of a backup.
const busyTime = 5 * time.Second

var busyPragma = fmt.Sprintf("busy_timeout(%d)", busyTime.Milliseconds())

func address(file string, settings url.Values) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: settings.Encode()}
	return u.String()
}

// Close implements [server.Database].
func (d *Database) Close() error {
	d.closeOnce.Do(func() { d.closeErr = d.release() })
	return d.closeErr
}

// release closes the connections and files opened so far.
func (d *Database) release() error {
	d.watches.close()
	var errs []error
	if d.reads != nil {
		errs = append(errs, d.reads.close())
	}
	if d.writer != nil { // the last connection to go takes the -wal file with it
		errs = append(errs, d.writer.close())
	}
	if d.lock != nil { // the next owner may come only when all is closed
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

func errClosed() error {
	return fmt.Errorf("sqlite: the database is closed: %w", server.ErrUnavailable)
}
