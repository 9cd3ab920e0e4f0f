package load

import (
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// noteKind says what a note tells.
type noteKind string

const (
	noteReady      noteKind = "ready"       // the client is signed in
	noteTapped     noteKind = "tapped"      // ID, At, Took: until the change was visible
	noteAccepted   noteKind = "accepted"    // ID; with a journal: is about to be in it
	noteDurable    noteKind = "durable"     // ID
	noteEnding     noteKind = "ending"      // ID, Successor: the end is about to be in the journal
	noteRestored   noteKind = "restored"    // IDs: all that a start of the client found
	noteHeld       noteKind = "held"        // IDs: all that is unsettled in the end
	noteSent       noteKind = "sent"        // Request is about to leave, At
	noteAnswered   noteKind = "answered"    // ID, Took, Version; Already: it changed nothing
	noteUnheard    noteKind = "unheard"     // ID: nobody knows what became of an attempt; Took, if a server has answered
	noteRefused    noteKind = "refused"     // ID, Took: no attempt had an effect
	notePutOff     noteKind = "put off"     // ID, Took: the server says to come back
	noteRetrying   noteKind = "retrying"    // an attempt failed
	noteConflicted noteKind = "conflicted"  // ID; Already: both wanted the same
	noteRolledBack noteKind = "rolled back" // Count operations
	noteSettled    noteKind = "settled"     // ID, At, Outcome, Successor
	noteQuiet      noteKind = "quiet"       // the client has tapped enough, and all has settled
	noteMissed     noteKind = "missed"      // Count events
	noteCompared   noteKind = "compared"    // Count posts differ, Why; Parked
	noteDone       noteKind = "done"        // the order was carried out; Why: it was not
)

// note is one thing that a client tells of its run. One that lives in a process of
// its own writes each as a line of JSON, before it goes on: what the process has done
// is known even when it is killed.
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
