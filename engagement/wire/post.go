package wire

// Post is a post as one viewer sees it. Times are milliseconds since the Unix epoch.
type Post struct {
	ID            string `json:"id"`
	Author        string `json:"author"`
	Text          string `json:"text"`
	CreatedAt     int64  `json:"createdAt"`
	LikesCount    int    `json:"likesCount"`
	SavesCount    int    `json:"savesCount"`
	CommentsCount int    `json:"commentsCount"`

	// Liked and Saved are the viewer's own; false when no user is signed in.
	Liked bool `json:"liked"`
	Saved bool `json:"saved"`
}

// PostState is the value that clients fold their operations over: the post and
// its latest comments.
type PostState struct {
	Post

	// Comments are the latest MaxComments comments, oldest first.
	Comments []Comment `json:"comments"`

	// Older is the cursor of the page of comments before Comments; empty when
	// Comments holds all of them.
	Older string `json:"older,omitempty"`

	// Revised is the version at which a comment of the post was last edited or deleted;
	// 0 for never. A client that shows older comments reads them anew when it grows.
	Revised uint64 `json:"revised,omitempty"`
}

// Comment is a comment on a post.
type Comment struct {
	ID        string `json:"id"`
	PostID    string `json:"postId"`
	Author    string `json:"author"`
	Text      string `json:"text"`
	CreatedAt int64  `json:"createdAt"`

	// Number is the place among the comments of its post: it is given once, ascends, and is
	// never given again.
	Number int64 `json:"number"`

	// EditedAt is the server's time of the last edit, 0 when never edited.
	EditedAt int64 `json:"editedAt,omitempty"`
}
