package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// HeldTruth is the truth that is held of an entity, below the unsettled operations that a
// [View] shows over it.
type HeldTruth[T any] struct {
	Value    T // the zero value unless Present
	Presence Presence
	Version  uint64 // 0: none was told
	// Since is when this truth came, or when the latest confirmed operation was found in it.
	// Zero: NotLoaded.
	Since time.Time
	// Predicted: the server did not tell this value. It confirmed operations without saying
	// how things stand, and the value is what they make of the one told before, of which
	// Version is.
	Predicted bool
	// Position is the place of its change in the server's feed. 0: it was not told.
	Position uint64
}

// Truth is the truth held of an entity, which shows nothing of its unsettled operations. It
// says that nothing is known when the call waited in vain; see ErrStuck.
func (s *Store[T]) Truth(id string) HeldTruth[T] {
	look := s.view("Truth", id)
	return heldTruth[T](&look, s.m)
}

// heldTruth is the truth of a look.
func heldTruth[T any](l *engine.Look, m *Manager) HeldTruth[T] {
	held := HeldTruth[T]{Value: as[T](l.Truth), Presence: Presence(l.TruthPresence), Version: l.Version, Predicted: l.Predicted, Position: l.Position}
	if held.Presence != NotLoaded {
		held.Since = m.timeOf(l.Since)
	}
	return held
}

// PendingCount counts the unsettled operations of an entity, parked ones included. It is
// -1 when it cannot be known, because the call waited in vain; see ErrStuck.
func (s *anyStore) PendingCount(id string) (n int) {
	if !s.look("PendingCount", id, func(ent *engine.Entity) { n = ent.Pending() }) {
		return -1
	}
	return n
}

// HasPending reports whether an entity has unsettled operations, or may have some; see
// PendingCount.
func (s *anyStore) HasPending(id string) bool { return s.PendingCount(id) != 0 }

// RollbackAll undoes every unsettled operation of an entity, last first, as
// [Manager.RollbackAll] does.
func (s *anyStore) RollbackAll(id string) error {
	if err := s.needs("RollbackAll", id); err != nil {
		return err
	}
	return s.m.RollbackAll(s.space.Name + ":" + id)
}
