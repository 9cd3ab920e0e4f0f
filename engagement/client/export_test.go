package client

import (
	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// QueryOf is the query of a list.
func (s *Service) QueryOf(of wire.Selection) list.Query[Post] {
	q := queryOf(of)
	q.Pages = s.reader(of, ListOptions{})
	return q
}

// OlderHeld is the number of comments of which the Service knows something beside its posts.
func (s *Service) OlderHeld() int {
	var n counting
	at, err := s.comments.AddIndex(&n)
	if err != nil {
		return -1
	}
	at.Detach()
	return int(n)
}

type counting int

func (n *counting) Changed(_ uint64, changes []optimist.EntityChange[Post]) {
	*n += counting(len(changes))
}

func (*counting) Detached(error) {}

// Renewing reports whether all are being read anew.
func (o *Older) Renewing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.renewing
}
