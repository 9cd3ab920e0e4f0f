package optimist

import (
	"slices"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/journal"
)

// Quarantined is an operation in the journal that this program cannot restore: its
// type is not registered, or its arguments cannot be decoded, or it depends on one
// of those. It is neither sent nor dropped.
type Quarantined struct {
	Seq    uint64 // names it for DiscardQuarantined
	ID     string
	Type   string
	Schema int
	Entity string // of a group its first one
	At     Timestamp
	Args   []byte // as they were encoded
	Err    error  // why
}

func quarantined(l outbox.Loaded) Quarantined {
	q := Quarantined{Seq: l.Seq, Args: l.Data, Err: l.Err}
	if r := l.Record; r != nil {
		q.ID, q.Type, q.Schema, q.At, q.Args = r.ID, r.Type, r.Schema, Timestamp(r.Timestamp), r.Args
		q.Entity = namesIn(r)[0]
	}
	return q
}

// membersOf are the entities of a record, at least one. A group in a record of earlier times has
// one without names.
func membersOf(r *outbox.Record) []string {
	if len(r.Members) > 0 {
		return r.Members
	}
	return []string{r.Store, r.Entity}
}

// namesIn are the full names of the entities of a record.
func namesIn(r *outbox.Record) (names []string) {
	in := membersOf(r)
	for i := 0; i < len(in); i += 2 {
		name := in[i+1]
		if in[i] != "" {
			name = in[i] + ":" + name
		}
		names = append(names, name)
	}
	return names
}

// quarantineLocked lists the operations in quarantine.
func (m *Manager) quarantineLocked() (list []Quarantined) {
	for _, l := range m.disk.out.Quarantine() {
		list = append(list, quarantined(l))
	}
	return list
}

// Quarantined lists the operations in the journal that this program could not
// restore. A later version of the program that knows them will.
func (m *Manager) Quarantined() []Quarantined {
	if !m.lockOrTell("Quarantined") {
		return nil
	}
	defer m.mu.Unlock()
	if m.disk == nil {
		return nil
	}
	return m.quarantineLocked()
}

// DiscardQuarantined drops one of them for good, with those that depend on it. Handle.Discard
// does the same for an operation that [Manager.Operation] has found.
func (m *Manager) DiscardQuarantined(seq uint64) error {
	if err := m.lockToAct(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.disk == nil || !m.disk.out.Quarantines(seq) {
		return errorf.New("%w: no operation %d is in quarantine", ErrInvalid, seq)
	}
	return m.discardAsideLocked(seq)
}

func (m *Manager) discardAsideLocked(seq uint64) error {
	out := m.disk.out
	if out.Dead() {
		return errorf.New("%w: %w", journal.ErrFailed, out.Failed())
	}
	i := slices.IndexFunc(out.Quarantine(), func(l outbox.Loaded) bool { return l.Seq == seq })
	m.tellAsideLocked(out.Quarantine()[i], Cancelled, nil)
	m.tellEndedAsideLocked(out.Discard(seq))
	m.writeLocked()
	return nil
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
	q := quarantined(l)
	if h := m.disk.aside[l.Seq]; h != nil {
		delete(m.disk.aside, l.Seq)
		if h.aside().outcome = outcome; err != nil {
			h.moreLocked().err = &OpError{ID: q.ID, Type: q.Type, Entity: q.Entity, Err: err}
		}
		m.completeLocked(h, true)
	}
	ev, in := Event{Kind: OpSettled, ID: q.ID, Type: q.Type, Outcome: outcome, Err: err}, []string{q.Entity}
	if l.Record != nil && len(l.Record.Members) > 0 {
		in = namesIn(l.Record)
		ev.Entities = in
	}
	for _, ev.Entity = range in {
		m.publishLocked(ev)
	}
}

// setAside is an operation in quarantine that somebody has asked for. The Manager's lock guards
// its outcome.
type setAside struct {
	Quarantined
	record  *outbox.Record // nil: it cannot be read
	outcome Outcome        // 0: it is in quarantine
}

func (q *setAside) state() State {
	if q.outcome != 0 {
		return Ended
	}
	return Parked
}

func (q *setAside) snapshot(now time.Time) OpSnapshot {
	os := OpSnapshot{
		ID: q.ID, Type: q.Type, Args: q.Args, State: q.state(), Timestamp: q.At, Age: ageOf(q.At, now), Err: q.Err,
		Reason: Reason{Kind: InQuarantine},
	}
	if r := q.record; r != nil {
		in := membersOf(r)
		os.Store, os.EntityID, os.Slot = in[0], in[1], r.Slot
		os.Attempts, os.Calls, os.Unknown = r.Kept.Attempts, r.Kept.Calls, r.Kept.Unknown || r.Kept.InFlight
	}
	if q.outcome != 0 {
		os.Reason = Reason{}
	}
	return os
}

// aside is what the handle has of an operation in quarantine; nil: of any other.
func (h *Handle) aside() *setAside { return typeOf(&h.op).aside }

// asideLocked is the handle of an operation in quarantine. It has a type of its own, which
// can do nothing.
func (m *Manager) asideLocked(l outbox.Loaded) *Handle {
	if h := m.disk.aside[l.Seq]; h != nil {
		return h
	}
	q := quarantined(l)
	typ := &opType{aside: &setAside{Quarantined: q, record: l.Record}}
	typ.Name, typ.Owner, typ.label = q.Type, typ, label{"type", q.Type}
	h := &Handle{m: m}
	h.op.Type, h.op.Owner, h.op.Timestamp, h.op.Args = &typ.Type, h, engine.Timestamp(q.At), q.Args
	if m.disk.aside == nil {
		m.disk.aside = make(map[uint64]*Handle)
	}
	m.disk.aside[l.Seq] = h
	return h
}

// discardAside drops an operation in quarantine.
func (m *Manager) discardAside(h *Handle) error {
	if err := m.lockToAct(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if h.aside().outcome != 0 {
		return ErrSettled
	}
	return m.discardAsideLocked(h.aside().Seq)
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
	return errorf.New("%w: %s of %s: %w", ErrQuarantined, q.Type, q.Entity, q.Err)
}

// tooLateLocked is why a type that is registered now is too late for operations that an
// earlier life left, or nil.
func (m *Manager) tooLateLocked(typ string) error {
	n := m.disk.out.QuarantinedOf(typ)
	if n == 0 {
		return nil
	}
	return errorf.New("%w: type %q is registered after Restore, which put %d of its operations into quarantine until the next start; register all types first",
		ErrInvalid, typ, n)
}
