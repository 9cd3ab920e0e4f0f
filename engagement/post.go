package engagement

import "github.com/optimist-go/optimist/engagement/wire"

// Post is the record of a post, the same for all viewers. Times are
// milliseconds since the Unix epoch, on the server's clock.
type Post struct {
	ID        string
	Author    string
	Text      string
	CreatedAt int64

	// Likes, Saves and Comments are the present numbers. They change in the same
	// transaction as the counted records.
	Likes    int
	Saves    int
	Comments int

	// CommentsMade counts all comments ever made; it gives them their numbers.
	CommentsMade int64

	// Version grows by one with each visible change; the first is 1.
	Version uint64
	// ChangedAt is the time of the change that made Version. It never goes back, even
	// when the server's clock does, and is not before the stamp of any operation that
	// changed the post. (An operation that found its effect there already is no change.)
	ChangedAt int64

	// Revised is the Version at which a comment was last edited or deleted; 0 for never.
	Revised uint64

	// Deleted posts keep id, author and version, so that late operations are told of the
	// deletion. Text is empty and all counts are 0 then.
	Deleted bool
}

// Truth is a post with its latest comments as one viewer sees it.
type Truth struct {
	Post Post

	// Liked and Saved are the viewer's own; false for the viewer "".
	Liked bool
	Saved bool

	// Comments are the latest wire.MaxComments, oldest first. Empty when deleted.
	Comments []Comment

	// Contains has the keys of the viewer's latest operations on the post, oldest first,
	// at most wire.MaxContains.
	Contains []string

	// Position is a wire.Position in the change feed: the moment of reading.
	Position string
}

// size is the approximate size of the truth in memory: its texts, in bytes.
func (t Truth) size() int {
	n := len(t.Post.Text)
	for _, c := range t.Comments {
		n += len(c.Text)
	}
	return n
}

// PostPage is one page of the feed.
type PostPage struct {
	Truths []Truth

	// More says that there are posts after the last of Truths.
	More bool

	// Total is the number of all posts of the selection, of a first page; nil: it is not told,
	// or is greater than wire.MaxTotal.
	Total *int

	// After is a wire.Position in the change feed: the moment of reading.
	After string

	size int // of Truths
}

// Add appends the truth, or reports that the page is full: it holds one already
// and would exceed wire.MaxPageBytes of text.
func (p *PostPage) Add(t Truth) bool {
	size := p.size + t.size()
	if len(p.Truths) > 0 && size > wire.MaxPageBytes {
		return false
	}
	p.Truths, p.size = append(p.Truths, t), size
	return true
}
