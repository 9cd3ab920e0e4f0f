package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
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
	other := "operation " + r.Operation + " of " + r.Entity
	in := r.Due.Round(10 * time.Millisecond)
	switch r.Kind {
	case InQuarantine:
		return "it is in quarantine, because this program cannot restore it"
	case WaitsForOpening:
		return "the manager has stopped, and sends nothing any more"
	case WaitsForDisk:
		return "the journal has not taken its record yet"
	case WaitsForDecision:
		if r.Operation == "" {
			return "it failed, and somebody has to retry, edit or discard it"
		}
		return other + " failed, and somebody has to decide about that one first"
	case WaitsForCreation:
		return other + " has to create the entity first"
	case WaitsForDependency:
		return "it comes after " + other
	case WaitsForLane:
		return other + " goes first"
	case WaitsForDebounce:
		return errorf.Text("it waits %v for further changes", in)
	case WaitsForRetry:
		if r.Due == 0 {
			return "it waits for its next attempt"
		}
		return errorf.Text("its next attempt leaves in %v", in)
	case WaitsForNetwork:
		return "there is no network"
	case WaitsForProbe:
		if r.Operation != "" {
			return "the server answers nobody, and " + other + " asks whether it is back"
		}
		return errorf.Text("the server answers nobody, and is asked again in %v", in)
	case WaitsForAuthentication:
		return "the server did not accept the user's authentication"
	case WaitsForCap:
		return "as many calls are under way as are allowed at a time"
	case WaitsForAnswer:
		return "its call is under way"
	case WaitsForTruth:
		if r.Version == 0 {
			return "the server has it, and the truth of " + r.Entity + " does not show it yet"
		}
		return errorf.Text("the server has it, and truth of %s at version %d has not come yet", r.Entity, r.Version)
	case WaitsForLoading:
		return "the server has it, and " + r.Entity + " was never loaded"
	}
	return ""
}

// reasonLocked is the reason of an operation as the engine knows it, and with what only the
// shell knows: whether the manager has stopped, and whether an attempt waits for the disk.
func (m *Manager) reasonLocked(o *engine.Op, now time.Time) Reason {
	why := m.engine.Why(o)
	switch {
	case why.Kind == engine.NoReason:
		return Reason{}
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
