package client

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// nextPage is the number of posts of the pages behind the first.
const nextPage = 100

// unsentAge is beyond all times: posts that the server does not have yet are the newest, even
// if this device's clock is slow.
const unsentAge = 1 << 60

// queryOf is a selection as a list sees it.
func queryOf(of wire.Selection) list.Query[Post] {
	q := list.Query[Post]{Order: []list.Key[Post]{
		list.Desc(func(_ string, p Post) int64 {
			switch {
			case of.Sort == wire.MostLiked:
				return int64(p.LikesCount)
			case p.Unsent:
				return p.CreatedAt | unsentAge
			}
			return p.CreatedAt
		}),
		list.Desc(func(id string, _ Post) string { return id }),
	}}
	if of.Author != "" || of.Saved {
		q.Where = func(_ string, p Post) bool {
			return (of.Author == "" || p.Author == of.Author) && (!of.Saved || p.Saved)
		}
	}
	return q
}

// ListOptions are the options of [Service.List]. The zero value will do.
type ListOptions struct {
	// First is a page that the program has already, read as the user of the Service.
	First *wire.Page
	// FirstSize is the number of posts of the first page that is read; 0: as of the others.
	FirstSize int
	// Report is told of the end of each read, also when a read that failed is tried again.
	Report func(error)
}

// List is a list of the posts of a selection. [list.List.More] reads its pages; it has the
// user's own unsettled work from the beginning on. End it with [Service.CloseList].
func (s *Service) List(of wire.Selection, o ListOptions) (*list.List[Post], error) {
	q := queryOf(of)
	q.PageSize = nextPage
	if o.First != nil {
		page, err := s.told(*o.First)
		if err != nil {
			return nil, err
		}
		q.First = &page
	}
	q.Pages = s.reader(of, o)
	return s.listOf(q)
}

func (s *Service) listOf(q list.Query[Post]) (*list.List[Post], error) {
	l, err := list.New(s.posts, q)
	if err == nil {
		s.mu.Lock()
		s.lists[l] = true
		s.mu.Unlock()
	}
	return l, err
}

// CloseList ends a list.
func (s *Service) CloseList(l *list.List[Post]) {
	s.mu.Lock()
	delete(s.lists, l)
	s.mu.Unlock()
	l.Close()
}

// ended is a context that has ended: with it nobody waits for a load.
var ended = func() context.Context {
	ctx, end := context.WithCancel(context.Background())
	end()
	return ctx
}()

// refetch begins to read the first page of each list anew.
func (s *Service) refetch() {
	s.mu.Lock()
	lists := maps.Clone(s.lists)
	s.mu.Unlock()
	for l := range lists {
		l.Refetch(ended)
	}
}

// Known is a list of the posts of a selection that the Service has, without asking the server.
func (s *Service) Known(of wire.Selection) (*list.List[Post], error) {
	return list.New(s.posts, queryOf(of))
}

// reader reads the pages of a list.
func (s *Service) reader(of wire.Selection, o ListOptions) list.Fetch[Post] {
	var begun atomic.Bool
	return func(ctx context.Context, after list.After[Post], limit int) (list.Page[Post], error) {
		cursor := after.Cursor
		if cursor == "" && after.ID != "" {
			cursor = of.Sort.After(after.Value.Post).String()
		}
		if cursor == "" && !begun.Load() && o.FirstSize > 0 {
			limit = o.FirstSize
		}
		page, err := s.readPage(ctx, of, cursor, limit)
		if begun.Store(begun.Load() || err == nil); o.Report != nil {
			o.Report(err)
		}
		return page, err
	}
}

func (s *Service) readPage(ctx context.Context, of wire.Selection, cursor string, limit int) (list.Page[Post], error) {
	s.places.reading(1)
	page, err := read(ctx, s.transport, "GET", of.Path(cursor, limit), nil, wire.DecodePage)
	s.places.reading(-1)
	if err == nil {
		if (of == wire.Selection{}) {
			s.loaded(page)
		}
		return s.told(page)
	}
	return list.Page[Post]{}, notRead(err)
}

// notRead is the error of a page that was not read, with its class.
func notRead(err error) error {
	var refusal *Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return optimist.StatusError(refusal.Problem.Status, retryAfter(err), err)
	}
	return optimist.Fail(classOfSilence(err), err)
}

// told is a page of the server as a list takes it.
func (s *Service) told(page wire.Page) (list.Page[Post], error) {
	if err := s.meet(page.After); err != nil {
		return list.Page[Post]{}, err
	}
	out := list.Page[Post]{Next: page.Next, End: page.Next == "", Total: page.Total}
	for _, t := range page.Posts {
		if t.State == nil {
			continue // a list has no place for it
		}
		truth := truthOf(t)
		truth.Position = s.places.between(s.posts.Truth(t.ID).Position, t.Position)
		s.know(t.ID, true)
		s.tell(t.ID, truth)
		out.Rows = append(out.Rows, list.Told[Post]{ID: t.ID, Truth: truth})
	}
	if page.Total != nil {
		out.Position = s.places.counted(page.After)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from == "" {
		s.from = page.After
	}
	return out, nil
}

// Resume returns the list of another Service (see [Service.Move]) as a list of this one: it
// begins with the posts that the other one had.
func (s *Service) Resume(old *list.List[Post], from *Service, of wire.Selection, o ListOptions) (*list.List[Post], error) {
	rows := old.Rows()
	page := list.Page[Post]{End: !rows.State().More}
	for _, row := range rows.All() {
		held := from.posts.Truth(row.ID)
		if held.Presence != optimist.Present {
			continue // the user's own, which this Service has as well
		}
		if len(page.Rows) == mostResumed {
			page.End = false
			break
		}
		truth := optimist.TruthOf(held.Value, held.Version)
		truth.Position = held.Position
		page.Rows = append(page.Rows, list.Told[Post]{ID: row.ID, Truth: truth})
	}
	q := queryOf(of)
	q.Pages, q.PageSize, q.First = s.reader(of, o), nextPage, &page
	return s.listOf(q)
}

// mostResumed is the number of posts that a list takes as one page.
const mostResumed = 1000
