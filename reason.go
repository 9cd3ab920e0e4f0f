package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/reason"
)

// ReasonKind is what an unsettled operation waits for. The kinds stand in the order in which
// they are looked at: the first one that holds is the reason.
type ReasonKind uint8

const (
	NoReason               ReasonKind = iota // it has ended
	InQuarantine                             // this program cannot restore it; it can be discarded
	WaitsForOpening                          // the manager has stopped: the next life sends what its journal holds
	WaitsForDisk                             // the journal has not taken its record yet
	WaitsForDecision                         // the operation (of the reason) is parked; empty: itself
	WaitsForCreation                         // the operation creates the entity
	WaitsForDependency                       // it was accepted to come after the operation
	WaitsForLane                             // the operation is in front of it, or its call is, although it has ended
	WaitsForDebounce                         // further taps may come until Due
	WaitsForRetry                            // its attempt failed, or the server asked for a pause; it goes on at Due
	WaitsForNetwork                          // SetOnline(false) was the program's last word
	WaitsForProbe                            // nobody answers: the operation probes, or one may at Due
	WaitsForAuthentication                   // the server did not know the user; see Manager.RetryNow
	WaitsForCap                              // Options.MaxInFlight calls are under way
	WaitsForAnswer                           // its call is under way
	WaitsForTruth                            // the server has it; truth of the entity, at Version, is to come
	WaitsForLoading                          // the same, of an entity that was never loaded, so that it is not shown
)

// Reason is why an unsettled operation has not gone further. It names the one thing that has
// to happen first; afterwards the operation has left, or has another reason. Reasons can be
// compared with ==.
type Reason struct {
	Kind      ReasonKind
	Operation string        // id of the operation that Kind speaks of; empty: none, or itself
	Entity    string        // full name: of that operation's (first) entity, or of the awaited truth's
	Version   uint64        // of the truth that is awaited; 0: not known
	Due       time.Duration // until the wait ends by itself; 0: no time is set
}

// String is the reason as a sentence about the operation, "it".
func (r Reason) String() string {
	return reason.Sentence(engine.ReasonKind(r.Kind), r.Operation, r.Entity, r.Version, r.Due)
}

// reasonLocked is the reason of an operation as the engine knows it, and with what only the
// shell knows: whether the manager has stopped, and whether an attempt waits for the disk.
func (m *Manager) reasonLocked(o *engine.Op, now time.Time) Reason {
	why := m.engine.Why(o)
	switch {
	case why.Kind == engine.NoReason, why.Kind == engine.InQuarantine:
		return Reason{Kind: ReasonKind(why.Kind)}
	case m.lost != nil:
		return Reason{Kind: WaitsForOpening}
	case why.Kind == engine.WaitsForAnswer && m.marksLocked(o):
		return Reason{Kind: WaitsForDisk}
	}
	r := Reason{Kind: ReasonKind(why.Kind), Version: why.Version}
	if why.Due != 0 && why.Due != engine.Never {
		r.Due = max(time.Duration(why.Due-m.now(now)), 0)
	}
	switch {
	case why.Op != nil && why.Op != o:
		r.Operation, r.Entity = why.Op.ID(m.engine), why.Op.Entity().FullName()
	case why.Entity != nil:
		r.Entity = why.Entity.FullName()
	}
	return r
}

// marksLocked reports whether the attempt of an operation waits until the journal knows of
// it.
func (m *Manager) marksLocked(o *engine.Op) bool {
	if m.disk == nil || !o.Type.Stored {
		return false
	}
	for _, f := range m.courier.Flying() {
		if &f.h.op == o {
			began, _ := f.ctx.Times()
			return began == 0
		}
	}
	return false
}
