package server

import (
	"context"
	"errors"
	"time"
)

// Database is what a Kit stands on: its own tables beside those of the program, in one
// database. Packages postgres and sqlite have one each; package databasetest states this
// contract as tests.
//
// Methods are safe for concurrent use. An error wraps [ErrAgain], [ErrBusy],
// [ErrUnavailable], [ErrText] or [ErrGap] where it is one of these. After Close every
// method fails with ErrUnavailable.
type Database interface {
	// Begin opens a transaction, and in it, in this order and in as few round trips as
	// it can: claims the keys of the claim, locks its entities, looks at the clock, and
	// reads. Claiming and locking go in ascending order of bytes, whatever the order in the claim.
	//
	// A key that another transaction has claimed is waited for, and so is a locked
	// entity: [ErrBusy] when a key takes too long (one second), [ErrAgain] when an entity
	// does. An error means that there is no transaction.
	Begin(ctx context.Context, claim Claim) (Work, error)

	// Read calls look with one moment of the database, which is not before any commit
	// that had returned when Read was called. The moment's position is exact: all that it
	// shows has positions up to it, and all up to it is shown.
	Read(ctx context.Context, look func(ctx context.Context, m Moment) error) error

	// Entries returns up to limit entries after the cursor, those of each partition in
	// ascending order, and the cursor to go on from. Each call that goes on where the last
	// one ended misses none and repeats none. [ErrGap] when the cursor is before the
	// oldest entry that is kept, in the future, or of another era or number of partitions.
	Entries(ctx context.Context, after Cursor, limit int) (entries []Entry, next Cursor, err error)

	// Sequence gives positions to committed changes that have none yet (see [Commit]),
	// and returns how many. It may be called by any process at any time.
	Sequence(ctx context.Context) (int, error)

	// Tell wakes all watchers, in all processes, soon; calls that come close together
	// wake them once. It does not wait, and may be lost with a connection or a process.
	Tell()

	// Watch has wake called when there may be something new in the feed or to be
	// sequenced, and now and then without a reason. It does not wait for wake to be
	// heard: wake must not block. stop returns when no more calls will come.
	Watch(wake func()) (stop func())

	// Forget drops keys claimed and entries made longer ago than age, on the database's
	// clock. The newest entry of each partition stays.
	Forget(ctx context.Context, age time.Duration) error

	// NewEra begins a new history, as is needed after a database was restored from an
	// older copy, and returns it. It is greater than all before it.
	NewEra(ctx context.Context) (int64, error)

	// Ready returns nil when reading and writing work.
	Ready(ctx context.Context) error

	// Close ends what was begun and releases everything. A second Close does nothing.
	Close() error
}

// Errors of a Database.
var (
	// ErrAgain says that the transaction was undone for a reason that passes: a deadlock,
	// a serialization failure, a lock that was waited for too long. Nothing was written.
	ErrAgain = errors.New("the transaction has to be repeated")
	// ErrBusy says that another transaction has claimed the same key and still runs.
	// Nothing was written.
	ErrBusy = errors.New("an operation with this key is still being carried out")
	// ErrUnavailable says that the database could not be reached, or was lost on the way.
	// If it was lost in Commit, it is open whether all was written or nothing.
	ErrUnavailable = errors.New("the database is not available")
	// ErrText says that the database cannot keep a text: in PostgreSQL none may have a zero
	// byte, and all must be UTF-8. Nothing was written.
	ErrText = errors.New("a text has a character that the database cannot keep")
	// ErrGap says that the feed cannot be read on from the cursor.
	ErrGap = errors.New("this place in the feed is not known")
	// ErrNewer says, when a database is opened, that a later version of the kit or of the
	// program has brought up its tables. Nothing was written.
	ErrNewer = errors.New("a newer version of this program has written the database")
)

// Key is an idempotency key as it comes with an operation.
type Key struct {
	User string
	Key  string
	// Fingerprint is that of the payload.
	Fingerprint string
}

// Record is what is known of a key that was claimed before.
type Record struct {
	Fingerprint string
	// Already says that all was as wanted.
	Already bool
	// Version is that of the operation's first entity when it had been carried out.
	Version uint64
}

// Entity is an entity's own row.
type Entity struct {
	ID string
	// Version is 0 when the entity never was.
	Version uint64
	// ChangedAt is the time of the change that made Version, in milliseconds since the
	// Unix epoch; 0 when the entity never was. It never goes back.
	ChangedAt int64
}

// Claim is what a transaction takes hold of at its begin.
type Claim struct {
	// Keys are distinct as (User, Key).
	Keys []Key
	// Entities are distinct.
	Entities []string
	// Reads are the program's, in order.
	Reads []Read
}

// Read is one query of the program.
type Read struct {
	// Row is called for each row, in order. It does not panic.
	Row  func(scan Scan) error
	SQL  string
	Args []any
}

// Write is one statement of the program.
type Write struct {
	SQL  string
	Args []any
}

// Work is a transaction that holds what was claimed. It belongs to one goroutine, and
// has to be ended by Commit or Rollback.
type Work interface {
	Tx

	// Now is the database's time at the begin, in milliseconds since the Unix epoch.
	Now() int64
	// Known is the record of each key of the claim that was claimed before; nil for a
	// key that is fresh. It has the order of Claim.Keys.
	Known() []*Record
	// Held has the entities of the claim in the order of Claim.Entities.
	Held() []Entity

	// Commit writes all of c and commits. [ErrAgain]: nothing was written.
	// [ErrUnavailable]: it is open whether it was.
	Commit(ctx context.Context, c Commit) error
	// Rollback undoes everything. After Commit it does nothing.
	Rollback()
}

// Commit is what a transaction leaves.
type Commit struct {
	// Writes are the program's, in order, beside what it has written with Exec.
	Writes []Write
	// Done has the fresh keys whose operations were carried out. All other fresh keys of
	// the claim are free again.
	Done []Done
	// Changed are the changes of entities in the order in which they were made; an entity
	// may come several times, with ascending versions. The last one is the row to be kept.
	Changed []Entity
	// Later leaves the entries of the feed to [Database.Sequence], so that the
	// transaction does not hold the counter of the feed until it has committed. Otherwise
	// the entries are in the feed with the commit. A database with one writer may ignore it.
	Later bool
}

// Done is an operation that was carried out.
type Done struct {
	Key
	Record
	// Entities are those that the operation named: truth of each contains the key, for
	// the user.
	Entities []string
}

// Moment is one moment of the database.
type Moment interface {
	Query
	// Position is the newest position of each partition at this moment, with the era.
	Position() Cursor
	// Entities returns the rows of the entities, in the order of ids.
	Entities(ctx context.Context, ids []string) ([]Entity, error)
	// Contains returns the keys of the user's latest operations on each of the entities,
	// oldest first, at most limit each.
	Contains(ctx context.Context, ids, users []string, limit int) (map[Own][]string, error)
}

// Own names what one viewer has of one entity.
type Own struct{ Entity, Viewer string }
