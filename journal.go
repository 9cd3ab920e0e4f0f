package optimist

// A Journal is the durable log of unsettled operations: an ordered map from a
// sequence number to the bytes of one operation, changed only by whole batches.
// The manager decides what the bytes mean; a journal only keeps them.
//
// Every implementation passes the suite in package journaltest, which states
// the contract as tests. In words:
//
//   - Write is all or nothing per call: after a crash either every record of
//     the call is there or none is.
//   - When Write has returned nil its records survive the death of the process
//     and, unless the implementation says otherwise, the loss of power.
//   - Calls to Write that do not overlap are replayed in the order of the calls.
//     Overlapping calls may share one sync (group commit) in any order.
//   - When Write has returned an error nothing of the call may be relied on. With
//     ErrJournalRefused and ErrJournalTooLarge nothing of it was kept and the
//     journal goes on; a journal that can no longer tell what is on disk returns
//     ErrJournalFailed from this and every later Write until it is opened again.
//   - A journal has one owner. Opening one that another process (or another
//     handle of this process) owns fails with an error that wraps ErrJournalOwned,
//     within a second and without disturbing the owner. When the owner has closed
//     it, or has died in any way, the next Open succeeds.
//
// A journal that promises less or wants to say so implements JournalDurability.
//
// Methods are safe for concurrent use. Load is called once, before any Write.
type Journal interface {
	// Load returns the live records: for each sequence number that was put and not
	// since settled, its latest bytes, ascending by sequence number. Data that is
	// damaged in the middle (not a torn tail, which is cut) is an error that wraps
	// ErrJournalCorrupt; what could be read is returned with it, and Write refuses
	// with the same error, so that nothing is built on a damaged log.
	Load() ([]JournalRecord, error)

	// Write makes the records durable in the order given.
	Write(records []JournalRecord) error

	// Close releases ownership. It does not lose what Write has accepted, and
	// waits for a Write that is at work. A second Close does nothing and returns
	// nil; Load and Write after it return an error that wraps ErrJournalClosed.
	Close() error
}

// JournalDurability is implemented by journals that can say what acknowledged
// records survive. A journal without it promises DurablePower, as Journal says.
type JournalDurability interface {
	Durability() Durability
}

// Durability is what the records of a Write that returned nil survive. Each value
// includes the ones before it.
type Durability uint8

const (
	// DurableNever: nothing; the records are gone with the process.
	DurableNever Durability = iota
	// DurableProcess: the death of the process, but not of the machine.
	DurableProcess
	// DurablePower: the loss of power.
	DurablePower
)

// JournalRecord is one change to a Journal. The same type is what Load returns,
// where Settled is always false.
type JournalRecord struct {
	// Seq orders records; it is never reused within one journal. Zero is the
	// journal's own header record (clock and identity), which sorts first.
	Seq uint64

	// Settled says that the operation has ended: the record stops being live.
	// Data then holds the outcome, for people who read the log afterwards.
	Settled bool

	// Data is opaque to the journal, at most MaxJournalData bytes. The journal
	// must neither keep nor change the slice after Write returns.
	Data []byte
}

// MaxJournalData is the largest Data of one record, in bytes. A larger one is
// refused by Write with an error that wraps ErrJournalTooLarge, and harms nothing.
const MaxJournalData = 1 << 20
