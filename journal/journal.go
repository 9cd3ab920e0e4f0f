// Package journal is the contract between a manager of package optimist and the storage
// that holds its unsettled operations over restarts. An implementation imports only
// this package; package journaltest states the contract as tests.
//
// # Guarantees of an implementation
//
//   - [Journal.Write] is all or nothing: after a crash either every record of a call is
//     there or none.
//   - The records of a Write that returned nil survive the events that
//     [Journal.Durability] names.
//   - Calls of Write that do not overlap are replayed in the order of the calls.
//   - After an error of Write the records of the call may be stored or not. With
//     [ErrRefused] and [ErrTooLarge] none of them was stored and the journal goes on. A
//     journal that can no longer tell which records are on disk returns [ErrFailed]
//     from this and every later Write until it is opened again.
//   - A journal has one owner. Opening a journal that another process, or another
//     handle of this process, owns fails with an error that wraps [ErrOwned], within a
//     second and without disturbing the owner. When the owner has closed the journal,
//     or has died in any way, the next opening succeeds.
//
// # Not guaranteed
//
// Calls of Write that overlap may share one sync (group commit), in any order among
// themselves. A journal does not know the meaning of a record's bytes.
package journal

import "errors"

// Journal is the durable log of unsettled operations: an ordered map from a sequence
// number to the bytes of one operation, changed only by whole batches.
//
// Methods are safe for concurrent use. Load is called once, before any Write.
type Journal interface {
	// Load returns the live records: for each sequence number that was put and not since
	// settled, its latest bytes, ascending by sequence number. Damage in the middle of the
	// log is an error that wraps [ErrCorrupt] (a torn tail is cut without an error); the
	// readable records are returned with it, and Write fails with the same error, so that
	// a damaged log does not grow.
	Load() ([]Record, error)

	// Write makes the records durable in the order given.
	Write(records []Record) error

	// Durability returns the events that the records of a successful Write survive. It is
	// constant.
	Durability() Durability

	// Close releases ownership. It does not lose accepted records, and waits for a running
	// Write. A second Close does nothing and returns nil; Load and Write after it return
	// an error that wraps [ErrClosed].
	Close() error
}

// Durability is the kind of event that records survive. Each value includes the smaller
// ones.
type Durability uint8

const (
	// DurableNever: no event; the records are gone with the process.
	DurableNever Durability = iota
	// DurableProcess: the death of the process, but not of the machine.
	DurableProcess
	// DurablePower: the loss of power.
	DurablePower
)

// Record is one change to a Journal. Load returns records with Settled false.
type Record struct {
	// Seq orders records; it is never reused within one journal. Zero is the
	// manager's own header record (clock and identity), which sorts first.
	Seq uint64

	// Settled says that the operation has ended: the record stops being live. Data then
	// holds the outcome, for people reading the log afterwards.
	Settled bool

	// Data is opaque to the journal, at most [MaxData] bytes. The journal must neither
	// keep nor change the slice after Write returns.
	Data []byte
}

// MaxData is the largest Data of one record, in bytes. A larger one is refused by Write
// with an error that wraps [ErrTooLarge]; the journal goes on.
const MaxData = 1 << 20

// Errors of journals. Implementations wrap them with the failed action, the place and
// the remedy.
var (
	// ErrOwned says that another owner has opened the journal.
	ErrOwned = errors.New("journal: owned by another process")
	// ErrCorrupt says that the journal has damage that a crash cannot explain.
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrTooLarge says that a record is larger than [MaxData].
	ErrTooLarge = errors.New("journal: record too large")
	// ErrRefused says that this write was not possible (disk full, database busy). None of
	// its records was stored, the journal is unchanged, and a later Write may succeed.
	ErrRefused = errors.New("journal: refused the write and kept nothing of it")
	// ErrFailed says that after an error of the medium the journal cannot tell which
	// records are on disk; it takes no more records until it is opened again.
	ErrFailed = errors.New("journal: stopped after an input or output error")
	// ErrClosed says that the journal was closed.
	ErrClosed = errors.New("journal: closed")
)
