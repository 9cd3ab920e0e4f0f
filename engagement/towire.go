package engagement

import "github.com/optimist-go/optimist/engagement/wire"

// Wire returns the truth as it is sent.
func (t Truth) Wire() wire.Truth {
	return wire.Truth{ID: t.Post.ID, Version: t.Post.Version, ChangedAt: t.Post.ChangedAt, Contains: t.Contains, State: t.State(), Position: t.Position}
}

// State returns the part of the truth that is nil when the post was deleted.
func (t Truth) State() *wire.PostState {
	if t.Post.Deleted {
		return nil
	}
	p := t.Post
	state := &wire.PostState{
		Post: wire.Post{
			ID: p.ID, Author: p.Author, Text: p.Text, CreatedAt: p.CreatedAt,
			LikesCount: p.Likes, SavesCount: p.Saves, CommentsCount: p.Comments,
			Liked: t.Liked, Saved: t.Saved,
		},
		Comments: CommentsToWire(t.Comments),
		Revised:  p.Revised,
	}
	if p.Comments > len(t.Comments) && len(t.Comments) > 0 {
		state.Older = t.Comments[0].Older()
	}
	return state
}

// CommentsToWire returns the comments as they are sent. It never returns nil: an empty
// list is [] in JSON, not null.
func CommentsToWire(list []Comment) []wire.Comment {
	out := make([]wire.Comment, len(list))
	for i, c := range list {
		out[i] = wire.Comment{ID: c.ID, PostID: c.PostID, Author: c.Author, Text: c.Text, Number: c.Number, CreatedAt: c.CreatedAt, EditedAt: c.EditedAt}
	}
	return out
}

// Older returns the cursor of the page that ends before the comment.
func (c Comment) Older() string { return wire.Cursor{Order: c.Number, ID: c.ID}.String() }
