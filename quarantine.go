package optimist

import (
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
	Entity string
	At     Timestamp
	Args   []byte // as they were encoded
	Err    error  // why
}

func quarantined(l outbox.Loaded) Quarantined {
	q := Quarantined{Seq: l.Seq, Args: l.Data, Err: l.Err}
	if r := l.Record; r != nil {
		q.ID, q.Type, q.Schema, q.At, q.Args = r.ID, r.Type, r.Schema, Timestamp(r.Timestamp), r.Args
		if q.Entity = r.Entity; r.Store != "" {
			q.Entity = r.Store + ":" + r.Entity
		}
	}
	return q
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

// DiscardQuarantined drops one of them for good, with those that depend on it.
func (m *Manager) DiscardQuarantined(seq uint64) error {
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := m.stoppedLocked(); err != nil {
		return err
	}
	switch {
	case m.disk == nil || !m.disk.out.Quarantines(seq):
		return errorf.New("%w: no operation %d is in quarantine", ErrInvalid, seq)
	case m.disk.out.Dead():
		return errorf.New("%w: %w", journal.ErrFailed, m.disk.out.Failed())
	}
	m.tellEndedAsideLocked(m.disk.out.Discard(seq))
	m.writeLocked()
	return nil
}

// tellEndedAsideLocked tells of operations that were rolled back without having been in
// the engine, because something that they depend on came to nothing.
func (m *Manager) tellEndedAsideLocked(ended []outbox.Loaded) {
	for _, l := range ended {
		q := quarantined(l)
		m.publishLocked(Event{Kind: OpSettled, ID: q.ID, Type: q.Type, Entity: q.Entity, Outcome: RolledBack, Err: ErrDependency})
	}
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
