package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
)

// statements are prepared statements by their SQL.
type statements map[string]*sql.Stmt

type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func prepare(ctx context.Context, p preparer, queries []string) (statements, error) {
	prepared := make(statements, len(queries))
	for _, query := range queries {
		stmt, err := p.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", query, err)
		}
		prepared[query] = stmt
	}
	return prepared, nil
}

// queryer runs prepared statements: the writer's connection or one read transaction.
type queryer interface {
	statement(query string) *sql.Stmt
}

const postColumns = `id, author, text, created_at, likes, saves, comments, comments_made, version, changed_at, revised, deleted`

const commentColumns = `post_id, id, author, text, number, created_at, edited_at, at, client, deleted`

// Reading. The same text runs on both pools.
const (
	selectPost     = `SELECT ` + postColumns + ` FROM posts WHERE id = $1`
	selectNewest   = `SELECT ` + postColumns + ` FROM posts WHERE deleted = FALSE ORDER BY created_at DESC, id DESC LIMIT $1`
	selectOlder    = `SELECT ` + postColumns + ` FROM posts WHERE deleted = FALSE AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3`
	selectMark     = `SELECT is_on, at, client FROM marks WHERE post_id = $1 AND user_name = $2 AND kind = $3`
	selectMarks    = `SELECT kind FROM marks WHERE post_id = $1 AND user_name = $2 AND is_on = TRUE`
	selectComment  = `SELECT ` + commentColumns + ` FROM comments WHERE post_id = $1 AND id = $2`
	selectComments = `SELECT ` + commentColumns + ` FROM comments WHERE post_id = $1 AND number < $2 AND deleted = FALSE ORDER BY number DESC LIMIT $3`
	selectKeys     = `SELECT key FROM operations WHERE user_name = $1 AND post_id = $2 ORDER BY seq DESC LIMIT $3`
	selectRecord   = `SELECT fingerprint, already, version FROM operations WHERE user_name = $1 AND key = $2`
	selectFeedEnds = `SELECT COALESCE(MIN(seq), 1) - 1, COALESCE(MAX(seq), 0) FROM changes`
	selectFeed     = `SELECT seq, post_id, version FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2`
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
	upsertPost = `INSERT INTO posts (` + postColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET text = excluded.text, likes = excluded.likes, saves = excluded.saves, comments = excluded.comments,
	comments_made = excluded.comments_made, version = excluded.version, changed_at = excluded.changed_at, revised = excluded.revised, deleted = excluded.deleted`
	upsertMark = `INSERT INTO marks (post_id, user_name, kind, is_on, at, client) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (post_id, user_name, kind) DO UPDATE SET is_on = excluded.is_on, at = excluded.at, client = excluded.client`
	upsertComment = `INSERT INTO comments (` + commentColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (post_id, id) DO UPDATE SET text = excluded.text, edited_at = excluded.edited_at, at = excluded.at,
	client = excluded.client, deleted = excluded.deleted`
	deleteMarks    = `DELETE FROM marks WHERE post_id = $1`
	deleteComments = `DELETE FROM comments WHERE post_id = $1`
	insertRecord   = `INSERT INTO operations (user_name, key, post_id, fingerprint, already, version, applied_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertChange   = `INSERT INTO changes (post_id, version, made_at) VALUES ($1, $2, $3)`
	insertSecret   = `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	insertEnded    = `INSERT INTO ended_sessions (id, keep_until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`
	forgetRecords  = `DELETE FROM operations WHERE applied_at < $1`
	forgetChanges  = `DELETE FROM changes WHERE made_at < $1 AND seq < (SELECT MAX(seq) FROM changes)`
	forgetEnded    = `DELETE FROM ended_sessions WHERE keep_until < $1`
)

var readSQL = []string{
	selectPost, selectNewest, selectOlder, selectMarks, selectComments, selectKeys,
	selectFeedEnds, selectFeed, selectEnded, selectMiscount,
}

var writeSQL = []string{
	selectPost, selectMark, selectComment, selectRecord, selectSecret,
	upsertPost, upsertMark, upsertComment, deleteMarks, deleteComments, insertRecord, insertChange,
	insertSecret, insertEnded, forgetRecords, forgetChanges, forgetEnded,
}
