// Package event has the kinds of events that a manager of package optimist tells its
// subscribers. The kind decides which fields of an event are set; the comments name them.
//
// # Guarantees
//
//   - Every operation that ends has one event [Settled], and a group one for each of its entities.
//   - [Settled] comes before the Changed of the truth that ended the operation.
//   - A step that changes views has one event [Changed] for each entity whose view it changes.
//   - A subscriber that is too slow for all events is told so by [Gap], with their number.
//   - The kinds from [Accepted] to [RolledBack], which are consecutive, are of operations.
//
// # Not guaranteed
//
// The words of a kind are for people and may change; a program looks at the [Kind]. Kinds may be
// added: a program passes over those that it does not know.
package event

import "strconv"

// Kind is the kind of an event.
type Kind uint8

const (
	Started          Kind = iota + 1 // first event: how things stand
	Changed                          // the view of Entity has changed
	Accepted                         // the operation is queued, and in the view unless it is pessimistic
	Joined                           // a call wanted the same as an earlier operation
	Sent                             // an attempt has left
	Retrying                         // an attempt failed; the next leaves at Due
	Deferred                         // an attempt found nobody, nobody who knew us, or a full disk
	Acknowledged                     // the server has it; truth of it is awaited
	Conflicted                       // it met other truth; see Resolution
	Parked                           // it failed and waits for a decision
	Unparked                         // a decision sends it again
	Settled                          // it ended; see Outcome
	RolledBack                       // Victims left the view together
	TruthStale                       // truth older than the truth held was ignored
	TruthUnsure                      // an operation ended, and the server may have it: see View.Unsure
	TruthSure                        // truth newer than that doubt has come
	EraBegan                         // the server has begun a new history, such as a restored backup; see Manager.NewEra
	TruthRefused                     // truth in an answer was ignored: it is of no store of ours, or contradicts itself
	SendingPaused                    // nothing leaves, or one operation probes
	SendingResumed                   // operations leave again
	CallbackPanicked                 // a callback, closure or rule panicked; nothing was harmed
	ClockDrift                       // a server's timestamp was refused
	JournalFailed                    // the journal failed; Err says how it goes on
	Quarantined                      // a restored operation is of no known type
	Progressed                       // its call has come as far as Done of Total
	Misused                          // the program does something that cannot work; Err names it and the remedy
	Gap                              // Missed events were not delivered
)

func (k Kind) String() string {
	names := [...]string{"none", "started", "changed", "accepted", "joined", "sent", "retrying", "deferred",
		"acknowledged", "conflicted", "parked", "unparked", "settled", "rolled back", "stale truth", "unsure", "sure", "new era", "truth refused",
		"sending paused", "sending resumed", "callback panicked", "clock drift", "journal failed", "quarantined", "progressed", "misused", "gap"}
	if int(k) < len(names) {
		return names[k]
	}
	return "event " + strconv.Itoa(int(k))
}
