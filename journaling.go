package optimist

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/hlc"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/journal"
)

// Stored says how operations of a type are written to the journal. The zero value:
// they are not, and live in memory only; none that is stored can depend on them.
type Stored[A any] struct {
	// Version is the schema version that Encode writes: 0 to 2,147,483,647.
	Version int
	Encode  func(A) ([]byte, error)
	// Decode reads the bytes of any version, and casts old ones up. An error puts the
	// operation into quarantine.
	Decode func(version int, data []byte) (A, error)
	// Wait makes Execute return only when the operation is durable. When that fails,
	// or ctx ends before, the change is taken back and Execute returns the error. A
	// call that joins an earlier operation waits for that one, and never takes it
	// back. Batch and Edit do not wait.
	Wait bool
}

// codecOf is a Stored without its type.
func codecOf[A any](s Stored[A]) outbox.Codec {
	c := outbox.Codec{Version: s.Version, Wait: s.Wait}
	if s.Encode != nil {
		c.Encode = func(args any) ([]byte, error) { return s.Encode(*args.(*A)) }
	}
	if s.Decode != nil {
		c.Decode = func(version int, data []byte) (any, error) {
			a, err := s.Decode(version, data)
			return &a, err
		}
	}
	return c
}

// encodeArgs encodes the arguments of an operation: before the lock is taken where they are
// known there, else under it (Switch.Toggle, and a Resolve that merges).
func (t *opType) encodeArgs(args any) (data []byte, err error) {
	if p := contain("encode", func() { data, err = t.codec.Encode(args) }); p != nil {
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

// awaited reports whether a call that executes an operation waits until it is durable.
func (t *opType) awaited() bool { return t.codec.Wait && t.Stored }

// waitForDisk waits until an operation of a type that asks for it is durable. One
// that cannot be is taken back, unless the call only joined it.
func (h *Handle) waitForDisk(ctx context.Context, joined bool) error {
	if !typeOf(&h.op).awaited() {
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

// disk is the journal, its outbox, and those who wait for it. A goroutine writes while
// there is something to write. The Manager's lock guards all of it.
type disk struct {
	j          journal.Journal
	durability journal.Durability
	out        *outbox.Outbox
	aside      map[uint64]*Handle // of operations in quarantine, by Seq

	// encoded are the bytes of encodedArgs, made by the call that has the lock before it took
	// the lock, so that nobody needs to do it again.
	encoded     []byte
	encodedArgs any

	released []*engine.Op // that the journal will never hold, by the Step that runs

	write *outbox.Write // with which the journal was called, and which has not returned; nil: none
}

// journalLocked queues the operation's record: it is new, or something in it changed.
func (m *Manager) journalLocked(o *engine.Op, first bool) {
	d, now := m.disk, time.Now()
	e := outbox.EntryOf(o, typeOf(o).codec.Version, m.now(now), engine.Time(m.epoch.UnixNano()), hlc.At(now))
	if e.First = first; d.encodedArgs == o.Args {
		e.Data = d.encoded
	}
	if d.out.Put(e) || !first {
		return
	}
	undurableLocked(o, errorf.New("%w: %w", journal.ErrFailed, d.out.Failed()))
	if !takenBack(o) {
		d.released = append(d.released, o)
	}
}

// keptBy is the state of an operation that the journal kept, with the times of this life.
func (m *Manager) keptBy(k engine.Kept, now time.Time) engine.Kept {
	return outbox.Revive(k, m.now(now), engine.Time(now.UnixNano()), engine.Time(hlc.Wall(m.clock.Last).UnixMilli()))
}

// complete fills in the parts of an entry for which there was no time under the lock, and
// needs no lock.
func (m *Manager) complete(e *outbox.Entry) (err error) {
	if e.ID == "" {
		e.ID = m.engine.IDOf(e.Seq)
	}
	if e.Data == nil {
		e.Data, err = typeOf(e.Op).encodeArgs(e.Op.Args)
	}
	return err
}

// endJournaledLocked queues the end of an operation that the journal may hold.
func (m *Manager) endJournaledLocked(o *engine.Op) {
	m.rollBackAsideLocked(m.disk.out.Settle(o, m.keptLocked(o)))
}

// writeLocked has a goroutine write, if there is something to write and none does.
func (m *Manager) writeLocked() {
	if m.disk.out.Start() {
		go m.write()
	}
}

// write writes until nothing is left.
func (m *Manager) write() { foreign.Loop(m.writeNext) }

// writeNext makes one write, and reports whether there may be more.
func (m *Manager) writeNext() (more bool) {
	m.mu.Lock()
	d := m.disk
	if w := d.write; w != nil { // the last call ended its goroutine
		w.Abandon()
		m.wroteLocked(w, &PanicError{In: "the journal", Value: foreign.ErrEnded})
	}
	w := d.out.Next(m.clock.Last, m.engine.LastSeq())
	if w == nil {
		m.armLocked(time.Now()) // refused records are written again
		m.mu.Unlock()
		return false
	}
	if d.out.Dead() { // it was queued while the write that failed was under way
		w.Abandon()
		m.wroteLocked(w, d.out.Failed())
	} else {
		d.write = w
		m.mu.Unlock()
		err := m.writeOut(w)
		m.mu.Lock()
		m.wroteLocked(w, err)
	}
	m.unlock()
	return true
}

// writeOut has the journal write, without the lock.
func (m *Manager) writeOut(w *outbox.Write) error {
	records := w.Records(m.complete)
	var err error
	if p := contain("the journal", func() { err = m.disk.j.Write(records) }); p != nil {
		return p
	}
	return sound("the journal", err)
}

// wroteLocked tells how a write ended. An operation that cannot be durable
// goes on in memory, and its handle says so.
func (m *Manager) wroteLocked(w *outbox.Write, err error) {
	d := m.disk
	d.write = nil
	for _, o := range d.out.Wrote(w, err, m.now(time.Now())) {
		d.heldLocked(handleOf(o))
	}
	if err != nil {
		m.publishLocked(Event{Kind: event.JournalFailed, Err: err})
		for _, o := range w.Ops {
			undurableLocked(o, err)
		}
	}
	for _, o := range w.Bad {
		undurableLocked(o, w.BadErr)
		m.publishLocked(Event{Kind: event.JournalFailed, Entity: o.Entity().FullName(), ID: o.ID(m.engine), Type: o.Type.Name, Err: w.BadErr})
	}
	ops := append(w.Ops, w.Bad...)
	if err != nil || w.BadErr != nil {
		ops = slices.DeleteFunc(ops, takenBack)
	}
	if len(ops) > 0 {
		m.stepNowLocked(&engine.Journaled{Ops: ops})
	}
}

// takenBack reports whether the call that made an operation takes it back for not being
// durable: it must not leave before.
func takenBack(o *engine.Op) bool {
	h := handleOf(o)
	return h.awaited && !h.durable && h.more != nil && h.more.journal != nil && h.more.journal != errNotDurable
}

// heldLocked notes that the journal holds an operation, which is as durable as the
// journal is.
func (d *disk) heldLocked(h *Handle) {
	if h.durable = d.durability > journal.DurableNever; !h.durable {
		h.moreLocked().journal = errNotDurable
	}
	h.movedLocked()
}

// undurableLocked notes why the journal does not hold an operation.
func undurableLocked(o *engine.Op, err error) {
	h := handleOf(o)
	h.moreLocked().journal = err
	h.movedLocked()
}

// errUnrestored is also told by an event; see tellUnrestoredLocked.
var errUnrestored = errorf.New("%w: call Restore once all types are registered, before the first operation", ErrInvalid)

// refusingLocked is why new operations are refused because of the journal, or nil.
func (m *Manager) refusingLocked() error {
	out := m.disk.out
	switch {
	case !out.Restored():
		m.tellUnrestoredLocked()
		return errUnrestored
	case out.Failed() == nil || m.opts.JournalFailure != RefuseNew:
		return nil
	}
	if !out.Dead() && !out.Writing() { // see whether the journal has recovered
		out.Touch()
		m.writeLocked()
	}
	return out.Failed()
}

// closeJournal has the last words written, and gives the journal up. Nothing is
// decided any more from when it no longer writes.
func (m *Manager) closeJournal() error {
	d := m.disk
	m.mu.Lock()
	if d == nil {
		m.phase = stopped
		m.mu.Unlock()
		return nil
	}
	d.out.KeepClock(m.clock.Last) // truth and operations in memory move it as well
	owed := m.sayAgainLocked(nil)
	for d.out.Writing() {
		owed = m.awaitDiskLocked(nil)
	}
	m.phase = stopped
	failed := d.out.Failed()
	m.mu.Unlock()
	var errs []error
	if failed != nil {
		errs = append(errs, errorf.New("%w: %w", journal.ErrFailed, failed))
	}
	if err := d.j.Close(); err != nil {
		errs = append(errs, errorf.New("close the journal: %w", err))
	}
	return errors.Join(append(errs, owed)...)
}
