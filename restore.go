package optimist

import (
	"errors"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/outbox"
)

// Restored tells which operations Restore found in the journal.
type Restored struct {
	// Operations that were unsettled, in their order. One that may have been sent is
	// sent again with the same key, before anything later of its lane. One that no longer
	// applies has been rolled back, and so have the operations that depend on it.
	Operations []*Handle
	// Quarantined operations cannot be restored by this program. They stay in the
	// journal; see Manager.Quarantined.
	Quarantined []*Handle
}

// openJournal loads the journal, whose records Restore turns into operations once
// their types are known.
func (m *Manager) openJournal() (outbox.Header, error) {
	if m.opts.Journal == nil {
		return outbox.Header{}, nil
	}
	records, err := m.opts.Journal.Load()
	if err != nil {
		return outbox.Header{}, errorf.New("load the journal: %w", err)
	}
	out := outbox.New()
	h, left, err := out.Load(records)
	if err != nil {
		return outbox.Header{}, err
	}
	m.clock.Last = max(m.clock.Last, h.Clock)
	for _, l := range left {
		if l.Record != nil {
			m.clock.Observe(l.Record.Timestamp, m.epoch) // it may be ahead because truth under it was
		}
	}
	if m.opts.ClientID == "" {
		m.opts.ClientID = h.Client
	}
	m.disk = &disk{aside: make(map[uint64]*Handle), j: m.opts.Journal, durability: m.opts.Journal.Durability(), out: out}
	return h, nil
}

// Restore brings back the operations that an earlier life left in the journal. It must be called
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
	switch past := m.pastLocked(closing); {
	case past != nil:
		return Restored{}, past
	case m.disk == nil:
		return Restored{}, nil
	case m.disk.out.Restored():
		return Restored{}, errorf.New("%w: Restore was called already", ErrInvalid)
	}
	box := m.disk.out
	var out Restored
	now := time.Now()
	m.engine.ShutGate(true) // nothing leaves before everything is there
	m.restoreNamesLocked(now)
	for _, l := range box.Begin() {
		h, err := m.restoreLocked(l, now)
		if err == nil {
			box.Accept(l, &h.op)
			out.Operations = append(out.Operations, h)
			continue
		}
		if l.Err = err; box.Reject(l) {
			m.rollBackAsideLocked([]outbox.Loaded{l})
			continue
		}
		o := &m.asideLocked(l).op
		m.publishLocked(Event{Kind: event.Quarantined, ID: o.ID(m.engine), Type: o.Type.Name, Entity: o.Entity().FullName(), Err: err})
	}
	out.Quarantined = m.quarantineLocked()
	m.engine.ShutGate(false)
	box.End()
	m.stepLocked(now, engine.Tick{})
	return out, nil
}

// restoreLocked turns one record into an operation.
func (m *Manager) restoreLocked(l outbox.Loaded, now time.Time) (*Handle, error) {
	r := l.Record
	if r == nil {
		return nil, l.Err
	}
	registered, err := m.known.StoredType(r.Type)
	if err != nil {
		return nil, err
	}
	typ := registered.Owner.(*opType)
	var h *Handle
	var parts []engine.Part
	m.enterLocked(&typ.label)
	foreign.Finish(func() { h, parts, err = m.decode(r, typ) }, m.breakLocked)
	if err != nil {
		return nil, err
	}
	h.op.Slot, h.op.Timestamp = r.Slot, r.Timestamp
	in := &engine.Restore{
		ID: r.ID, Seq: l.Seq, Pos: r.Pos, Kept: m.keptBy(r.Kept, now),
		Execute: engine.Execute{Entity: r.Entity, Op: &h.op},
	}
	if r.Kept.Parked {
		in.Err = errors.New(r.Failure)
	}
	if typ.parts != nil {
		in.Group = parts
	} else if in.Space = m.known.Store(r.Store); in.Space == nil {
		return nil, errorf.New("%w: there is no store %q", ErrInvalid, r.Store)
	}
	if in.After, err = m.disk.out.After(r); err != nil {
		return nil, err
	}
	if in.Stands && !in.HasCreation() && m.disk.out.MayHoldCreation(in) {
		return nil, errorf.New("%w: it stands on a creation in quarantine", ErrDependency)
	}
	if err := m.stepLocked(now, in); err != nil {
		return nil, publicErr(err)
	}
	m.disk.heldLocked(h)
	return h, nil
}

// decode asks the program for the operation's arguments, and a group for its parts.
func (m *Manager) decode(r *outbox.Record, typ *opType) (h *Handle, parts []engine.Part, err error) {
	var args any
	if p := contain("decode", func() { args, err = typ.codec.Decode(r.Schema, r.Args) }); p != nil {
		err = p
	}
	if err != nil {
		return nil, nil, errorf.New("arguments of version %d cannot be decoded: %w", r.Schema, sound("decode", err))
	}
	if typ.parts != nil {
		if parts, err = typ.parts(args); err != nil {
			return nil, nil, err
		}
	}
	return typ.adoptArgs(m, args), parts, nil
}
