package optimist

import (
	"errors"
	"slices"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/order"
	"github.com/optimist-go/optimist/journal"
)

// Restored is what Restore found in the journal.
type Restored struct {
	// Operations that were unsettled, in their order. One that may have been sent is
	// sent again with the same key, before anything later of its lane. One that no longer
	// applies has been rolled back, and so has what depends on it.
	Operations []*Handle
	// Quarantined operations cannot be restored by this program. They stay in the
	// journal; see Manager.Quarantined.
	Quarantined []Quarantined
}

// Quarantined is an operation in the journal that this program cannot restore: its
// type is not registered, or its arguments cannot be decoded, or it depends on one
// of those. It is neither sent nor dropped.
type Quarantined struct {
	Seq    uint64 // names it for DiscardQuarantined
	ID     string
	Type   string
	Schema int
	Entity string
	At     Timestamp
	Args   []byte // as they were encoded
	Err    error  // why

	record *record // nil when it cannot be read
}

// openJournal loads the journal, whose records Restore turns into operations once
// their types are known.
func (m *Manager) openJournal() (header, error) {
	if m.opts.Journal == nil {
		return header{}, nil
	}
	records, err := m.opts.Journal.Load()
	if err != nil {
		return header{}, errorf.New("load the journal: %w", err)
	}
	var h header
	if len(records) > 0 && records[0].Seq == 0 {
		if h, err = decodeHeader(records[0].Data); err != nil {
			return header{}, errorf.New("%w: %w", journal.ErrCorrupt, err)
		}
		records = records[1:]
	}
	m.clock.last = max(m.clock.last, h.clock)
	loaded := make([]loadedRecord, len(records))
	for i, jr := range records {
		l := &loaded[i]
		l.Record = jr
		l.record, l.err = decodeRecord(jr.Data)
		h.seq = max(h.seq, jr.Seq)
		m.clock.observe(l.timestamp, m.epoch) // it may be ahead because truth under it was
	}
	// What an operation depends on may have been replaced by a later one, at its place.
	order.By(len(loaded),
		func(i, j int) bool {
			a, b := &loaded[i], &loaded[j]
			return a.pos < b.pos || a.pos == b.pos && a.Seq < b.Seq
		},
		func(i, j int) { loaded[i], loaded[j] = loaded[j], loaded[i] })
	if m.opts.ClientID == "" {
		m.opts.ClientID = h.client
	}
	m.journal = &journalWriter{j: m.opts.Journal, durability: m.opts.Journal.Durability(), loaded: loaded, again: engine.Never}
	return h, nil
}

// Restore brings back what an earlier life left in the journal. It must be called
// once, after all types are registered and before the first operation; without a
// journal it does nothing. The views are right when it returns.
func (m *Manager) Restore() (Restored, error) {
	if err := m.lock(); err != nil {
		return Restored{}, err
	}
	restored, err := m.restoreAllLocked()
	m.unlock()
	return restored, err
}

func (m *Manager) restoreAllLocked() (Restored, error) {
	w := m.journal
	switch {
	case m.lost != nil:
		return Restored{}, m.lost
	case m.closed:
		return Restored{}, ErrClosed
	case w == nil:
		return Restored{}, nil
	case w.restored:
		return Restored{}, errorf.New("%w: Restore was called already", ErrInvalid)
	}
	w.restored = true
	var out Restored
	w.endReplaced()
	live := make(map[uint64]*engine.Op) // and those that were rolled back
	lost := make(map[uint64]bool)
	now := time.Now()
	m.engine.ShutGate(true) // nothing leaves before everything is there
	for i := range w.loaded {
		r := &w.loaded[i]
		h, err := m.restoreLocked(r, live, lost, now)
		if err != nil {
			q := r.quarantined(err)
			if failed := failedOf(r.deps, live); failed != nil {
				live[r.Seq] = failed // in its place, for those that depend on it
				w.endAsideLocked(m, q)
				continue
			}
			lost[r.Seq] = true
			w.quarantine = append(w.quarantine, q)
			m.publishLocked(Event{Kind: OpQuarantined, ID: q.ID, Type: q.Type, Entity: q.Entity, Err: err})
			continue
		}
		live[r.Seq] = &h.op
		out.Operations = append(out.Operations, h)
	}
	out.Quarantined = slices.Clone(w.quarantine)
	w.loaded = nil
	m.engine.ShutGate(false)
	w.header = true
	m.stepLocked(now, engine.Tick{})
	return out, nil
}

// restoreLocked turns one record into an operation.
func (m *Manager) restoreLocked(r *loadedRecord, live map[uint64]*engine.Op, lost map[uint64]bool, now time.Time) (*Handle, error) {
	typ := m.types[r.typ]
	switch {
	case r.err != nil:
		return nil, r.err
	case typ == nil:
		return nil, errorf.New("%w: no type %q is registered", ErrInvalid, r.typ)
	case !typ.Stored:
		return nil, errorf.New("%w: type %q is registered without Stored", ErrInvalid, r.typ)
	}
	var h *Handle
	var parts []engine.Part
	var err error
	m.enterLocked(&typ.label)
	m.foreignLocked(func() { h, parts, err = r.decode(m, typ) }, m.breakLocked)
	if err != nil {
		return nil, err
	}
	h.op.Slot, h.op.Timestamp = r.slot, engine.Timestamp(r.timestamp)
	in := &engine.Restore{
		ID: r.id, Seq: r.Seq, Pos: r.pos, Kept: m.keptBy(r.kept, now),
		Execute: engine.Execute{Entity: r.entity, Op: &h.op},
	}
	if r.kept.Parked {
		in.Err = errors.New(r.failure)
	}
	if typ.parts != nil {
		in.Group = parts
	} else if in.Space = m.spaces[r.store]; in.Space == nil {
		return nil, errorf.New("%w: there is no store %q", ErrInvalid, r.store)
	}
	for _, d := range r.deps {
		if lost[d] {
			return nil, errorf.New("%w: it depends on an operation in quarantine", ErrDependency)
		}
		if o := live[d]; o != nil {
			in.After = append(in.After, o)
		}
	}
	if in.Stands && !in.HasCreation() && m.journal.mayQuarantineCreation(in) {
		return nil, errorf.New("%w: it stands on a creation in quarantine", ErrDependency)
	}
	if err := m.stepLocked(now, in); err != nil {
		return nil, publicErr(err)
	}
	m.journal.heldLocked(h)
	return h, nil
}

// decode asks the program for the operation's arguments, and a group for its parts.
func (r *loadedRecord) decode(m *Manager, typ *opType) (h *Handle, parts []engine.Part, err error) {
	var args any
	if p := contain("decode", func() { args, err = typ.codec.decode(r.schema, r.args) }); p != nil {
		err = p
	}
	if err != nil {
		return nil, nil, errorf.New("arguments of version %d cannot be decoded: %w", r.schema, sound("decode", err))
	}
	if typ.parts != nil {
		if parts, err = typ.parts(args); err != nil {
			return nil, nil, err
		}
	}
	return typ.adoptArgs(m, args), parts, nil
}

// loadedRecord is a record that the journal had.
type loadedRecord struct {
	journal.Record
	record
	err error // why it cannot be read
}

func (r *loadedRecord) quarantined(err error) Quarantined {
	q := Quarantined{Seq: r.Seq, Args: r.Data, Err: err}
	if r.err == nil {
		q.ID, q.Type, q.Schema, q.At, q.Args = r.id, r.typ, r.schema, r.timestamp, r.args
		known := r.record // else the quarantine keeps all that was loaded
		q.record = &known
		if q.Entity = r.entity; r.store != "" {
			q.Entity = r.store + ":" + r.entity
		}
	}
	return q
}

// endReplaced settles records at whose position there is a later one: what took their
// place outlived a repair of the journal, and so did they. No two operations share a
// position.
func (w *journalWriter) endReplaced() {
	successor := make(map[uint64]uint64)
	kept := w.loaded[:0]
	for i, r := range w.loaded { // ascending by position, then sequence number
		if i+1 == len(w.loaded) || w.loaded[i+1].pos != r.pos || r.err != nil || w.loaded[i+1].err != nil {
			kept = append(kept, r)
			continue
		}
		successor[r.Seq] = w.loaded[i+1].Seq
		w.queue = append(w.queue, journalEntry{seq: r.Seq, ends: true, data: outcomeData[engine.Superseded]})
	}
	clear(w.loaded[len(kept):])
	w.loaded = kept
	for i := len(kept) - 1; i >= 0 && len(successor) > 0; i-- {
		w.dependsInstead(&kept[i].record, kept[i].Seq, successor)
	}
}

// dependsInstead has a record depend on the successors of what it depends on.
func (w *journalWriter) dependsInstead(r *record, seq uint64, successor map[uint64]uint64) {
	moved := false
	for i, d := range r.deps {
		for s := successor[d]; s != 0; s = successor[s] {
			r.deps[i], moved = s, true
		}
	}
	if moved {
		w.queue = append(w.queue, journalEntry{seq: seq, data: r.encode()})
	}
}

// failedOf finds an operation that was rolled back among those depended on.
func failedOf(deps []uint64, live map[uint64]*engine.Op) *engine.Op {
	for _, d := range deps {
		if o := live[d]; o != nil && o.State() == engine.Ended && o.Outcome() != engine.Confirmed {
			return o
		}
	}
	return nil
}
