// Package reason has the reasons for which an unsettled operation waits. A snapshot of
// package optimist names one for each.
//
// # Guarantees
//
//   - Every unsettled operation has a reason; an operation that has ended has [None].
//   - A reason names the one thing that has to happen first. Afterwards the operation has
//     left, has ended, or has another reason.
//   - The kinds stand in the order in which they are looked at for an operation that has not
//     left: the first one that holds is the reason. One that is parked itself has [Decision], one
//     whose call is under way [Answer], and [Disk] until the journal has noted the attempt.
//   - Reasons are values, and can be compared with ==. Each is a sentence as well.
//
// # Not guaranteed
//
// The sentences are for people and may change; a program looks at the [Kind].
package reason

import (
	"strconv"
	"time"
)

// Kind names the condition for which an unsettled operation waits.
type Kind uint8

const (
	None           Kind = iota // it has ended
	Quarantine                 // this program cannot restore it; it can be discarded
	Opening                    // the manager has stopped: the next life sends what its journal holds
	Disk                       // the journal has not taken its record yet
	Decision                   // the operation (of the reason) is parked; empty: itself
	Creation                   // the operation creates the entity
	Dependency                 // it was accepted to come after the operation
	Lane                       // the operation is in front of it, or its call is, although it has ended
	Debounce                   // further taps may come until Due
	Retry                      // its attempt failed, or the server asked for a pause; it goes on at Due
	Network                    // the program's last word was SetOnline(false)
	Probe                      // nobody answers: the operation probes, or one may at Due
	Authentication             // the server did not know the user; RetryNow ends the pause
	Cap                        // as many calls are under way as Options.MaxInFlight allows
	Answer                     // its call is under way
	Truth                      // the server has it; truth of the entity, at Version, is to come
	Loading                    // the same, of an entity that was never loaded, so that it is not shown
)

// Reason is why an unsettled operation has not gone further. An operation that has ended
// has the zero Reason.
type Reason struct {
	Kind      Kind
	Operation string        // id of the operation that Kind speaks of; empty: none, or itself
	Entity    string        // full name: of that operation's (first) entity, or of the awaited truth's
	Version   uint64        // of the truth that is awaited; 0: not known
	Due       time.Duration // until the wait ends by itself; 0: no time is set
}

// String is the reason as a sentence about the operation, "it"; empty for None.
func (r Reason) String() string {
	other := "operation " + r.Operation + " of " + r.Entity
	in := r.Due.Round(10 * time.Millisecond).String()
	switch r.Kind {
	case Quarantine:
		return "it is in quarantine, because this program cannot restore it"
	case Opening:
		return "the manager has stopped, and sends nothing any more"
	case Disk:
		return "the journal has not taken its record yet"
	case Decision:
		if r.Operation == "" {
			return "it failed, and somebody has to retry, edit or discard it"
		}
		return other + " failed, and somebody has to decide about that one first"
	case Creation:
		return other + " has to create the entity first"
	case Dependency:
		return "it comes after " + other
	case Lane:
		return other + " goes first"
	case Debounce:
		return "it waits " + in + " for further changes"
	case Retry:
		if r.Due == 0 {
			return "it waits for its next attempt"
		}
		return "its next attempt leaves in " + in
	case Network:
		return "there is no network"
	case Probe:
		if r.Operation != "" {
			return "the server answers nobody, and " + other + " asks whether it is back"
		}
		return "the server answers nobody, and is asked again in " + in
	case Authentication:
		return "the server did not accept the user's authentication"
	case Cap:
		return "as many calls are under way as are allowed at a time"
	case Answer:
		return "its call is under way"
	case Truth:
		if r.Version == 0 {
			return "the server has it, and the truth of " + r.Entity + " does not show it yet"
		}
		return "the server has it, and truth of " + r.Entity + " at version " + strconv.FormatUint(r.Version, 10) + " has not come yet"
	case Loading:
		return "the server has it, and " + r.Entity + " was never loaded"
	}
	return ""
}
