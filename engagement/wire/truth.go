package wire

// Truth is the server's state of one post, as one viewer sees it.
type Truth struct {
	// ID is the post's id, also when State is nil.
	ID string `json:"id"`

	// State is nil when the post was deleted.
	State *PostState `json:"state"`

	// Version grows by one with each visible change of the post; the first is 1.
	Version uint64 `json:"version"`

	// ChangedAt is the server's time of the change that made Version, in milliseconds
	// since the Unix epoch. It never goes back, and no change in the truth has a
	// later moment ("at").
	ChangedAt int64 `json:"changedAt"`

	// Contains has the idempotency keys of the viewer's latest operations on this
	// post which are part of State, oldest first, at most MaxContains. Keys of other
	// people are never shown.
	Contains []string `json:"contains,omitempty"`

	// Position is a Position in the stream of events; the truth is at least as new as this
	// place. Versions of different eras cannot be compared. A server always says it.
	Position string `json:"position"`
}

// Outcome is the answer to an applied operation: the truth that contains it.
type Outcome struct {
	Truth

	// Already says that the operation found its effect there already and changed
	// nothing.
	Already bool `json:"already,omitempty"`
}

// Page is one page of posts; see Selection.
type Page struct {
	Posts []Truth `json:"posts"`

	// Total is the number of posts of the selection as of After, told with its first page;
	// nil with others, and when there are more than MaxTotal.
	Total *int `json:"total,omitempty"`

	// Next is the cursor of the following page; empty at the end.
	Next string `json:"next,omitempty"`

	// After is a Position in the stream of events at or before the moment of
	// reading: /v1/events?after= continues from here without a hole.
	After string `json:"after"`
}

// CommentPage is one page of a post's comments, oldest first.
type CommentPage struct {
	Comments []Comment `json:"comments"`

	// Older is the cursor of the page before this one; empty at the beginning.
	Older string `json:"older,omitempty"`

	// Version is the post's version at the moment of reading.
	Version uint64 `json:"version"`

	// Position is as in Truth.
	Position string `json:"position"`
}

// Session names the signed-in user.
type Session struct {
	// Name is empty when no user is signed in.
	Name string `json:"name"`

	// ExpiresAt is in milliseconds since the Unix epoch; 0 when no user is signed in.
	ExpiresAt int64 `json:"expiresAt,omitempty"`
}
