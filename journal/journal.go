// Package journal is the contract between a manager of package optimist and the storage
// that holds its unsettled operations over restarts. It is all that an implementation
// imports; package journaltest states it as tests.
//
// # Guarantees of an implementation
//
//   - [Journal.Write] is all or nothing: after a crash either every record of a call is
//     there or none is.
//   - When Write has returned nil, its records survive as much as [Journal.Durability]
//     says.
//   - Calls of Write that do not overlap are replayed in the order of the calls.
//   - When Write has returned an error, nothing of the call may be relied on. With
//     [ErrRefused] and [ErrTooLarge] nothing of it was kept and the journal goes on. A
//     journal that can no longer tell which records are on disk returns [ErrFailed] from
//     this and every later Write until it is opened again.
//   - A journal has one owner. Opening a journal that another process, or another handle
//     of this process, owns fails with an error that wraps [ErrOwned], within a second and
//     without disturbing the owner. When the owner has closed it, or has died in any way,
//     the next opening succeeds.
//
// # What must not be assumed
//
// Calls of Write that overlap may share one sync (group commit), in any order among
// themselves. A journal does not know what the bytes of a record mean.
package journal

import "errors"

// Journal is the durable log of unsettled operations: an ordered map from a sequence
// number to the bytes of one operation, changed only by whole batches.
//
// Methods are safe for concurrent use. Load is called once, before any Write.
type Journal interface {
	// Load returns the live records: for each sequence number that was put and not
	// since settled, its latest bytes, ascending by sequence number. Data that is
	// damaged in the middle (not a torn tail, which is cut) is an error that wraps
	// [ErrCorrupt]; the records that could be read are returned with it, and Write
	// refuses with the same error, so that nothing is built on a damaged log.
	Load() ([]Record, error)

	// Write makes the records durable in the order given.
	Write(records []Record) error

	// Durability is what the records of a Write that returned nil survive. It is
	// constant.
	Durability() Durability

	// Close releases ownership. It does not lose what Write has accepted, and
	// waits for a Write that is at work. A second Close does nothing and returns
	// nil; Load and Write after it return an error that wraps [ErrClosed].
	Close() error
}

// Durability is what records survive. Each value includes the ones before it.
type Durability uint8

const (
	// DurableNever: nothing; the records are gone with the process.
	DurableNever Durability = iota
	// DurableProcess: the death of the process, but not of the machine.
	DurableProcess
	// DurablePower: the loss of power.
	DurablePower
)

// Record is one change to a Journal. The same type is what Load returns, where Settled
// is always false.
type Record struct {
	// Seq orders records; it is never reused within one journal. Zero is the
	// manager's own header record (clock and identity), which sorts first.
	Seq uint64

	// Settled says that the operation has ended: the record stops being live.
	// Data then holds the outcome, for people who read the log afterwards.
	Settled bool

	// Data is opaque to the journal, at most [MaxData] bytes. The journal must neither
	// keep nor change the slice after Write returns.
	Data []byte
}

// MaxData is the largest Data of one record, in bytes. A larger one is refused by Write
// with an error that wraps [ErrTooLarge], and harms nothing.
const MaxData = 1 << 20

// Errors of journals. Implementations wrap them with what, where and what to do.
var (
	// ErrOwned: another owner has the journal open.
	ErrOwned = errors.New("journal: owned by another process")
	// ErrCorrupt: the journal holds damage that a crash cannot explain.
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrTooLarge: a record is larger than MaxData.
	ErrTooLarge = errors.New("journal: record too large")
	// ErrRefused: this write was not possible (disk full, database busy). Nothing of it
	// was kept, the journal is as it was before, and a later Write may succeed.
	ErrRefused = errors.New("journal: refused the write and kept nothing of it")
	// ErrFailed: the medium reported an error after which the journal cannot tell which
	// records are on disk; it takes nothing more until it is opened again.
	ErrFailed = errors.New("journal: stopped after an input or output error")
	// ErrClosed: the journal was closed.
	ErrClosed = errors.New("journal: closed")
)
