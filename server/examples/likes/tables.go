package main

import (
	"embed"

	"github.com/optimist-go/optimist/server"
)

// Post is the part of a post that all viewers share.
type Post struct {
	ID       string `json:"id"`
	Text     string `json:"text"`
	Likes    int    `json:"likes"`
	Comments int    `json:"comments"`
	Latest   string `json:"latest"` // comment
}

// Marks are a viewer's own part of a post.
type Marks struct {
	Liked bool `json:"liked"`
	Saved bool `json:"saved"`
}

// PostView is a post as one viewer sees it.
type PostView struct {
	Post
	Marks
}

// Change is the payload of all operations: like and save have On, comment and publish Text.
type Change struct {
	Post string `json:"post,omitempty"`
	On   bool   `json:"on,omitempty"`
	Text string `json:"text,omitempty"`
}

func (c Change) posts() []string { return []string{c.Post} }

func postColumns(id *string, p *Post) []any {
	return []any{id, &p.ID, &p.Text, &p.Likes, &p.Comments, &p.Latest}
}

func markColumns(own *server.Own, m *Marks) []any {
	return []any{&own.Entity, &own.Viewer, &m.Liked, &m.Saved}
}

//go:embed migrations
var files embed.FS

const (
	selectPosts = `SELECT id, id, text,
	(SELECT COUNT(*) FROM marks WHERE post = id AND liked),
	(SELECT COUNT(*) FROM comments WHERE post = id),
	COALESCE((SELECT c.text FROM comments AS c WHERE post = id ORDER BY number DESC LIMIT 1), '')
FROM posts WHERE id IN $1`

	selectMarks = `SELECT post, viewer, liked, saved FROM marks WHERE post IN $1 AND viewer IN $2 AND (liked OR saved)`

	insertPost = `INSERT INTO posts (id, text) VALUES ($1, $2) ON CONFLICT DO NOTHING`

	// A like that is there already changes no row.
	setLiked = `INSERT INTO marks (post, viewer, liked) SELECT id, $2, $3 FROM posts WHERE id = $1
	AND $3 <> COALESCE((SELECT liked FROM marks WHERE post = $1 AND viewer = $2), FALSE)
ON CONFLICT (post, viewer) DO UPDATE SET liked = excluded.liked`
	setSaved = `INSERT INTO marks (post, viewer, saved) SELECT id, $2, $3 FROM posts WHERE id = $1
	AND $3 <> COALESCE((SELECT saved FROM marks WHERE post = $1 AND viewer = $2), FALSE)
ON CONFLICT (post, viewer) DO UPDATE SET saved = excluded.saved`

	// The post is locked: no other transaction takes the number.
	insertComment = `INSERT INTO comments (post, number, author, text)
SELECT id, 1 + (SELECT COUNT(*) FROM comments WHERE post = $1), $2, $3 FROM posts WHERE id = $1`
)
