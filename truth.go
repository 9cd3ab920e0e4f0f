package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
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
	held := s.truth(id)
	out := HeldTruth[T]{Presence: held.Presence, Version: held.Version, Since: held.Since, Predicted: held.Predicted, Position: held.Position}
	out.Value, _ = held.Value.(T)
	return out
}

func (s *anyStore) truth(id string) (held HeldTruth[any]) {
	s.look("Truth", id, func(ent *engine.Entity) {
		value, presence, version := ent.Truth()
		held = HeldTruth[any]{Value: value, Presence: Presence(presence), Version: version, Predicted: ent.Predicted(), Position: ent.Position()}
		if presence != engine.NotLoaded {
			held.Since = s.m.epoch.Add(time.Duration(ent.TruthSince()))
		}
	})
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
	switch {
	case s.err != nil:
		return s.err
	case id == "":
		return errorf.New("%w: RollbackAll of store %q needs an id", ErrInvalid, s.space.Name)
	}
	return s.m.RollbackAll(s.space.Name + ":" + id)
}

// look has f look at an entity, if anything is held of it. It reports false when the call
// waited in vain.
func (s *anyStore) look(call, id string, f func(*engine.Entity)) bool {
	switch {
	case s.err != nil:
		return true
	case id == "":
		s.noID(call)
		return true
	case !s.m.lockOrTell(call + " of " + s.space.Name + ":" + id):
		return false
	}
	defer s.m.mu.Unlock()
	if ent := s.space.Find(id); ent != nil {
		f(ent)
	}
	return true
}
