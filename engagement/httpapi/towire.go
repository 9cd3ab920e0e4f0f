package httpapi

import (
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func truthToWire(t engagement.Truth) wire.Truth {
	out := wire.Truth{ID: t.Post.ID, Version: t.Post.Version, ChangedAt: t.Post.ChangedAt, Contains: t.Contains}
	if t.Post.Deleted {
		return out
	}
	p := t.Post
	out.State = &wire.PostState{
		Post: wire.Post{
			ID: p.ID, Author: p.Author, Text: p.Text, CreatedAt: p.CreatedAt,
			LikesCount: p.Likes, SavesCount: p.Saves, CommentsCount: p.Comments,
			Liked: t.Liked, Saved: t.Saved,
		},
		Comments: commentsToWire(t.Comments),
	}
	if p.Comments > len(t.Comments) && len(t.Comments) > 0 {
		out.State.Older = olderThan(t.Comments[0])
	}
	return out
}

// commentsToWire never returns nil: an empty list is [] in JSON, not null.
func commentsToWire(list []engagement.Comment) []wire.Comment {
	out := make([]wire.Comment, len(list))
	for i, c := range list {
		out[i] = wire.Comment{ID: c.ID, PostID: c.PostID, Author: c.Author, Text: c.Text, CreatedAt: c.CreatedAt, EditedAt: c.EditedAt}
	}
	return out
}

// olderThan returns the cursor of the page that ends before the comment.
func olderThan(c engagement.Comment) string {
	return wire.Cursor{Order: c.Number, ID: c.ID}.String()
}

func pageToWire(p engagement.PostPage) wire.Page {
	out := wire.Page{Posts: make([]wire.Truth, len(p.Truths)), After: p.Position}
	for i, t := range p.Truths {
		out.Posts[i] = truthToWire(t)
	}
	if p.More {
		last := p.Truths[len(p.Truths)-1].Post
		out.Next = wire.Cursor{Order: last.CreatedAt, ID: last.ID}.String()
	}
	return out
}
