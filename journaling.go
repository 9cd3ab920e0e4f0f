package optimist

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// Stored says how operations of a type are written to the journal. The zero value:
// they are not, and live in memory only; none that is stored can depend on them.
type Stored[A any] struct {
	// Version is the schema version that Encode writes: 0 to 2,147,483,647.
	Version int
	Encode  func(A) ([]byte, error)
	// Decode reads what any version wrote, and casts old ones up. An error puts the
	// operation into quarantine.
	Decode func(version int, data []byte) (A, error)
	// Wait makes Execute return only when the operation is durable. When that fails,
	// or ctx ends before, the change is taken back and Execute returns the error. A
	// call that joins an earlier operation waits for that one, and never takes it
	// back. Batch and Edit do not wait.
	Wait bool
}

// codec is a Stored without its type.
type codec struct {
	version int
	encode  func(args any) ([]byte, error)
	decode  func(version int, data []byte) (any, error)
	wait    bool
	half    bool // one of the functions is missing
}

func codecOf[A any](s Stored[A]) codec {
	if s.Encode == nil || s.Decode == nil {
		return codec{version: s.Version, half: (s.Encode == nil) != (s.Decode == nil)}
	}
	return codec{
		version: s.Version,
		encode:  func(args any) ([]byte, error) { return s.Encode(*args.(*A)) },
		decode: func(version int, data []byte) (any, error) {
			a, err := s.Decode(version, data)
			return &a, err
		},
		wait: s.Wait,
	}
}

// encodeArgs encodes the arguments of an operation, in the caller's time and outside
// of the lock.
func (c codec) encodeArgs(args any) (data []byte, err error) {
	if p := contain("encode", func() { data, err = c.encode(args) }); p != nil {
		err = p
	}
	if err != nil {
		return nil, errorf.New("%w: arguments cannot be stored: %w", ErrInvalid, sound("encode", err))
	}
	if len(data) > journal.MaxData-4096 {
		return nil, errorf.New("%w: arguments of %d bytes", journal.ErrTooLarge, len(data))
	}
	return data, nil
}

// waitForDisk waits until an operation of a type that asks for it is durable. One
// that cannot be is taken back, unless the call only joined it.
func (h *Handle) waitForDisk(ctx context.Context, joined bool) error {
	if typ := typeOf(&h.op); !typ.codec.wait || !typ.Stored {
		return nil
	}
	err := h.Await(ctx, Journaled)
	if err == nil {
		return nil
	}
	if !joined && !errors.Is(err, ErrSettled) {
		h.Cancel()
	}
	if r, ok := h.Result(); ok && (r.Outcome == Confirmed || r.Outcome == Superseded) {
		return nil // it has come further than to the disk
	}
	return err
}

var errNotDurable = errorf.New("%w: the journal keeps nothing beyond the process", ErrInvalid)

// journalWriter writes what the engine decided, in that order, with one Write at a
// time and as much in it as has come up. It has a goroutine only while there is
// something to write. The Manager's lock guards all of it.
type journalWriter struct {
	j          journal.Journal
	durability journal.Durability // what the journal promises
	client     string

	queue  []journalEntry // to be written, in order
	spare  []journalEntry // the memory of a queue that was written
	header bool           // the header is to be written behind the queue
	clock  Timestamp      // of the header written last
	unsaid []written      // what the journal refused, to be written again
	again  engine.Time    // when that is written by itself at the latest; engine.Never: no time is set
	tries  int            // that time has made in vain since the journal took anything
	// encoded is what the call that has the lock encoded of encodedArgs before it took
	// the lock, so that nobody needs to do it again.
	encoded     []byte
	encodedArgs any

	batch   journalBatch // that is being written, by the one goroutine that does so
	writing bool
	waiting []*diskWait // for what is in queue
	failed  error       // of the latest write; nil when it went well
	dead    bool        // the journal takes nothing any more
	lost    int         // ends that came too late for a journal that is dead

	quarantine []Quarantined
	restored   bool // Restore was called
	loaded     []loadedRecord
}

// journalEntry becomes one record. It holds what may change before it is written.
type journalEntry struct {
	op    *engine.Op // nil: data is the whole record
	id    string     // of an operation of an earlier life
	data  []byte     // else the encoded arguments, or nil if they are still to be encoded
	seq   uint64
	ends  bool
	kept  engine.Kept
	why   error // why the operation is parked
	deps  []uint64
	first bool // the operation waits for this record
}

// written is a record, and the operation that is durable with it, or nil.
type written struct {
	journal.Record
	first *engine.Op
}

// putLocked queues the operation's record: it is new, or something in it changed.
func (w *journalWriter) putLocked(m *Manager, o *engine.Op, first bool) {
	if w.dead {
		if first {
			w.undurableLocked(o, errorf.New("%w: %w", journal.ErrFailed, w.failed))
			if !takenBack(o) {
				m.released = append(m.released, o)
			}
		}
		return
	}
	e := journalEntry{op: o, id: o.RestoredID(), seq: o.Seq(), kept: m.keptOf(o), why: o.ParkedFor(), first: first}
	if w.encodedArgs == o.Args {
		e.data = w.encoded
	}
	for _, d := range o.Deps() {
		e.deps = append(e.deps, d.Seq())
	}
	w.queue = append(w.queue, e)
}

// keptOf is what the journal keeps of an operation's way, with times that mean the same
// in the next life.
func (m *Manager) keptOf(o *engine.Op) engine.Kept {
	k := o.Kept(m.now(time.Now()))
	k.Used /= engine.Time(time.Millisecond)
	if k.NotBefore > 0 {
		k.NotBefore = engine.Time(max(m.epoch.Add(time.Duration(k.NotBefore)).UnixMilli(), 0))
	}
	return k
}

// keptBy turns its times into the engine's of this life. A wall clock that was set back
// since does not prolong what the server asked for.
func (m *Manager) keptBy(k engine.Kept, now time.Time) engine.Kept {
	k.Used = min(k.Used, engine.Time(math.MaxInt64/time.Millisecond)) * engine.Time(time.Millisecond)
	if k.NotBefore > 0 {
		left := max(time.UnixMilli(int64(k.NotBefore)).Sub(now), 0)
		if last := m.clock.last.Time(); last.After(now) {
			left = max(left-last.Sub(now), 0)
		}
		k.NotBefore = m.now(now) + engine.Time(min(left, math.MaxInt64/2))
	}
	return k
}

// record makes the bytes. It needs no lock: of the operation it reads what is frozen.
func (w *journalWriter) record(m *Manager, e journalEntry) (journal.Record, error) {
	if e.op == nil {
		return journal.Record{Seq: e.seq, Settled: e.ends, Data: e.data}, nil
	}
	o, typ := e.op, typeOf(e.op)
	if e.data == nil {
		var err error
		if e.data, err = typ.codec.encodeArgs(o.Args); err != nil {
			return journal.Record{}, err
		}
	}
	r := record{
		kept: e.kept, pos: o.Pos(), timestamp: Timestamp(o.Timestamp), id: e.id, typ: typ.Name,
		schema: typ.codec.version, slot: o.Slot, deps: e.deps, args: e.data,
	}
	if r.id == "" {
		r.id = m.engine.IDOf(e.seq)
	}
	if typ.parts == nil {
		r.store, r.entity = o.Entity().Space().Name, o.Entity().ID()
	}
	if e.why != nil {
		r.failure = shortened(errorf.TextOf(e.why))
	}
	data := r.encode()
	if len(data) > journal.MaxData {
		return journal.Record{}, errorf.New("%w: an operation of %d bytes", journal.ErrTooLarge, len(data))
	}
	return journal.Record{Seq: e.seq, Data: data}, nil
}

// shortened keeps why an operation failed to what a person reads.
func shortened(text string) string {
	const limit = 1000
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

// settleLocked queues the operation's end, and with it what must outlive it: the
// clock and the sequence number.
func (w *journalWriter) settleLocked(m *Manager, o *engine.Op) {
	if w.dead {
		if m.keptLocked(o) {
			w.lost++
		}
		return
	}
	w.queue = append(w.queue, journalEntry{seq: o.Seq(), ends: true, data: outcomeData[o.Outcome()]})
	w.header = true
	w.followLocked(m, o)
}

// outcomeData is what stands in the journal for an end, for people to read.
var outcomeData = map[engine.Outcome][]byte{
	engine.Confirmed: []byte("confirmed"), engine.RolledBack: []byte("rolled back"),
	engine.Superseded: []byte("superseded"), engine.Cancelled: []byte("cancelled"),
}

// flushLocked starts the writer if there is something to write.
func (w *journalWriter) flushLocked(m *Manager) {
	if (len(w.queue) > 0 || w.header) && !w.writing {
		w.writing = true
		go w.run(m)
	}
}

// takenBack reports whether the call that made an operation takes it back for not being
// durable: it must not leave before.
func takenBack(o *engine.Op) bool {
	h := handleOf(o)
	return h.awaited && !h.durable && h.more != nil && h.more.journal != nil && h.more.journal != errNotDurable
}

// wroteLocked notes how a Write ended. What cannot be durable goes on in memory, and
// says so.
func (w *journalWriter) wroteLocked(m *Manager, batch []written, ops []*engine.Op, err error) {
	w.failed = err
	if err == nil {
		w.again, w.tries = engine.Never, 0
		for _, r := range batch {
			if r.first != nil {
				w.heldLocked(handleOf(r.first))
			}
		}
		return
	}
	w.dead = !refusedForNow(err)
	w.refusedLocked(m, lastOfEach(batch))
	m.publishLocked(Event{Kind: JournalFailed, Err: err})
	for _, o := range ops {
		w.undurableLocked(o, err)
	}
}

// lastOfEach keeps what is left to say of a batch that was refused: the last record of
// each operation, and none of those that came and went.
func lastOfEach(batch []written) []written {
	last := make(map[uint64]int, len(batch))
	kept := batch[:0:0]
	for _, r := range batch {
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

// heldLocked notes that the journal holds an operation, which is as durable as the
// journal is.
func (w *journalWriter) heldLocked(h *Handle) {
	if h.durable = w.durability > journal.DurableNever; !h.durable {
		h.moreLocked().journal = errNotDurable
	}
	h.movedLocked()
}

// undurableLocked notes why the journal does not hold an operation.
func (w *journalWriter) undurableLocked(o *engine.Op, err error) {
	h := handleOf(o)
	h.moreLocked().journal = err
	h.movedLocked()
}

var errUnrestored = errorf.New("%w: call Restore once all types are registered, before the first operation", ErrInvalid)

// refusingLocked is why new operations are refused, or nil.
func (w *journalWriter) refusingLocked(m *Manager) error {
	switch {
	case !w.restored:
		return errUnrestored
	case w.failed == nil || m.opts.OnJournalError != RefuseNew:
		return nil
	}
	if !w.dead && !w.writing { // see whether the journal has recovered
		w.header = true
		w.flushLocked(m)
	}
	return w.failed
}

// forgetLocked settles what is in the journal and not in the engine.
func (w *journalWriter) forgetLocked(m *Manager) {
	for _, q := range w.quarantine {
		w.queue = append(w.queue, journalEntry{seq: q.Seq, ends: true, data: outcomeData[engine.Cancelled]})
	}
	for _, l := range w.loaded {
		w.queue = append(w.queue, journalEntry{seq: l.Seq, ends: true, data: outcomeData[engine.Cancelled]})
	}
	w.quarantine, w.loaded = nil, nil
	w.flushLocked(m)
}

// closeJournal has the last words written, and gives the journal up. Nothing is
// decided any more from when it no longer writes.
func (m *Manager) closeJournal() error {
	w := m.journal
	m.mu.Lock()
	if w == nil {
		m.stopped = true
		m.mu.Unlock()
		return nil
	}
	if w.restored && !w.dead && m.clock.last > w.clock {
		w.header = true // for truth and operations in memory move the clock as well
	}
	owed := m.sayAgainLocked(nil)
	for w.writing {
		owed = w.awaitLocked(m, nil)
	}
	m.stopped = true
	failed := w.failed
	m.mu.Unlock()
	var errs []error
	if failed != nil {
		errs = append(errs, errorf.New("%w: %w", journal.ErrFailed, failed))
	}
	if err := w.j.Close(); err != nil {
		errs = append(errs, errorf.New("close the journal: %w", err))
	}
	return errors.Join(append(errs, owed)...)
}
