// Package sqlitestore keeps everything in one SQLite file.
//
// One goroutine writes. It takes whatever requests have gathered while the last
// transaction was on its way to the disk and commits them together (group
// commit), each within a savepoint of its own, so that one that fails does not
// harm its neighbours. A request is answered when its transaction is on disk:
// WAL with synchronous=FULL survives kill -9 and the loss of power.
//
// Reads go through a pool of their own and never wait for the writer. The SQL
// keeps to what SQLite and PostgreSQL have in common.
//
// A file belongs to one Store at a time: another would write correctly, but would
// not wake this one's feed. The system's lock of a file beside it, with the ending
// .lock, sees to that. It goes with its process, however that ends; the empty file
// stays. Do not assume that it excludes other machines on a network file system.
//
// All files are their owner's alone to read and write (mode 0600), from their first byte.
package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
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
	"github.com/optimist-go/optimist/engagement"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// lockSuffix is the ending of the file that holds the lock.
const lockSuffix = ".lock"

// Options of a Store. The zero value is ready for use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// Readers is how many reads run at once; 0 means one for each CPU, at least 4.
	Readers int
}

// Store is an engagement.Store in one SQLite file. Make one with Open.
type Store struct {
	now    func() time.Time
	lock   *flock.Flock
	reads  *sql.DB
	read   statements
	writer *writer

	// watch guards the field below it.
	watch    sync.Mutex
	watchers map[chan struct{}]bool

	closeOnce sync.Once
	closeErr  error
}

var _ engagement.Store = (*Store)(nil)

// Open opens the file, which is made when it is not there, brings its schema up
// to date and starts the writer, which lives until Close. A file that is damaged, or that
// another program or a later version of this one has written, stays as it is.
func Open(ctx context.Context, file string, options Options) (*Store, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Readers <= 0 {
		options.Readers = max(4, runtime.NumCPU())
	}
	s := &Store{now: options.Now, watchers: make(map[chan struct{}]bool)}
	if err := s.open(ctx, file, options.Readers); err != nil {
		s.release()
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, file string, readers int) error {
	file, err := locate(file)
	if err != nil {
		return err
	}
	_, err = os.Lstat(file + lockSuffix)
	lockIsNew := errors.Is(err, fs.ErrNotExist)
	s.lock = flock.New(file+lockSuffix, flock.SetPermissions(private))
	switch own, err := s.lock.TryLock(); {
	case err != nil:
		return err
	case !own:
		return ErrInUse
	}
	err = s.openOwn(ctx, file, readers)
	if lockIsNew && (errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign)) {
		os.Remove(file + lockSuffix) // nothing of ours stays beside what is not ours
	}
	return err
}

// openOwn opens the file, whose lock is held.
func (s *Store) openOwn(ctx context.Context, file string, readers int) error {
	if err := makeFile(file); err != nil {
		return err
	}
	writes, err := sql.Open("sqlite", address(file, writing))
	if err != nil {
		return err
	}
	s.writer = newWriter(writes, s.wake)
	if err := migrate(ctx, file, writes); err != nil {
		return err
	}
	if s.reads, err = sql.Open("sqlite", address(file, reading)); err != nil {
		return err
	}
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	if s.read, err = prepare(ctx, s.reads, readSQL); err != nil {
		return err
	}
	return s.writer.start(ctx)
}

// Settings go with the address, so that every connection of a pool has them.
var (
	writing = url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)"},
		"_txlock": {"immediate"},
	}
	reading = url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(ON)", "temp_store(MEMORY)"},
	}
)

func address(file string, settings url.Values) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: settings.Encode()}
	return u.String()
}

// migrate brings the schema up to date, if the file is good.
func migrate(ctx context.Context, file string, db *sql.DB) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if err := inspect(ctx, file, sources[len(sources)-1].Version); err != nil {
		return err
	}
	if err := narrow(file); err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// Close implements engagement.Store.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.release() })
	return s.closeErr
}

// release closes what has been opened so far.
func (s *Store) release() error {
	var first error
	if s.writer != nil {
		first = s.writer.close()
	}
	if s.reads != nil {
		if err := s.reads.Close(); first == nil {
			first = err
		}
	}
	if s.lock != nil { // the next owner may come only when all is closed
		if err := s.lock.Close(); first == nil {
			first = err
		}
	}
	return first
}

// Watch implements engagement.Feed.
func (s *Store) Watch() (<-chan struct{}, func()) {
	wake := make(chan struct{}, 1)
	s.watch.Lock()
	s.watchers[wake] = true
	s.watch.Unlock()
	return wake, func() {
		s.watch.Lock()
		delete(s.watchers, wake)
		s.watch.Unlock()
	}
}

// wake tells all watchers that the feed has grown. It never blocks.
func (s *Store) wake() {
	s.watch.Lock()
	defer s.watch.Unlock()
	for wake := range s.watchers {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
}
