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
		Revised:  p.Revised,
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

// pageToWire ends the page early rather than beyond wire.MaxPageBytes: the store
// counts plain text, and escaping can make it six times as long.
func pageToWire(p engagement.PostPage) wire.Page {
	out := wire.Page{Posts: make([]wire.Truth, 0, len(p.Truths)), After: p.Position}
	size := 0
	for i, t := range p.Truths {
		truth := truthToWire(t)
		if size += len(encode(truth)) + len(","); i > 0 && size > wire.MaxPageBytes {
			p.More = true
			break
		}
		out.Posts = append(out.Posts, truth)
	}
	if p.More {
		last := p.Truths[len(out.Posts)-1].Post
		out.Next = wire.Cursor{Order: last.CreatedAt, ID: last.ID}.String()
	}
	return out
}
