package engagement

// Held has the records of a store that an operation touches.
type Held struct {
	// Post is nil when no post of that id ever existed.
	Post *Post
	// Mark is the user's mark of the operation's kind; zero when never touched.
	Mark Mark
	// Comment is nil when no comment of that id ever existed on the post.
	Comment *Comment
}

// Effect has the records that a store has to write. A nil field leaves the record
// unchanged.
type Effect struct {
	// Already says that the effect was there already: there is no visible change, and Post
	// is nil.
	Already bool

	// Post is the whole new record, with its version and counters. It is nil if and only if
	// there is no visible change. When it is Deleted, the store also forgets all marks and
	// comments of the post.
	Post *Post
	// Mark is the whole new mark.
	Mark *Mark
	// Comment is the whole new record.
	Comment *Comment
}

// Decide returns the effect of the operation on the held records. It is pure; now is in
// milliseconds since the Unix epoch. After an error there is nothing to write.
//
//	                    absent     newer stamp held   as wanted   otherwise
//	like, save …        -          Conflict           Already     set
//	post                created    -                  Already     Conflict (id taken), Gone
//	delete_post         NotFound   -                  Already     deleted, or Forbidden
//	comment             created    -                  Already     Conflict (id taken), Gone
//	edit_comment        NotFound   Conflict           Already     edited, or Forbidden, Gone
//	delete_comment      NotFound   Conflict           Already     deleted, or Forbidden
//
// "As wanted" has precedence over "newer stamp": an old like of a liked post is no
// conflict. All kinds except post need an existing post: NotFound, Gone.
//
// The time of a post never goes back: when now is before its ChangedAt, ChangedAt is the
// time. A stamp ahead of the time counts as the time, after the held stamps of that
// moment. Only Decide adjusts stamps.
func (o Operation) Decide(held Held, now int64) (Effect, error) {
	if o.Kind == CreatePost {
		return o.decideCreatePost(held, now)
	}
	if held.Post == nil {
		return Effect{}, &Error{Code: NotFound, Message: "there is no such post"}
	}
	now = max(now, held.Post.ChangedAt)
	last := held.Mark.Stamp
	if held.Comment != nil {
		last = held.Comment.Stamp
	}
	o.Stamp = o.Stamp.notAfter(now, last)
	if o.Kind == DeletePost {
		return o.decideDeletePost(*held.Post, now)
	}
	if held.Post.Deleted {
		return Effect{}, &Error{Code: Gone, Message: "the post was deleted"}
	}
	if _, on, ok := o.Mark(); ok {
		return o.decideMark(*held.Post, held.Mark, on, now)
	}
	if o.Kind == CreateComment {
		return o.decideCreateComment(*held.Post, held.Comment, now)
	}
	return o.decideChangeComment(*held.Post, held.Comment, now)
}

func (o Operation) decideCreatePost(held Held, now int64) (Effect, error) {
	switch p := held.Post; {
	case p == nil:
		return Effect{Post: &Post{
			ID: o.Post, Author: o.User, Text: o.Text, CreatedAt: now, Version: 1, ChangedAt: now,
		}}, nil
	case p.Deleted:
		return Effect{}, &Error{Code: Gone, Message: "the post was deleted"}
	case p.Author == o.User && p.Text == o.Text:
		return Effect{Already: true}, nil
	default:
		return Effect{}, &Error{Code: Conflict, Message: "this id is taken by another post"}
	}
}

func (o Operation) decideDeletePost(post Post, now int64) (Effect, error) {
	switch {
	case post.Author != o.User:
		return Effect{}, &Error{Code: Forbidden, Message: "only its author can delete a post"}
	case post.Deleted:
		return Effect{Already: true}, nil
	}
	return Effect{Post: &Post{
		ID: post.ID, Author: post.Author, CreatedAt: post.CreatedAt, CommentsMade: post.CommentsMade,
		Version: post.Version + 1, ChangedAt: now, Deleted: true,
	}}, nil
}

func (o Operation) decideMark(post Post, mark Mark, on bool, now int64) (Effect, error) {
	if mark.On == on {
		return Effect{Already: true, Mark: &Mark{On: on, Stamp: latest(mark.Stamp, o.Stamp)}}, nil
	}
	if o.Stamp.Compare(mark.Stamp) < 0 {
		return Effect{}, conflict(mark.Stamp)
	}
	change := -1
	if on {
		change = 1
	}
	if kind, _, _ := o.Mark(); kind == Like {
		post.Likes += change
	} else {
		post.Saves += change
	}
	post.Version++
	post.ChangedAt = now
	return Effect{Post: &post, Mark: &Mark{On: on, Stamp: o.Stamp}}, nil
}

func (o Operation) decideCreateComment(post Post, c *Comment, now int64) (Effect, error) {
	switch {
	case c == nil:
		post.Comments++
		post.CommentsMade++
		post.Version++
		post.ChangedAt = now
		return Effect{Post: &post, Comment: &Comment{
			ID: o.Comment, PostID: post.ID, Author: o.User, Text: o.Text,
			Number: post.CommentsMade, CreatedAt: now, Stamp: o.Stamp,
		}}, nil
	case c.Deleted && c.Author == o.User:
		return Effect{}, &Error{Code: Gone, Message: "the comment was deleted"}
	case c.Author == o.User && c.Text == o.Text:
		return Effect{Already: true}, nil
	default:
		return Effect{}, &Error{Code: Conflict, Message: "this id is taken by another comment"}
	}
}

func (o Operation) decideChangeComment(post Post, held *Comment, now int64) (Effect, error) {
	if held == nil {
		return Effect{}, &Error{Code: NotFound, Message: "there is no such comment"}
	}
	if held.Author != o.User {
		return Effect{}, &Error{Code: Forbidden, Message: "only its author can change a comment"}
	}
	deleting, c := o.Kind == DeleteComment, *held
	if c.Deleted && !deleting {
		return Effect{}, &Error{Code: Gone, Message: "the comment was deleted"}
	}
	if deleting && c.Deleted || !deleting && c.Text == o.Text {
		c.Stamp = latest(c.Stamp, o.Stamp)
		return Effect{Already: true, Comment: &c}, nil
	}
	if o.Stamp.Compare(c.Stamp) < 0 {
		return Effect{}, conflict(c.Stamp)
	}
	c.Stamp = o.Stamp
	if deleting {
		post.Comments--
		c.Deleted, c.Text = true, ""
	} else {
		c.Text, c.EditedAt = o.Text, now
	}
	post.Version++
	post.ChangedAt, post.Revised = now, post.Version
	return Effect{Post: &post, Comment: &c}, nil
}

func conflict(winner Stamp) *Error {
	return &Error{Code: Conflict, Message: "a newer change was applied before", Winner: winner}
}
