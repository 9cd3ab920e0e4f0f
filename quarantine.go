package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/journal"
)

// Quarantined are the operations in the journal that this program cannot restore: the type is not
// registered, or the arguments cannot be decoded, or it depends on one of those. They are neither
// sent nor dropped, and a later version of the program that knows them will restore them.
// [Handle.Snapshot] has the encoded arguments, and the reason in Err; [Handle.Discard] drops one
// for good.
func (m *Manager) Quarantined() (all []*Handle) {
	m.look("Quarantined", func() { all = m.quarantineLocked() })
	return all
}

func (m *Manager) quarantineLocked() (all []*Handle) {
	if m.disk != nil {
		for _, l := range m.disk.out.Quarantine() {
			all = append(all, m.asideLocked(l))
		}
	}
	return all
}

// setAside is an operation that is in the journal and not in the engine. The Manager's lock guards
// its outcome.
type setAside struct {
	outbox.Loaded
	record  *outbox.Record // as far as it can be read
	outcome Outcome        // 0: it is in quarantine
}

// aside has the record of an operation in quarantine; nil: the operation is not in quarantine.
// It is not inlined: a browser would get too many copies.
//
//go:noinline
func (h *Handle) aside() *setAside { return typeOf(&h.op).aside }

// asideLocked is the handle of an operation in quarantine. It has a type of its own, which
// can do nothing.
func (m *Manager) asideLocked(l outbox.Loaded) *Handle {
	if h := m.disk.aside[l.Seq]; h != nil {
		return h
	}
	r := l.Readable()
	typ := &opType{aside: &setAside{Loaded: l, record: r}}
	typ.Name, typ.Owner, typ.label = r.Type, typ, label{"type", r.Type}
	h := &Handle{m: m}
	h.op.Type, h.op.Owner, h.op.Timestamp, h.op.Args = &typ.Type, h, r.Timestamp, r.Args
	m.disk.aside[l.Seq] = h
	return h
}

func (q *setAside) state() State {
	if q.outcome != 0 {
		return Ended
	}
	return Parked
}

// entity is the full name of its (first) entity.
func (q *setAside) entity() string { return q.record.FullNames()[0] }

func (q *setAside) snapshot(now time.Time) OpSnapshot {
	r := q.record
	os := OpSnapshot{
		ID: r.ID, Type: r.Type, Slot: r.Slot, Args: r.Args, Schema: r.Schema, State: q.state(),
		Timestamp: Timestamp(r.Timestamp), Age: ageOf(Timestamp(r.Timestamp), now), Err: q.Err,
		Attempts: r.Kept.Attempts, Calls: r.Kept.Calls, Unknown: r.Kept.Unknown || r.Kept.InFlight,
	}
	for os.Store, os.EntityID = range r.Entities {
		break // the first
	}
	if q.outcome == 0 {
		os.Reason.Kind = InQuarantine
	}
	return os
}

// tellEndedAsideLocked tells of operations that were rolled back without having been in
// the engine, because something that they depend on came to nothing.
func (m *Manager) tellEndedAsideLocked(ended []outbox.Loaded) {
	for _, l := range ended {
		m.tellAsideLocked(l, RolledBack, ErrDependency)
	}
}

// tellAsideLocked tells how an operation ended that was not in the engine.
func (m *Manager) tellAsideLocked(l outbox.Loaded, outcome Outcome, err error) {
	h := m.asideLocked(l)
	delete(m.disk.aside, l.Seq)
	q := h.aside()
	if q.outcome = outcome; err != nil {
		h.moreLocked().err = &OpError{ID: q.record.ID, Type: q.record.Type, Entity: q.entity(), Err: err}
	}
	m.completeLocked(h, true)
	ev, in := Event{Kind: OpSettled, ID: q.record.ID, Type: q.record.Type, Outcome: outcome, Err: err}, q.record.FullNames()
	if q.record.Grouped() {
		ev.Entities = in
	}
	for _, ev.Entity = range in {
		m.publishLocked(ev)
	}
}

// discardAside drops an operation in quarantine.
func (m *Manager) discardAside(h *Handle) error {
	if err := m.lockToAct(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	q, out := h.aside(), m.disk.out
	switch {
	case q.outcome != 0:
		return ErrSettled
	case out.Dead():
		return errorf.New("%w: %w", journal.ErrFailed, out.Failed())
	}
	m.tellAsideLocked(q.Loaded, Cancelled, nil)
	m.tellEndedAsideLocked(out.Discard(q.Seq))
	m.writeLocked()
	return nil
}

// quarantinedErr is why nothing but Discard can be done with an operation in quarantine.
func (m *Manager) quarantinedErr(h *Handle) error {
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	q := h.aside()
	if q.outcome != 0 {
		return ErrSettled
	}
	return errorf.New("%w: %s of %s: %w", ErrQuarantined, q.record.Type, q.entity(), q.Err)
}
