package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server"
)

// conditions collects the conditions of a statement, and its arguments.
type conditions struct {
	all  []string
	args []any
}

// add adds a condition, in which each %s stands for one of the arguments.
func (c *conditions) add(condition string, args ...any) {
	var names []any
	for _, arg := range args {
		names = append(names, c.arg(arg))
	}
	c.all = append(c.all, fmt.Sprintf(condition, names...))
}

// arg adds an argument, and returns its name.
func (c *conditions) arg(arg any) string {
	c.args = append(c.args, arg)
	return fmt.Sprint("$", len(c.args))
}

func (c *conditions) where() string { return ` WHERE ` + strings.Join(c.all, ` AND `) }

// chosen has the conditions of a selection.
func chosen(of wire.Selection, viewer string) *conditions {
	c := &conditions{all: []string{`deleted = FALSE`}}
	if of.Author != "" {
		c.add(`author = %s`, of.Author)
	}
	if of.Saved {
		c.add(`id IN (SELECT post_id FROM marks WHERE user_name = %s AND kind = 'save' AND is_on = TRUE)`, viewer)
	}
	return c
}

// pageOf is the statement of a page of a selection.
func pageOf(of wire.Selection, viewer string, after wire.Cursor, limit int) (query string, args []any) {
	c, by := chosen(of, viewer), `created_at`
	if of.Sort == wire.MostLiked {
		by = `likes`
	}
	if !after.IsZero() {
		c.add(`(`+by+`, id) < (CAST(%s AS BIGINT), %s)`, after.Order, after.ID)
	}
	query = `SELECT ` + postColumns + ` FROM posts` + c.where() + ` ORDER BY ` + by + ` DESC, id DESC LIMIT ` + c.arg(limit)
	return query, c.args
}

// total counts the posts of a selection, as far as it is told. It stops behind that number,
// so that a page costs the same however many posts there are.
func total(ctx context.Context, m server.Moment, of wire.Selection, viewer string) (*int, error) {
	c, n := chosen(of, viewer), 0
	query := `SELECT COUNT(*) FROM (SELECT 1 FROM posts` + c.where() + ` LIMIT ` + c.arg(wire.MaxTotal+1) + `) AS counted`
	err := m.Query(ctx, func(scan server.Scan) error { return scan(&n) }, query, c.args...)
	if err != nil || n > wire.MaxTotal {
		return nil, err
	}
	return &n, nil
}
