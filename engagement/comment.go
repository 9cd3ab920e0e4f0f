package engagement

// Comment is the record of a comment. A comment is named by its post and its id.
type Comment struct {
	ID     string
	PostID string
	Author string
	Text   string

	// Number orders the comments of a post; it is given once and never reused.
	Number int64

	// CreatedAt and EditedAt are milliseconds since the Unix epoch on the server's
	// clock; EditedAt is 0 when the comment was never edited.
	CreatedAt int64
	EditedAt  int64

	// Stamp is the stamp of the last applied operation, and was not ahead of the
	// server's clock then.
	Stamp Stamp

	// Deleted comments are kept without their text, so that a late edit is told of
	// the deletion and the id is never used again.
	Deleted bool
}

// CommentPage is one page of the comments of a post.
type CommentPage struct {
	Comments []Comment // oldest first

	// More says that there are older ones.
	More bool

	// Version is the post's version at the moment of reading, and Position that moment as a
	// wire.Position in the change feed.
	Version  uint64
	Position string
}
