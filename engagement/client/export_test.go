package client

import (
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// QueryOf is the query of a list.
func (s *Service) QueryOf(of wire.Selection) list.Query[Post] {
	q := queryOf(of)
	q.Pages = s.reader(of, ListOptions{})
	return q
}
