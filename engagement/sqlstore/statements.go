package sqlstore

import (
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
)

const postColumns = `id, author, text, created_at, likes, saves, comments, comments_made, revised, deleted`

const commentColumns = `post_id, id, author, text, number, created_at, edited_at, at, client, deleted`

// Reading. Where $n follows IN it stands for a list; see server.In.
const (
	selectPost     = `SELECT ` + postColumns + ` FROM posts WHERE id = $1`
	selectSome     = `SELECT ` + postColumns + ` FROM posts WHERE id IN $1`
	selectMark     = `SELECT is_on, at, client FROM marks WHERE post_id = $1 AND user_name = $2 AND kind = $3`
	selectMarks    = `SELECT post_id, user_name, kind FROM marks WHERE post_id IN $1 AND user_name IN $2 AND is_on = TRUE`
	selectComment  = `SELECT ` + commentColumns + ` FROM comments WHERE post_id = $1 AND id = $2`
	selectComments = `SELECT ` + commentColumns + ` FROM comments WHERE post_id = $1 AND number < $2 AND deleted = FALSE ORDER BY number DESC LIMIT $3`
	selectSecret   = `SELECT value FROM secrets WHERE name = $1`
	selectEnded    = `SELECT COUNT(*) FROM ended_sessions WHERE id = $1`
	selectMiscount = `
SELECT id, likes, saves, comments, there_likes, there_saves, there_comments FROM (
	SELECT id, likes, saves, comments,
		(SELECT COUNT(*) FROM marks WHERE post_id = posts.id AND kind = 'like' AND is_on = TRUE) AS there_likes,
		(SELECT COUNT(*) FROM marks WHERE post_id = posts.id AND kind = 'save' AND is_on = TRUE) AS there_saves,
		(SELECT COUNT(*) FROM comments WHERE post_id = posts.id AND deleted = FALSE) AS there_comments
	FROM posts
) AS counted WHERE likes <> there_likes OR saves <> there_saves OR comments <> there_comments ORDER BY id LIMIT 1`
)

// Writing.
const (
	upsertPost = `INSERT INTO posts (` + postColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET text = excluded.text, likes = excluded.likes, saves = excluded.saves, comments = excluded.comments,
	comments_made = excluded.comments_made, revised = excluded.revised, deleted = excluded.deleted`
	upsertMark = `INSERT INTO marks (post_id, user_name, kind, is_on, at, client) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (post_id, user_name, kind) DO UPDATE SET is_on = excluded.is_on, at = excluded.at, client = excluded.client`
	upsertComment = `INSERT INTO comments (` + commentColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (post_id, id) DO UPDATE SET text = excluded.text, edited_at = excluded.edited_at, at = excluded.at,
	client = excluded.client, deleted = excluded.deleted`
	deleteMarks    = `DELETE FROM marks WHERE post_id = $1`
	deleteComments = `DELETE FROM comments WHERE post_id = $1`
	insertSecret   = `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	insertEnded    = `INSERT INTO ended_sessions (id, keep_until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`
	forgetEnded    = `DELETE FROM ended_sessions WHERE keep_until < $1`
)

func scanPost(scan server.Scan) (p engagement.Post, err error) {
	err = scan(&p.ID, &p.Author, &p.Text, &p.CreatedAt, &p.Likes, &p.Saves, &p.Comments, &p.CommentsMade, &p.Revised, &p.Deleted)
	return p, err
}

func scanComment(scan server.Scan) (c engagement.Comment, err error) {
	err = scan(&c.PostID, &c.ID, &c.Author, &c.Text, &c.Number, &c.CreatedAt, &c.EditedAt, &c.Stamp.At, &c.Stamp.Client, &c.Deleted)
	return c, err
}
