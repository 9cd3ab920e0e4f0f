package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/reason"
)

// Snapshot is a consistent picture of everything unsettled, but for operations in
// quarantine. It is plain data: it neither changes nor holds anything.
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

// OpSnapshot is one operation.
type OpSnapshot struct {
	ID       string
	Type     string
	Store    string   // of its entity, the first of a group; empty for a closure's entity of no store
	EntityID string   // within the store, such as "42"
	Entities []string // full names, of a group; nil otherwise
	User     string   // empty: nobody's, or Mutation.User panicked
	Slot     string
	// Args are the operation's arguments, of the type A of its Mutation or Group (for a closure,
	// the state that it wants; in quarantine, the bytes of the journal). They are a copy, but
	// what they refer to is shared with the operation and must not be changed.
	Args      any
	Schema    int // in quarantine, the version of the encoded arguments; see Stored
	State     State
	Timestamp Timestamp
	Age       time.Duration // since the tap, by this device's clock; at least 0
	Attempts  int           // charged to the retry policy
	Calls     int           // that left
	Due       time.Duration // until it may leave; 0 or less: now
	Unknown   bool          // an attempt left whose outcome is not known
	// Err is why the latest attempt failed, or why the operation is parked. A restart keeps
	// only the latter. Nil: nothing has failed since it was accepted, or since a Retry.
	Err error
	// Reason is why it has not gone further; package reason has the kinds.
	Reason reason.Reason
}

// Snapshot takes a picture. It holds the lock while it copies, which is short: it
// costs one small record for each unsettled operation. Its At is zero, as all else, when
// the call waited in vain; see ErrStuck.
func (m *Manager) Snapshot() (s Snapshot) {
	m.look("Snapshot", func() { s = m.snapshotLocked() })
	return s
}

func (m *Manager) snapshotLocked() Snapshot {
	now := time.Now()
	s := Snapshot{
		At: now, Pending: m.engine.Pending(), Parked: m.engine.Parked(), InFlight: m.engine.InFlight(),
		Sending: m.engine.Sending(),
	}
	for ent := range m.engine.Busy {
		_, _, version := ent.Truth()
		es := EntitySnapshot{Entity: ent.FullName(), Version: version, Number: ent.Number()}
		es.Operations = make([]OpSnapshot, 0, ent.Pending())
		for o := range ent.Ops {
			es.Operations = append(es.Operations, m.opSnapshotLocked(o, now))
		}
		s.Entities = append(s.Entities, es)
	}
	return s
}

// Snapshot is the operation as it is now: all that a list of pending work shows of it. It is
// zero for a handle of no operation, and when the call waited in vain; see [ErrStuck]. Of an
// operation that has ended, State says so, and Reason is none.
func (h *Handle) Snapshot() (s OpSnapshot) {
	h.look("Handle.Snapshot", func() {
		s = h.m.opSnapshotLocked(&h.op, time.Now())
	})
	return s
}

func ageOf(at Timestamp, now time.Time) time.Duration { return max(now.Sub(at.Time()), 0) }

func (m *Manager) opSnapshotLocked(o *engine.Op, now time.Time) OpSnapshot {
	ent := o.Entity()
	os := OpSnapshot{
		ID: o.ID(m.engine), Type: o.Type.Name, Store: ent.Space().Name, EntityID: ent.ID(), Slot: o.Slot, Args: argsOf(o),
		State: State(o.State()), Timestamp: Timestamp(o.Timestamp), Age: ageOf(Timestamp(o.Timestamp), now),
		Attempts: o.Attempts(), Calls: o.Calls(), Unknown: o.UnknownOutcome(), Err: publicErr(o.Failed()), Reason: m.reasonLocked(o, now),
	}
	if user := typeOf(o).user; user != nil {
		m.enterLocked(&typeOf(o).label)
		contain("user", func() { os.User = user(o.Args) }) // without a name, if it panics
	}
	if o.Type.Aside {
		os.Schema = typeOf(o).codec.Version
	}
	if o.State() == engine.Waiting {
		os.Due = time.Duration(o.Due() - m.now(now))
	}
	if o.Group() {
		for ent := range o.Entities {
			os.Entities = append(os.Entities, ent.FullName())
		}
	}
	return os
}
