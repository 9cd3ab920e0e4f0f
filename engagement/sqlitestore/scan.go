package sqlitestore

import (
	"database/sql"

	"github.com/optimist-go/optimist/engagement"
)

// row is a *sql.Row or the present row of *sql.Rows.
type row interface {
	Scan(into ...any) error
}

// collect returns a function that reads all rows of a query.
func collect[T any](scan func(row) (T, error)) func(*sql.Rows, error) ([]T, error) {
	return func(rows *sql.Rows, err error) ([]T, error) {
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var all []T
		for rows.Next() {
			one, err := scan(rows)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return all, rows.Err()
	}
}

func scanPost(r row) (p engagement.Post, err error) {
	err = r.Scan(&p.ID, &p.Author, &p.Text, &p.CreatedAt, &p.Likes, &p.Saves, &p.Comments, &p.CommentsMade,
		&p.Version, &p.ChangedAt, &p.Revised, &p.Deleted)
	return p, err
}

func scanComment(r row) (c engagement.Comment, err error) {
	err = r.Scan(&c.PostID, &c.ID, &c.Author, &c.Text, &c.Number, &c.CreatedAt, &c.EditedAt,
		&c.Stamp.At, &c.Stamp.Client, &c.Deleted)
	return c, err
}

func scanEntry(r row) (e engagement.FeedEntry, err error) {
	err = r.Scan(&e.Position, &e.Post, &e.Version)
	return e, err
}

func scanText(r row) (text string, err error) {
	err = r.Scan(&text)
	return text, err
}
