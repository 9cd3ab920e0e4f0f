package optimist

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/internal/engine"
)

// Stored says how operations of a type are written to the journal. The zero value:
// they are not, and live in memory only.
type Stored[A any] struct {
	// Version is the schema version that Encode writes.
	Version int
	Encode  func(A) ([]byte, error)
	// Decode reads what any version wrote, and casts old ones up. An error puts the
	// operation into quarantine.
	Decode func(version int, data []byte) (A, error)
	// Wait makes Execute return only when the operation is durable. When that fails,
	// or ctx ends before, the change is taken back and Execute returns the error.
	Wait bool
}

// codec is a Stored without its type.
type codec struct {
	version int
	encode  func(args any) ([]byte, error)
	decode  func(version int, data []byte) (any, error)
	wait    bool
}

func codecOf[A any](s Stored[A]) codec {
	if s.Encode == nil || s.Decode == nil {
		return codec{}
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

func (t *opType) setCodec(m *Manager, c codec) {
	t.codec = c
	t.Journaled = m.journal != nil && c.encode != nil
}

// encodeArgs encodes the arguments of an operation of a journaled type, in the
// caller's time and outside of the lock.
func (h *Handle) encodeArgs() error {
	var data []byte
	var err error
	c := typeOf(&h.op).codec
	if p := contain("encode", func() { data, err = c.encode(h.op.Args) }); p != nil {
		err = p
	}
	if err != nil {
		return fmt.Errorf("%w: arguments cannot be stored: %w", ErrInvalid, err)
	}
	if len(data) > MaxJournalData-4096 {
		return fmt.Errorf("%w: arguments of %d bytes", ErrJournalTooLarge, len(data))
	}
	more := h.moreLocked() // nobody else knows the handle yet
	more.encoded, more.encodedArgs = data, h.op.Args
	return nil
}

// waitForDisk waits until an operation of a type that asks for it is durable. One
// that cannot be is taken back.
func (h *Handle) waitForDisk(ctx context.Context) error {
	if typ := typeOf(&h.op); !typ.codec.wait || !typ.Journaled {
		return nil
	}
	err := h.Await(ctx, Durable)
	if err == nil || errors.Is(err, ErrSettled) {
		return nil
	}
	if errors.Is(h.Cancel(), ErrSettled) {
		return nil
	}
	return err
}

var errNotDurable = fmt.Errorf("%w: the journal keeps nothing beyond the process", ErrInvalid)

// journalWriter writes what the engine decided, in that order, with one Write at a
// time and as much in it as has come up. It has a goroutine only while there is
// something to write. The Manager's lock guards all of it.
type journalWriter struct {
	j          Journal
	durability Durability // what the journal promises
	client     string

	queue   []JournalRecord // to be written, in order
	ops     []*engine.Op    // whose first record is in queue
	unsaid  []JournalRecord // ends that the journal refused, to be written with the next
	writing bool
	waiting []chan struct{} // closed when queue has been written or given up
	failed  error           // of the latest write; nil when it went well
	dead    bool            // the journal takes nothing any more

	quarantine []Quarantined
	restored   bool // Restore was called
	loaded     []JournalRecord
}

// putLocked queues the operation's record: it is new, or something in it changed.
func (w *journalWriter) putLocked(m *Manager, o *engine.Op, first bool) {
	if w.dead {
		if first {
			w.undurableLocked(m, o)
		}
		return
	}
	r, err := w.recordLocked(m, o)
	if err != nil { // merged arguments that cannot be encoded: in memory then
		w.failed = err
		m.publishLocked(Event{Kind: JournalFailed, Entity: fullName(o.Entity()), ID: o.ID(m.engine), Type: o.Type.Name, Err: err})
		w.undurableLocked(m, o)
		return
	}
	w.queue = append(w.queue, JournalRecord{Seq: o.Seq(), Data: r.encode()})
	if first {
		w.ops = append(w.ops, o)
	}
}

func (w *journalWriter) recordLocked(m *Manager, o *engine.Op) (*record, error) {
	h, typ := handleOf(o), typeOf(o)
	more := h.moreLocked()
	if more.encodedArgs != o.Args || more.encoded == nil {
		if err := h.encodeArgs(); err != nil {
			return nil, err
		}
	}
	r := &record{
		parked: o.State() == engine.Parked, pos: o.Pos(), stamp: Timestamp(o.Stamp), attempts: o.Calls(),
		id: o.ID(m.engine), typ: typ.Name, schema: typ.codec.version, slot: o.Slot, args: more.encoded,
	}
	more.encoded, more.encodedArgs = nil, nil
	if typ.parts == nil {
		r.store, r.entity = o.Entity().Space().Name, o.Entity().ID()
	}
	if err := o.ParkedFor(); err != nil {
		r.failure = err.Error()
	}
	for _, d := range o.Deps() {
		r.deps = append(r.deps, d.Seq())
	}
	return r, nil
}

// settleLocked queues the operation's end, and with it what must outlive it: the
// clock and the sequence number.
func (w *journalWriter) settleLocked(m *Manager, o *engine.Op) {
	if w.dead {
		return
	}
	w.queue = append(w.queue,
		JournalRecord{Seq: o.Seq(), Settled: true, Data: []byte(Outcome(o.Outcome()).String())},
		w.headerLocked(m))
}

func (w *journalWriter) headerLocked(m *Manager) JournalRecord {
	return JournalRecord{Data: header{client: w.client, clock: m.clock.last, seq: m.engine.LastSeq()}.encode()}
}

// flushLocked starts the writer if there is something to write.
func (w *journalWriter) flushLocked(m *Manager) {
	if len(w.queue) > 0 && !w.writing {
		w.writing = true
		go w.run(m)
	}
}

// run writes until nothing is left.
func (w *journalWriter) run(m *Manager) {
	m.mu.Lock()
	for len(w.queue) > 0 {
		records, ops, waiting := w.queue, w.ops, w.waiting
		if len(w.unsaid) > 0 {
			records = append(w.unsaid, records...)
			w.unsaid = nil
		}
		w.queue, w.ops, w.waiting = nil, nil, nil
		m.mu.Unlock()
		err := w.j.Write(records)
		m.mu.Lock()
		w.wroteLocked(m, records, ops, err)
		for _, c := range waiting {
			close(c)
		}
		if len(m.rewinds) > 0 {
			m.unlock()
			m.mu.Lock()
		}
	}
	w.writing = false
	for _, c := range w.waiting {
		close(c)
	}
	w.waiting = nil
	m.mu.Unlock()
}

// wroteLocked notes how a Write ended, and lets its operations go: what cannot be
// durable goes on in memory, and says so.
func (w *journalWriter) wroteLocked(m *Manager, records []JournalRecord, ops []*engine.Op, err error) {
	if err == nil {
		w.failed = nil
		for _, o := range ops {
			h := handleOf(o)
			if h.moreLocked().durable = w.durability > DurableNever; !h.more.durable {
				h.more.journal = errNotDurable
			}
			h.movedLocked()
		}
	} else {
		w.failed = err
		w.dead = !errors.Is(err, ErrJournalRefused) && !errors.Is(err, ErrJournalTooLarge)
		for _, r := range records {
			if r.Settled && !w.dead {
				w.unsaid = append(w.unsaid, r)
			}
		}
		m.publishLocked(Event{Kind: JournalFailed, Err: err})
		for _, o := range ops {
			h := handleOf(o)
			h.moreLocked().journal = err
			h.movedLocked()
		}
	}
	if len(ops) > 0 {
		m.stepNowLocked(&engine.Durable{Ops: ops})
	}
}

// undurableLocked lets an operation go that the journal will never hold.
func (w *journalWriter) undurableLocked(m *Manager, o *engine.Op) {
	h := handleOf(o)
	if h.moreLocked().journal == nil {
		h.more.journal = fmt.Errorf("%w: %w", ErrJournalFailed, w.failed)
	}
	h.movedLocked()
	m.released = append(m.released, o)
}

// mark makes sure that the journal knows of an attempt before it leaves.
func (w *journalWriter) mark(m *Manager, h *Handle) {
	m.mu.Lock()
	if w.dead || h.op.State() == engine.Ended || !h.op.Type.Journaled {
		m.mu.Unlock()
		return
	}
	w.putLocked(m, &h.op, false)
	written := make(chan struct{})
	w.waiting = append(w.waiting, written)
	w.flushLocked(m)
	m.mu.Unlock()
	<-written
}

// refusingLocked is why new operations are refused, or nil.
func (w *journalWriter) refusingLocked(m *Manager) error {
	switch {
	case !w.restored:
		return fmt.Errorf("%w: call Restore once all types are registered, before the first operation", ErrInvalid)
	case w.failed == nil || m.opts.OnJournalError != RefuseNew:
		return nil
	}
	if !w.dead && !w.writing { // see whether the journal has recovered
		w.queue = append(w.queue, w.headerLocked(m))
		w.flushLocked(m)
	}
	return w.failed
}

// closeJournal waits for what is being written, and gives the journal up.
func (m *Manager) closeJournal() error {
	w := m.journal
	if w == nil {
		return nil
	}
	m.mu.Lock()
	for w.writing {
		written := make(chan struct{})
		w.waiting = append(w.waiting, written)
		m.mu.Unlock()
		<-written
		m.mu.Lock()
	}
	m.mu.Unlock()
	if err := w.j.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}
