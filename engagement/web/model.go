package web

import (
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// postModel has all state on which the view of a post depends.
type postModel struct {
	ID   string
	User string // empty: not signed in
	View optimist.View[client.Post]
	Ops  []*opStatus
	UI   postUI
	// Older are the comments before those of the post itself.
	Older client.OlderView
	Now   time.Time
	// Held names the event for which sending waits; empty: sending does not wait.
	Held string
}

// postUI is the state of a post's controls.
type postUI struct {
	Open    bool   // the comments are shown
	Opened  bool   // they were shown, and stay on the page for the text in their field
	Whole   bool   // all of a long text is shown
	Editing string // id of the comment in the editor
	Problem string // with the last written text

	Notice string // of a conflict that was resolved

	Older *client.Older // nil: nobody has asked for any
}

// chromeModel is the state of the page around the feed.
type chromeModel struct {
	User      string
	Link      client.Link
	Online    bool // the browser has a network
	Paused    bool // the manager sends nothing, or probes
	SignedOut bool // the server no longer knows the session
	Leaving   bool // the user is signing out
	Pending   int
	Failed    int
	LabOpen   bool
	NoPanel   bool   // the server has no network panel
	Risk      string // the reason why changes would be lost with the page; empty: they are stored
}

// signInModel is the card for signing in.
type signInModel struct {
	Again   string // the user whose session has ended; empty: no session has
	Busy    bool
	Problem string
}

// keptModel is the card with unsettled changes of posts that are not shown: posts that
// the server has not told yet, and old posts.
type keptModel struct {
	Stored  bool        // in this browser; otherwise only in the page
	Held    string      // as in postModel
	Changes []*opStatus // in the order in which they were made
}

// viewsModel has the posts that are shown, among those that can be.
type viewsModel struct {
	User  string
	Of    wire.Selection
	Total list.Total
	Local bool // the posts are those that the page has, and the server cannot be asked
}

// feedModel is the end of the shown posts.
type feedModel struct {
	User    string // empty: not signed in
	Of      wire.Selection
	Local   bool   // the posts are those that the page has
	Held    string // as in postModel, while a page is to be read
	Nobody  bool   // the session has ended before posts were read
	Loaded  bool
	Posts   int
	More    bool
	Busy    bool
	Problem string
}

// notice is a message that is shown once.
type notice struct {
	ID   int
	Text string
	// Quote is a text of the user that would otherwise be lost.
	Quote string
	Grave bool
	// Undo undoes the change of the notice, as long as the notice is shown; nil: there is
	// no undo.
	Undo  func() error
	back  string // name of the element that gets the focus after Undo; empty: the feed
	until time.Time
	of    string // the last signed-in user when it was added
}

// writeModel is the card on which a person writes a post.
type writeModel struct {
	User    string
	Problem string
}

// labModel is the panel with the timeline and the network.
type labModel struct {
	Nobody   bool // no user is signed in
	NoPanel  bool // the server has no network panel
	Known    bool // the network's setting has been read
	Network  wire.Network
	Problem  string // with the panel
	Timeline *timeline
	Now      time.Time
	Names    func(entity string) string // the author of an entity's post
}
