// Package outbox decides which records of operations the journal is given, and in which
// order. It keeps the records that the journal refuses, and the records of earlier lives that
// this program cannot restore.
//
// # Guarantees
//
//   - Records leave in the order in which the engine decided, one [Write] at a time, and as
//     many in it as have come up.
//   - A record that the journal refused for now is said again, before all later ones.
//   - A record that cannot be restored stays in the journal, in quarantine, until it is
//     discarded or an operation on which it depends comes to nothing.
//
// # Not guaranteed
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

// Pauses between tries to write refused records: firstPause × 2^n, at most longestPause.
const (
	firstPause   = engine.Time(1e9) // a second
	longestPause = 30 * firstPause
)

// Outbox holds the records that the journal has not taken yet. Make one with [New].
type Outbox struct {
	client   string
	era      uint64 // of the server, for the header
	outlived bool   // the era began in this life

	queue  []Entry          // to be written, in order
	spare  []Entry          // the memory of a queue that was written
	header bool             // the header is to be written behind the queue
	clock  engine.Timestamp // of the header written last

	unsaid  []written   // records that the journal refused, to be written again
	retryAt engine.Time // when they are written again by themselves; engine.Never: no time is set
	tries   int         // by themselves, in vain, since the journal took anything

	writing bool  // a writer is at work: from Start until Next returns nil
	failed  error // of the latest write; nil when it went well
	dead    bool  // the journal takes nothing any more
	lost    int   // ends that came too late for a journal that is dead

	waiting []*Wait // for the records queued
	taken   []*Wait // for the write under way

	restored   bool                  // Begin was called
	reminded   bool                  // of Begin, which was not called
	loaded     []Loaded              // left by an earlier life, until Begin
	names      []Name                // left by an earlier life, until BeginNames; then those of no known store
	quarantine []Loaded              // records that could not be restored, from Begin on
	restoring  map[uint64]*engine.Op // from Begin to End: operations by sequence number; nil: in quarantine
}

// ErrNotOnDisk: operations have ended, and the journal has not taken their ends.
var ErrNotOnDisk = errors.New("optimist: ends of operations are not on disk")

// Entry becomes one record. It holds the state of the operation
// that may change before the record is written.
type Entry struct {
	Op *engine.Op // nil: Data is the whole record
	ID string     // empty: it is still to be asked for
	// Entity is the operation's one, which may become part of another; nil for a group.
	Entity *engine.Entity
	Group  []*engine.Entity // those of a group
	Data   []byte           // else the encoded arguments, or nil if they are still to be encoded
	Schema int              // of the arguments
	Seq    uint64
	Ends   bool
	Kept   engine.Kept // its times as in a Record
	Why    error       // why the operation is parked
	Deps   []uint64
	First  bool // the operation waits for this record
}

// EntryOf is the entry of an operation whose arguments have the version schema. now is the
// engine's time, epoch its time 0, in nanoseconds since 1970, and wall the time of the wall clock.
func EntryOf(o *engine.Op, schema int, now, epoch engine.Time, wall engine.Timestamp) Entry {
	e := Entry{Op: o, ID: o.RestoredID(), Seq: o.Seq(), Schema: schema, Why: o.ParkedFor(), Kept: Keep(o.Kept(now), epoch)}
	if e.Kept.InFlight && e.Kept.Since == 0 {
		e.Kept.Since = wall // a crash leaves this attempt in doubt
	}
	if o.Group() {
		o.Entities(func(ent *engine.Entity) bool { e.Group = append(e.Group, ent); return true })
	} else {
		e.Entity = o.Entity()
	}
	for _, on := range o.Deps() {
		e.Deps = append(e.Deps, on.Seq())
	}
	return e
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

// Settle queues the end of an operation, and with it the clock and the sequence number,
// which must outlive the operation. kept says that the journal holds the operation. Settle
// returns the records that have left the quarantine, because they depended on the operation.
func (b *Outbox) Settle(o *engine.Op, kept bool) []Loaded {
	if b.dead {
		if kept {
			b.lost++
		}
		return nil
	}
	b.end(o.Seq(), outcomeText[o.Outcome()])
	b.header = true
	return b.follow(o)
}

// end queues the end of a record.
func (b *Outbox) end(seq uint64, outcome string) {
	b.queue = append(b.queue, Entry{Seq: seq, Ends: true, Data: []byte(outcome)})
}

// outcomeText stands in the journal for an end, for people to read.
var outcomeText = [...]string{
	engine.Confirmed: "confirmed", engine.RolledBack: "rolled back", engine.Superseded: "superseded", engine.Cancelled: "cancelled",
}

// Touch has the header written, and before it the records that the journal refused.
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

// Next takes all records that are queued; nil: none is, and the writer ends.
func (b *Outbox) Next(clock engine.Timestamp, seq uint64) *Write {
	if len(b.queue) == 0 && !b.header {
		b.writing = false
		b.queue, b.spare = nil, nil
		b.answer(b.waiting, b.failed)
		b.waiting = nil
		return nil
	}
	out := &Write{entries: b.queue}
	out.records = append(make([]written, 0, len(b.unsaid)+len(b.queue)+1), b.unsaid...)
	if b.header {
		out.header = &Header{Client: b.client, Clock: clock, Seq: seq, Era: b.era}
		b.clock = clock
	}
	b.queue, b.spare, b.unsaid, b.header = b.spare[:0], nil, nil, false
	b.taken, b.waiting = b.waiting, nil
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
	b.answer(b.taken, err)
	b.taken = nil
	if clear(write.entries); cap(write.entries) <= 4096 {
		b.spare = write.entries
	}
	return held
}

// refused keeps the records of a write that failed. A journal that is dead will never take
// them, so that only the ends are counted.
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

// lastOfEach returns the records of a refused write that have still to be written: the last
// one of each operation, and none of operations that came and went within it.
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

// Due is when refused records have to be written again, or engine.Never.
func (b *Outbox) Due() engine.Time {
	if b.writing || len(b.unsaid) == 0 {
		return engine.Never
	}
	return b.retryAt
}

// RetryIn is how long it is until refused records are written again; 0: none were refused, or
// the disk has recovered.
func (b *Outbox) RetryIn(now engine.Time) engine.Time {
	if b.retryAt == engine.Never {
		return 0
	}
	return max(b.retryAt-now, 0)
}

// Tick has refused records written again, if it is time.
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
// ErrNotOnDisk; nil: it has all.
func (b *Outbox) Owed() error {
	n := b.lost + endsAmong(b.unsaid)
	switch {
	case n == 0:
		return nil
	case b.dead:
		return errorf.New("%w: %d of them, and the journal takes nothing any more: a restart may send these operations again: %w",
			ErrNotOnDisk, n, b.failed)
	}
	return errorf.New("%w: %d of them; they are written again, and until then a restart would send these operations again: %w",
		ErrNotOnDisk, n, b.failed)
}
