package load

import (
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// noteKind is the kind of a note.
type noteKind string

const (
	noteReady      noteKind = "ready"       // the client is signed in
	noteTapped     noteKind = "tapped"      // ID, At, Took: until the change was visible
	noteAccepted   noteKind = "accepted"    // ID; with a journal: is about to be in it
	noteDurable    noteKind = "durable"     // ID
	noteEnding     noteKind = "ending"      // ID, Successor: the end is about to be in the journal
	noteRestored   noteKind = "restored"    // IDs: all operations that a start of the client found
	noteHeld       noteKind = "held"        // IDs: all operations unsettled in the end
	noteSent       noteKind = "sent"        // Request is about to leave, At
	noteAnswered   noteKind = "answered"    // ID, Took, Version; Already: it changed nothing
	noteUnheard    noteKind = "unheard"     // ID: the result of an attempt is unknown; Took, if a server has answered
	noteRefused    noteKind = "refused"     // ID, Took: no attempt had an effect
	notePutOff     noteKind = "put off"     // ID, Took: the server asks to try again later
	noteRetrying   noteKind = "retrying"    // an attempt failed
	noteConflicted noteKind = "conflicted"  // ID; Already: both wanted the same
	noteRolledBack noteKind = "rolled back" // Count operations
	noteSettled    noteKind = "settled"     // ID, At, Outcome, Successor
	noteQuiet      noteKind = "quiet"       // the client has made its taps, and all have settled
	noteMissed     noteKind = "missed"      // Count events
	noteCompared   noteKind = "compared"    // Count posts differ, Why; Parked
	noteDone       noteKind = "done"        // the order was carried out; Why: it was not
)

// note is one report of a client about its run. A client in a process of its own
// writes each note as a line of JSON before it goes on, so the acts of the process
// are known even when it is killed.
type note struct {
	Kind      noteKind         `json:"kind"`
	Client    int              `json:"client"`
	ID        string           `json:"id,omitempty"`
	IDs       []string         `json:"ids,omitempty"`
	At        time.Time        `json:"at,omitzero"`
	Took      time.Duration    `json:"took,omitempty"`
	Request   *client.Request  `json:"request,omitempty"`
	Already   bool             `json:"already,omitempty"`
	Version   uint64           `json:"version,omitempty"` // of the post
	Outcome   optimist.Outcome `json:"outcome,omitempty"`
	Successor string           `json:"successor,omitempty"`
	Count     int              `json:"count,omitempty"`
	Parked    int              `json:"parked,omitempty"`
	Why       string           `json:"why,omitempty"`
}
