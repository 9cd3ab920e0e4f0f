package web

import (
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// postModel is all that the view of a post depends on.
type postModel struct {
	ID   string
	User string // empty: nobody is signed in
	View optimist.View[client.Post]
	Ops  []*opStatus
	UI   postUI
	Now  time.Time
	// Held is what has to come before anything is sent; empty: nothing.
	Held string
}

// postUI is what the user has opened on a post.
type postUI struct {
	Open    bool   // the comments are shown
	Opened  bool   // they were, and stay on the page for what is written there
	Editing string // id of the comment in the editor
	Problem string // with what was written last

	Older  olderComments
	Notice string // of a conflict that was resolved
}

// chromeModel is what is around the feed.
type chromeModel struct {
	User      string
	Link      client.Link
	Online    bool // as the browser says
	Paused    bool // the manager sends nothing, or probes
	SignedOut bool // the server no longer knows the session
	Leaving   bool // the user is signing out
	Pending   int
	Failed    int
	LabOpen   bool
	Risk      string // why changes would be lost with the page; empty: they would not
}

// signInModel is the card on which a person says who they are.
type signInModel struct {
	Again   string // whose session has ended; empty: nobody's
	Busy    bool
	Problem string
}

// keptModel is the card with unsettled changes of posts that are not shown: before the
// server has told them, and of old ones.
type keptModel struct {
	Stored  bool        // in this browser; else they are only in the page
	Held    string      // as in postModel
	Changes []*opStatus // in the order in which they were made
}

// feedModel is the end of the feed.
type feedModel struct {
	Nobody  bool // the session has ended before there were posts
	Loaded  bool
	Posts   int
	More    bool
	Busy    bool
	Problem string
}

// notice is a message that is told once.
type notice struct {
	ID   int
	Text string
	// Quote is what the user wrote and would otherwise be lost.
	Quote string
	Grave bool
	// Undo takes back what the notice tells of, as long as it is shown; nil: it cannot be.
	Undo  func() error
	until time.Time
	of    string // who was signed in last when it was told
}

// writeModel is the card on which a person writes a post.
type writeModel struct {
	User    string
	Problem string
}

// labModel is the panel with the network and the timeline.
type labModel struct {
	Open     bool
	Nobody   bool // is signed in
	Known    bool // the server has a panel
	Network  network
	Problem  string // with the panel
	Timeline *timeline
	Now      time.Time
	Names    func(entity string) string // of whose post an entity is
}
