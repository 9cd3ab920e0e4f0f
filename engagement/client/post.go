package client

import (
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Post is a post as the user sees it: the server's state with the user's own unsettled
// changes applied. It is a value: its slices are never changed in place.
type Post struct {
	wire.PostState

	// Told are the comments of the server's last truth; the comments in PostState include
	// the user's unsettled changes.
	Told []wire.Comment

	// Unsent: the server does not have the post yet.
	Unsent bool

	// Beyond are unsettled changes of comments that may be older than all in Comments.
	Beyond []CommentChange

	Era uint64 // of the server's last truth
}

// CommentChange is a change of a comment that is not loaded.
type CommentChange struct {
	ID      string
	Text    string
	Deleted bool
}

// On returns the list of comments with the change. It does not modify list.
func (c CommentChange) On(list []wire.Comment) []wire.Comment {
	i := slices.IndexFunc(list, func(old wire.Comment) bool { return old.ID == c.ID })
	switch {
	case i < 0:
		return list
	case c.Deleted:
		return slices.Concat(list[:i], list[i+1:])
	}
	list = slices.Clone(list)
	list[i].Text = c.Text
	return list
}

func equalPosts(a, b Post) bool {
	return a.PostState.Post == b.PostState.Post && a.Unsent == b.Unsent && a.Older == b.Older && a.Revised == b.Revised &&
		slices.Equal(a.Comments, b.Comments) && slices.Equal(a.Told, b.Told) && slices.Equal(a.Beyond, b.Beyond)
}

// Comment finds one of the post's comments.
func (p Post) Comment(id string) (wire.Comment, bool) {
	if i := p.indexOf(id); i >= 0 {
		return p.Comments[i], true
	}
	return wire.Comment{}, false
}

func (p Post) indexOf(id string) int {
	return slices.IndexFunc(p.Comments, func(c wire.Comment) bool { return c.ID == id })
}

func (p Post) setLiked(on bool) Post {
	p.Liked = on
	p.LikesCount = max(p.LikesCount+step(on), 0)
	return p
}

func (p Post) setSaved(on bool) Post {
	p.Saved = on
	p.SavesCount = max(p.SavesCount+step(on), 0)
	return p
}

func step(on bool) int {
	if on {
		return 1
	}
	return -1
}

// withComment adds the comment unless the post has it.
func (p Post) withComment(c wire.Comment) Post {
	if p.indexOf(c.ID) >= 0 {
		return p
	}
	p.Comments = append(slices.Clip(p.Comments), c)
	p.CommentsCount++
	return p
}

// withText sets the text of the comment. ok is false when the post has no such
// comment.
func (p Post) withText(id, text string) (_ Post, ok bool) {
	c := CommentChange{ID: id, Text: text}
	if p.indexOf(id) < 0 {
		return p.beyond(c)
	}
	p.Comments = c.On(p.Comments)
	return p, true
}

// withoutComment removes the comment. ok is false when the post has no such comment.
func (p Post) withoutComment(id string) (_ Post, ok bool) {
	c := CommentChange{ID: id, Deleted: true}
	if p.indexOf(id) < 0 {
		return p.beyond(c)
	}
	p.Comments = c.On(p.Comments)
	p.CommentsCount--
	return p, true
}

// beyond adds the change of a comment that may be one of the older comments.
func (p Post) beyond(c CommentChange) (_ Post, ok bool) {
	if p.Older == "" {
		return p, false // all comments are loaded, and this is none of them
	}
	if slices.Contains(p.Beyond, CommentChange{ID: c.ID, Deleted: true}) {
		return p, false
	}
	if c.Deleted {
		p.CommentsCount--
	}
	p.Beyond = append(slices.DeleteFunc(slices.Clone(p.Beyond), func(b CommentChange) bool { return b.ID == c.ID }), c)
	return p, true
}

// eraOf returns the era of a position, as the library counts eras; 0 for no position.
func eraOf(position string) uint64 {
	p, _ := wire.ParsePosition(position)
	return uint64(p.Era)
}

// truthOf converts the server's truth to the library's. The server tells the time of
// the change only in milliseconds; truthOf takes the last stamp of that millisecond,
// so that the next tap on this device is later than all changes in the truth.
func truthOf(t wire.Truth) optimist.Truth[Post] {
	out := optimist.Gone[Post](t.Version)
	if t.State != nil {
		out = optimist.TruthOf(Post{PostState: *t.State, Told: t.State.Comments, Era: eraOf(t.Position)}, t.Version)
	}
	out.At = optimist.Timestamp(wire.NewStamp(t.ChangedAt, 0xffff))
	out.Contains = t.Contains
	out.Era = eraOf(t.Position)
	return out
}
