package server

import (
	"context"
	"errors"
	"time"
)

// Database is the storage of a [Kit]: tables of the kit beside the tables of the program,
// in one database. Packages postgres and sqlite each have an implementation; package
// databasetest states this contract as tests.
//
// Methods are safe for concurrent use. An error wraps [ErrAgain], [ErrBusy],
// [ErrUnavailable], [ErrText] or [ErrGap] where one of these is the cause. After Close
// every method fails with [ErrUnavailable].
type Database interface {
	// Begin opens a transaction. Within the transaction and in this order it claims the keys
	// of the claim, locks the entities, reads the clock, and runs the reads, in as few round
	// trips as possible. Keys are claimed and entities locked in ascending order of bytes;
	// the order in the claim does not matter.
	//
	// Begin waits for a key that another transaction has claimed, and for a locked entity:
	// at most one second for a key, then the error is [ErrBusy]; when an entity takes too
	// long it is [ErrAgain]. An error means that there is no transaction.
	Begin(ctx context.Context, claim Claim) (Work, error)

	// Read calls look with one moment of the database. The moment contains every commit that
	// had returned when Read was called. The moment's position is exact: the moment shows
	// all changes up to this position and none after it.
	Read(ctx context.Context, look func(ctx context.Context, m Moment) error) error

	// Entries returns up to limit entries after the cursor, the entries of each partition in
	// ascending order, and the cursor to go on from. A call that starts at the cursor of the
	// previous call misses no entry and repeats none. The error is [ErrGap] when the cursor
	// is before the oldest entry kept, in the future, of another era, or has another number
	// of partitions.
	Entries(ctx context.Context, after Cursor, limit int) (entries []Entry, next Cursor, err error)

	// Sequence gives positions to committed changes that have none yet (see [Commit]), and
	// returns their number. Any process may call Sequence at any time.
	Sequence(ctx context.Context) (int, error)

	// Tell wakes all watchers of all processes soon; several calls in a short time may wake
	// them once. Tell does not wait, and its wake-up may be lost with a connection or a
	// process.
	Tell()

	// Watch registers wake, which the database calls when the feed may have new entries,
	// when changes may wait for [Database.Sequence], and now and then without a reason. wake
	// must not block. stop returns when wake will not be called any more.
	Watch(wake func()) (stop func())

	// Forget drops the keys and entries that are older than age on the database's clock. The
	// newest entry of each partition stays.
	Forget(ctx context.Context, age time.Duration) error

	// NewEra begins a new era of the feed and returns its number, which is greater than all
	// earlier ones. A database that was restored from an older copy needs a new era.
	NewEra(ctx context.Context) (int64, error)

	// Ready returns nil when reading and writing work.
	Ready(ctx context.Context) error

	// Close rolls back open transactions and releases all resources. A second Close does
	// nothing.
	Close() error
}

// Errors of a Database.
var (
	// ErrAgain says that the transaction was rolled back for a temporary reason: a deadlock,
	// a serialization failure, or a lock that was not free in time. Nothing was written.
	ErrAgain = errors.New("the transaction has to be repeated")
	// ErrBusy says that another transaction has claimed the same key and still runs.
	// Nothing was written.
	ErrBusy = errors.New("an operation with this key is still being carried out")
	// ErrUnavailable says that the database could not be reached, or was lost on the way.
	// After a loss during [Work.Commit] the whole transaction was written or nothing of it;
	// the caller cannot know which.
	ErrUnavailable = errors.New("the database is not available")
	// ErrText says that the database cannot keep a text: PostgreSQL takes only UTF-8 without
	// zero bytes. Nothing was written.
	ErrText = errors.New("a text has a character that the database cannot keep")
	// ErrGap says that the feed cannot be read from the cursor: entries after it may be
	// missing.
	ErrGap = errors.New("this place in the feed is not known")
	// ErrNewer says, when a database is opened, that a later version of the kit or of the
	// program has brought up its tables. Nothing was written.
	ErrNewer = errors.New("a newer version of this program has written the database")
)

// Key is the idempotency key of an operation.
type Key struct {
	User string
	Key  string
	// Fingerprint is a hash of the operation's name and payload.
	Fingerprint string
}

// Record is the stored result of the operation that a key belongs to.
type Record struct {
	Fingerprint string
	// Already says that the operation found its effect already there and changed nothing.
	Already bool
	// Version is the version of the operation's first entity after the operation.
	Version uint64
}

// Entity is an entity's own row.
type Entity struct {
	ID string
	// Version is 0 for an entity that never existed.
	Version uint64
	// ChangedAt is the time of the change that made Version, in milliseconds since the Unix
	// epoch; 0 for an entity that never existed. It never decreases.
	ChangedAt int64
}

// Claim lists the keys, entities and reads with which a transaction begins.
type Claim struct {
	// Keys are distinct as (User, Key).
	Keys []Key
	// Entities are distinct.
	Entities []string
	// Reads are the queries of the program, in order.
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

// Work is a transaction that holds the keys and entities of its [Claim]. It belongs to
// one goroutine, which ends it by Commit or Rollback.
type Work interface {
	Tx

	// Now is the database's time at the beginning of the transaction, in milliseconds since
	// the Unix epoch.
	Now() int64
	// Known returns one element for each of Claim.Keys, in their order: the record of a key
	// that was committed before, nil for a fresh key.
	Known() []*Record
	// Held returns the locked entities in the order of Claim.Entities.
	Held() []Entity

	// Commit writes all of c and commits. After [ErrAgain] nothing was written. After
	// [ErrUnavailable] the transaction may or may not have been committed.
	Commit(ctx context.Context, c Commit) error
	// Rollback undoes everything. After Commit it does nothing.
	Rollback()
}

// Commit lists the rows that a transaction writes.
type Commit struct {
	// Writes are the statements of the program, in order. Statements that the program ran
	// with Exec are not among them.
	Writes []Write
	// Done has the fresh keys whose operations were carried out. The commit frees all other
	// fresh keys of the claim.
	Done []Done
	// Changed are the changes of entities in the order in which they were made; an entity
	// may be listed several times, with ascending versions. Its last element becomes its
	// row.
	Changed []Entity
	// Later leaves the entries of the feed to [Database.Sequence], so that the transaction
	// does not hold the counter of the feed until it has committed. Without Later the commit
	// itself puts the entries into the feed. A database with one writer may ignore it.
	Later bool
}

// Done is an operation that was carried out.
type Done struct {
	Key
	Record
	// Entities are the entities that the operation named. The truth of each of them contains
	// the key, for the user.
	Entities []string
}

// Moment is one moment of the database.
type Moment interface {
	Query
	// Position returns the cursor of this moment: the era and the newest position of each
	// partition.
	Position() Cursor
	// Entities returns the rows of the entities, in the order of ids.
	Entities(ctx context.Context, ids []string) ([]Entity, error)
	// Contains returns the keys of the user's latest operations on each of the entities,
	// oldest first, at most limit each.
	Contains(ctx context.Context, ids, users []string, limit int) (map[Own][]string, error)
}

// Own names one viewer's own part of one entity.
type Own struct{ Entity, Viewer string }
