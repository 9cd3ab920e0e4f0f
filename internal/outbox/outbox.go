// Package outbox decides what the journal is told of operations: which records, in which
// order, and what becomes of those that the journal refuses or that this program cannot
// read.
//
// # Guarantees
//
//   - Records leave in the order in which the engine decided, one [Write] at a time, and as
//     many in it as have come up.
//   - A record that the journal refused for now is said again, before all later ones.
//   - What cannot be restored stays in the journal, in quarantine, until it is discarded or
//     what it depends on comes to nothing.
//
// # What must not be assumed
//
// An Outbox has no lock, goroutine or timer, and calls nothing: its caller writes, waits
// and tells how it went. It is not safe for concurrent use, except that a Write that was
// taken belongs to its writer until [Outbox.Wrote].
package outbox

import (
	"errors"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// Waits between tries to say what was refused: firstPause × 2^n, at most longestPause.
const (
	firstPause   = engine.Time(1e9) // a second
	longestPause = 30 * firstPause
)

// Outbox is what the journal has still to be told. Make one with [New].
type Outbox struct {
	client string

	queue  []Entry          // to be written, in order
	spare  []Entry          // the memory of a queue that was written
	header bool             // the header is to be written behind the queue
	clock  engine.Timestamp // of the header written last

	unsaid  []written   // what the journal refused, to be written again
	retryAt engine.Time // when that is written by itself at the latest; engine.Never: no time is set
	tries   int         // that time has made in vain since the journal took anything

	writing bool  // a writer is at work: from Start until Next returns nil
	failed  error // of the latest write; nil when it went well
	dead    bool  // the journal takes nothing any more
	lost    int   // ends that came too late for a journal that is dead

	restored   bool     // Begin was called
	loaded     []Loaded // by an earlier life, before that
	quarantine []Loaded // after that: what could not be restored
}

// Entry becomes one record. It holds what may change before it is written.
type Entry struct {
	Op    *engine.Op // nil: Data is the whole record
	ID    string     // of an operation of an earlier life
	Data  []byte     // else the encoded arguments, or nil if they are still to be encoded
	Seq   uint64
	Ends  bool
	Kept  engine.Kept // its times as in a Record
	Why   error       // why the operation is parked
	Deps  []uint64
	First bool // the operation waits for this record
}

// written is a record, and the operation that is durable with it, or nil.
type written struct {
	journal.Record
	first *engine.Op
}

// New returns an empty outbox.
func New() *Outbox { return &Outbox{retryAt: engine.Never} }

// SetClient names the client in the header.
func (b *Outbox) SetClient(id string) { b.client = id }

// Put queues the record of an operation: it is new, or something in it has changed. It
// reports false when the journal takes nothing any more.
func (b *Outbox) Put(e Entry) bool {
	if b.dead {
		return false
	}
	b.queue = append(b.queue, e)
	return true
}

// Settle queues the end of an operation, and with it what must outlive the operation: the
// clock and the sequence number. kept says that the journal holds the operation. It
// returns what has left the quarantine, because it depended on the operation.
func (b *Outbox) Settle(o *engine.Op, kept bool) []Loaded {
	if b.dead {
		if kept {
			b.lost++
		}
		return nil
	}
	b.end(o.Seq(), outcomeData[o.Outcome()])
	b.header = true
	return b.follow(o)
}

// end queues the end of a record.
func (b *Outbox) end(seq uint64, outcome []byte) {
	b.queue = append(b.queue, Entry{Seq: seq, Ends: true, Data: outcome})
}

// outcomeData is what stands in the journal for an end, for people to read.
var outcomeData = map[engine.Outcome][]byte{
	engine.Confirmed: []byte("confirmed"), engine.RolledBack: []byte("rolled back"),
	engine.Superseded: []byte("superseded"), engine.Cancelled: []byte("cancelled"),
}

// Touch has the header written, and what the journal refused before it.
func (b *Outbox) Touch() { b.header = true }

// KeepClock has the header written if the clock has moved since it was.
func (b *Outbox) KeepClock(clock engine.Timestamp) {
	if b.restored && !b.dead && clock > b.clock {
		b.header = true
	}
}

// Start reports whether a writer has to begin: there is something to write, and none is
// at work. From then on one is.
func (b *Outbox) Start() bool {
	if b.writing || len(b.queue) == 0 && !b.header {
		return false
	}
	b.writing = true
	return true
}

// Next takes what is to be written next; nil: nothing is, and the writer ends.
func (b *Outbox) Next(clock engine.Timestamp, seq uint64) *Write {
	if len(b.queue) == 0 && !b.header {
		b.writing = false
		b.queue, b.spare = nil, nil
		return nil
	}
	out := &Write{entries: b.queue}
	out.records = append(make([]written, 0, len(b.unsaid)+len(b.queue)+1), b.unsaid...)
	if b.header {
		out.header = &Header{Client: b.client, Clock: clock, Seq: seq}
		b.clock = clock
	}
	b.queue, b.spare, b.unsaid, b.header = b.spare[:0], nil, nil, false
	return out
}

// Wrote notes how a write ended, and returns the operations that the journal
// holds from now on.
func (b *Outbox) Wrote(write *Write, err error, now engine.Time) (held []*engine.Op) {
	late := b.dead // it was begun while the one that failed was under way
	if b.failed = err; err == nil {
		b.retryAt, b.tries = engine.Never, 0
		for _, r := range write.records {
			if r.first != nil {
				held = append(held, r.first)
			}
		}
	} else {
		b.dead = !Passes(err)
		b.refused(lastOfEach(write.records), now)
	}
	if late {
		for _, e := range write.entries {
			if e.Ends {
				b.lost++
			}
		}
	}
	if clear(write.entries); cap(write.entries) <= 4096 {
		b.spare = write.entries
	}
	return held
}

// refused keeps what a write could not say. A journal that is dead will never hear it, so
// that only the ends are counted.
func (b *Outbox) refused(unsaid []written, now engine.Time) {
	if b.dead {
		b.lost += endsAmong(unsaid)
		return
	}
	b.unsaid = unsaid
	if b.retryAt == engine.Never {
		b.retryAt = now + pauseAfter(b.tries)
	}
}

// pauseAfter is how long to wait after so many tries in vain.
func pauseAfter(tries int) engine.Time { return min(firstPause<<min(tries, 10), longestPause) }

// lastOfEach keeps what is left to say of a write that was refused: the last record of
// each operation, and none of those that came and went.
func lastOfEach(write []written) []written {
	last := make(map[uint64]int, len(write))
	kept := write[:0:0]
	for _, r := range write {
		i, ok := last[r.Seq]
		if !ok {
			last[r.Seq] = len(kept)
			kept = append(kept, r)
			continue
		}
		if r.first == nil {
			r.first = kept[i].first
		}
		kept[i] = r
	}
	return slices.DeleteFunc(kept, func(r written) bool { return r.Settled && r.first != nil })
}

func endsAmong(records []written) (n int) {
	for _, r := range records {
		if r.Settled {
			n++
		}
	}
	return n
}

// Due is when what was refused has to be written again, or engine.Never.
func (b *Outbox) Due() engine.Time {
	if b.writing || len(b.unsaid) == 0 {
		return engine.Never
	}
	return b.retryAt
}

// RetryAt is when what was refused is written again; engine.Never: nothing was refused.
func (b *Outbox) RetryAt() engine.Time { return b.retryAt }

// Tick has what was refused written again, if it is time.
func (b *Outbox) Tick(now engine.Time) {
	if b.Due() <= now {
		b.retryAt = engine.Never
		b.tries++
		b.header = true
	}
}

// Writing reports whether a writer is at work.
func (b *Outbox) Writing() bool { return b.writing }

// Unsaid reports whether the journal has refused something that is not written yet.
func (b *Outbox) Unsaid() bool { return len(b.unsaid) > 0 }

// Failed is why the latest write failed, or nil.
func (b *Outbox) Failed() error { return b.failed }

// Dead reports whether the journal takes nothing any more.
func (b *Outbox) Dead() bool { return b.dead }

// Passes reports whether a later write may succeed after the error.
func Passes(err error) bool {
	return errors.Is(err, journal.ErrRefused) || errors.Is(err, journal.ErrTooLarge)
}

// Owed names the ends that the disk does not have, and why, in an error that wraps
// notOnDisk; nil: it has all.
func (b *Outbox) Owed(notOnDisk error) error {
	n := b.lost + endsAmong(b.unsaid)
	switch {
	case n == 0:
		return nil
	case b.dead:
		return errorf.New("%w: %d of them, and the journal takes nothing any more: a restart may send these operations again: %w",
			notOnDisk, n, b.failed)
	}
	return errorf.New("%w: %d of them; they are written again, and until then a restart would send these operations again: %w",
		notOnDisk, n, b.failed)
}
