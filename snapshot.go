package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// Snapshot is a consistent picture of everything unsettled. It is plain data: it
// neither changes nor holds anything.
type Snapshot struct {
	At       time.Time
	Pending  int // unsettled operations, parked ones included
	Parked   int
	InFlight int // calls under way, also those whose operation has ended
	Sending  bool
	Entities []EntitySnapshot // in the order in which they became busy
}

// EntitySnapshot is one entity with unsettled operations.
type EntitySnapshot struct {
	Entity     string
	Version    uint64 // of truth
	Number     uint64 // of visible changes
	Operations []OpSnapshot
}

// OpSnapshot is one unsettled operation.
type OpSnapshot struct {
	ID        string
	Type      string
	User      string // empty: nobody's, or Mutation.User panicked
	Slot      string
	State     State
	Timestamp Timestamp
	Attempts  int           // charged to the retry policy
	Calls     int           // that left
	Due       time.Duration // until it may leave; 0 or less: now
	Unknown   bool          // an attempt left whose outcome is not known
	Err       error         // why it is parked
	Entities  []string      // of a group; nil otherwise
}

// Snapshot takes a picture. It holds the lock while it copies, which is short: it
// costs one small record for each unsettled operation. Its At is zero, as all else, when
// the call waited in vain; see ErrStuck.
func (m *Manager) Snapshot() Snapshot {
	if !m.lockOrTell("Snapshot") {
		return Snapshot{}
	}
	defer m.mu.Unlock()
	return m.snapshotLocked()
}

func (m *Manager) snapshotLocked() Snapshot {
	now := time.Now()
	s := Snapshot{
		At: now, Pending: m.engine.Pending(), Parked: m.engine.Parked(), InFlight: m.engine.InFlight(),
		Sending: m.engine.Sending(),
	}
	for ent := range m.engine.Busy {
		_, _, version := ent.Truth()
		es := EntitySnapshot{Entity: fullName(ent), Version: version, Number: ent.Number()}
		es.Operations = make([]OpSnapshot, 0, ent.Pending())
		for o := range ent.Ops {
			es.Operations = append(es.Operations, m.opSnapshotLocked(o, now))
		}
		s.Entities = append(s.Entities, es)
	}
	return s
}

func (m *Manager) opSnapshotLocked(o *engine.Op, now time.Time) OpSnapshot {
	os := OpSnapshot{
		ID: o.ID(m.engine), Type: o.Type.Name, Slot: o.Slot, State: State(o.State()),
		Timestamp: Timestamp(o.Timestamp), Attempts: o.Attempts(), Calls: o.Calls(),
		Unknown: o.UnknownOutcome(), Err: publicErr(o.ParkedFor()),
	}
	if user := typeOf(o).user; user != nil {
		m.enterLocked(&typeOf(o).label)
		contain("user", func() { os.User = user(o.Args) }) // without a name, if it panics
	}
	if o.State() == engine.Waiting {
		os.Due = time.Duration(o.Due() - m.now(now))
	}
	if o.Group() {
		for ent := range o.Entities {
			os.Entities = append(os.Entities, fullName(ent))
		}
	}
	return os
}
