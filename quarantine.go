package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
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

// asideLocked is the handle of an operation in quarantine. It has a type of its own, which
// can do nothing.
func (m *Manager) asideLocked(l outbox.Loaded) *Handle {
	if h := m.disk.aside[l.Seq]; h != nil {
		return h
	}
	r := l.Readable()
	typ := &opType{label: label{"type", r.Type}, codec: outbox.Codec{Version: r.Schema}}
	typ.Name, typ.Owner, typ.Pessimistic = r.Type, typ, true // no view shows it
	h := &Handle{m: m, durable: true}
	h.op.Type, h.op.Owner = &typ.Type, h
	l.SetAside(&h.op)
	m.disk.aside[l.Seq] = h
	return h
}

// aside reports whether the operation is or was in quarantine. Its type never changes, so that
// no lock is needed.
func (h *Handle) aside() bool { return !h.empty() && h.op.Type.Aside }

// endAsideLocked ends an operation that is not in the engine, and tells how.
func (m *Manager) endAsideLocked(h *Handle, outcome engine.Outcome, err error) {
	delete(m.disk.aside, h.op.Seq())
	m.carryOutLocked(h.op.EndAside(outcome, err), time.Now())
}

// rollBackAsideLocked ends operations that were rolled back without having been in the engine,
// because something that they depend on came to nothing.
func (m *Manager) rollBackAsideLocked(orphans []outbox.Loaded) {
	for _, l := range orphans {
		m.endAsideLocked(m.asideLocked(l), engine.RolledBack, ErrDependency)
	}
}

// discardAside drops an operation in quarantine.
func (m *Manager) discardAside(h *Handle) error {
	return m.act(func() (engine.Input, error) {
		out := m.disk.out
		switch {
		case h.ended:
			return nil, ErrSettled
		case out.Dead():
			return nil, errorf.New("%w: %w", journal.ErrFailed, out.Failed())
		}
		m.endAsideLocked(h, engine.Cancelled, nil)
		m.rollBackAsideLocked(out.Discard(h.op.Seq()))
		m.writeLocked()
		return nil, nil
	})
}

// quarantinedErr is why nothing but Discard can be done with an operation in quarantine.
func (m *Manager) quarantinedErr(h *Handle) error {
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if h.ended {
		return ErrSettled
	}
	return errorf.New("%w: %s of %s: %w", ErrQuarantined, h.op.Type.Name, h.op.Entity().FullName(), h.op.ParkedFor())
}
