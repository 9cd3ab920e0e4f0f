package optimist

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// Quarantined lists the operations in the journal that this program could not
// restore. A later version of the program that knows them will.
func (m *Manager) Quarantined() []Quarantined {
	if !m.lockOrTell("Quarantined") {
		return nil
	}
	defer m.mu.Unlock()
	if m.journal == nil {
		return nil
	}
	return append([]Quarantined(nil), m.journal.quarantine...)
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
	w := m.journal
	var i int
	if w != nil {
		i = slices.IndexFunc(w.quarantine, func(q Quarantined) bool { return q.Seq == seq })
	}
	switch {
	case w == nil || i < 0:
		return errorf.New("%w: no operation %d is in quarantine", ErrInvalid, seq)
	case w.dead:
		return errorf.New("%w: %w", journal.ErrFailed, w.failed)
	}
	w.quarantine = slices.Delete(w.quarantine, i, i+1)
	w.queue = append(w.queue, journalEntry{seq: seq, ends: true, data: []byte("discarded from quarantine")})
	w.orphansLocked(m, seq)
	w.flushLocked(m)
	return nil
}

// lateLocked is why a type that is registered now is too late for what an earlier life left,
// or nil.
func (w *journalWriter) lateLocked(typ string) error {
	n := 0
	for _, q := range w.quarantine {
		if q.Type == typ {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return errorf.New("%w: type %q is registered after Restore, which put %d of its operations into quarantine until the next start; register all types first",
		ErrInvalid, typ, n)
}

// mayQuarantineCreation reports whether the creation on which an operation stands may be
// in quarantine: what is in a group that is there nobody knows.
func (w *journalWriter) mayQuarantineCreation(in *engine.Restore) bool {
	return slices.ContainsFunc(w.quarantine, func(q Quarantined) bool {
		return q.record == nil || q.record.store == "" || slices.ContainsFunc(in.Parts(), func(e engine.Part) bool {
			return e.Space.Name == q.record.store && e.Entity == q.record.entity
		})
	})
}

// endAsideLocked rolls back what is not in the engine, because something that it depends
// on came to nothing.
func (w *journalWriter) endAsideLocked(m *Manager, q Quarantined) {
	w.queue = append(w.queue, journalEntry{seq: q.Seq, ends: true, data: outcomeData[engine.RolledBack]})
	m.publishLocked(Event{Kind: OpSettled, ID: q.ID, Type: q.Type, Entity: q.Entity, Outcome: RolledBack, Err: ErrDependency})
}

// orphansLocked rolls back what is in quarantine and depends on an operation that came to
// nothing: a later life would take it for confirmed, because the journal does not have it.
func (w *journalWriter) orphansLocked(m *Manager, lost uint64) {
	for {
		i := slices.IndexFunc(w.quarantine, func(q Quarantined) bool {
			return q.record != nil && slices.Contains(q.record.deps, lost)
		})
		if i < 0 {
			return
		}
		q := w.quarantine[i]
		w.quarantine = slices.Delete(w.quarantine, i, i+1)
		w.endAsideLocked(m, q)
		w.orphansLocked(m, q.Seq)
	}
}

// followLocked tells what is in quarantine of the end of what it may depend on.
func (w *journalWriter) followLocked(m *Manager, o *engine.Op) {
	switch o.Outcome() {
	case engine.RolledBack, engine.Cancelled:
		w.orphansLocked(m, o.Seq())
	case engine.Superseded:
		successor := map[uint64]uint64{o.Seq(): o.Successor().Seq()}
		for _, q := range w.quarantine {
			if q.record != nil {
				w.dependsInstead(q.record, q.Seq, successor)
			}
		}
	}
}
