package list_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// oracle is an index that keeps what it was told last of each entity, and every change of
// truth. The naive lists know names and leaving values by it, and nothing else.
type oracle struct {
	turn sync.Mutex
	now  map[string]toldChange
	past []truthChange
}

type toldChange struct {
	optimist.EntityChange[card]
	truth optimist.HeldTruth[card]
}

type truthChange struct {
	id            string
	before, after optimist.HeldTruth[card]
	shown         bool   // the view was present before
	ended         bool   // an operation ended in the step
	in            *paper // whose page, with a total, had it in the step
	at            time.Time
	position      uint64 // of after
	contained     bool   // in a total that was told
	fresh, whole  bool   // of an entity that has appeared: no page had it in its place, or at all
}

// handOver has all that was read so far happen before the next change. The bubble sees to
// that already, which the race detector does not know of a step that only time begins.
func (o *oracle) handOver() {
	o.turn.Lock()
	o.turn.Unlock()
}

func (o *oracle) Changed(_ uint64, changes []optimist.EntityChange[card]) {
	o.handOver()
	for _, c := range changes {
		before, after := c.Truth()
		if o.now[c.ID] = (toldChange{c, after}); c.After.Presence == optimist.NotLoaded && c.After.Pending == 0 {
			delete(o.now, c.ID)
		}
		o.past = append(o.past, truthChange{
			id: c.ID, before: before, after: after, shown: c.Before.Presence == optimist.Present,
			ended: c.Before.Pending > c.After.Pending, at: after.Since, position: after.Position,
		})
	}
}

func (*oracle) Detached(error) {}

// fetching is a call of a list's Fetch, which waits for the test.
type fetching struct {
	ctx   context.Context
	after list.After[card]
	limit int
	began time.Time
	shot  *shot // the server's state when it began
	reply chan answered
}

type answered struct {
	page list.Page[card]
	err  error
}

// shot is the server's state at one moment.
type shot struct {
	held    map[string]card
	places  map[string]uint64
	version uint64
}

// paper is a list of pages as a person would keep it: all pages that were told, and what is
// known of each row.
type paper struct {
	calls []*fetching
	pages []paperPage
	told  map[string]int // the newest page that told a row
	held  map[string]bool
	count int
	shown map[string]bool // before the step
	last  []paperPage     // pages before the step

	counted  bool
	n        int
	position uint64
	read     time.Time     // when the read of the total began
	past     []truthChange // since then, and those that may not be in it
	appeared uint64        // the greatest position of an entity that has appeared
	doubted  map[string]bool
}

type paperPage struct {
	number   int
	began    time.Time
	from, to *list.Row[card] // nil: the top, the end
	first    *list.Row[card]
}

func newPaper() *paper {
	return &paper{told: make(map[string]int), held: make(map[string]bool), shown: make(map[string]bool), doubted: make(map[string]bool)}
}

func (w *watched) order(a, b list.Row[card]) int {
	return cmp.Or(w.less(a, b), cmp.Compare(a.ID, b.ID))
}

func (w *watched) where(id string, c card) bool { return w.query.Where == nil || w.query.Where(id, c) }

// fetch has the test answer.
func (b *board) fetch(p **paper) list.Fetch[card] {
	return func(ctx context.Context, after list.After[card], limit int) (list.Page[card], error) {
		f := &fetching{ctx: ctx, after: after, limit: limit, began: time.Now(), reply: make(chan answered, 1)}
		b.mu.Lock()
		f.shot = b.shotLocked()
		(*p).calls = append((*p).calls, f)
		b.mu.Unlock()
		select {
		case a := <-f.reply:
			return a.page, a.err
		case <-ctx.Done():
			return list.Page[card]{}, ctx.Err()
		}
	}
}

func (b *board) shotLocked() *shot {
	return &shot{held: maps.Clone(b.held), places: maps.Clone(b.places), version: b.versions}
}

// page is the answer of the server to a fetch.
func (b *board) page(w *watched, f *fetching) (page list.Page[card]) {
	s := f.shot
	if b.rnd.IntN(2) == 0 { // a read takes its time
		b.mu.Lock()
		s = b.shotLocked()
		b.mu.Unlock()
	}
	var rows []list.Row[card]
	for id, c := range s.held {
		if w.where(id, c) {
			rows = append(rows, list.Row[card]{ID: id, View: optimist.View[card]{Value: c}})
		}
	}
	slices.SortFunc(rows, w.order)
	total := len(rows)
	if b.rnd.IntN(4) > 0 {
		page.Total = &total
	}
	if b.positions && b.rnd.IntN(8) > 0 {
		page.Position = s.version
	}
	after := list.Row[card]{ID: f.after.ID, View: optimist.View[card]{Value: f.after.Value}}
	for _, row := range rows {
		if f.after.ID != "" && w.order(row, after) <= 0 {
			continue
		}
		if len(page.Rows) == f.limit {
			return page
		}
		t := optimist.TruthOf(row.View.Value, s.places[row.ID])
		if b.rnd.IntN(16) == 0 {
			t.Version = 0
		}
		page.Rows = append(page.Rows, list.Told[card]{ID: row.ID, Truth: b.placed(t, s.places[row.ID])})
	}
	page.End = true
	return page
}

// turn has a list of pages begin a load, or end one.
func (b *board) turn(w *watched) string {
	b.mu.Lock()
	var open *fetching
	w.paper.calls = slices.DeleteFunc(w.paper.calls, func(f *fetching) bool { return f.ctx.Err() != nil || f.reply == nil })
	if n := len(w.paper.calls); n > 0 {
		open = w.paper.calls[n-1]
	}
	b.mu.Unlock()
	switch n := b.rnd.IntN(8); {
	case n == 0:
		go w.list.Refetch(b.ctx)
		synctest.Wait()
		return "refetch " + w.name
	case open == nil:
		go w.list.More(b.ctx)
		synctest.Wait()
		return "more " + w.name
	case n == 1:
		open.reply <- answered{err: errBusy}
		open.reply = nil
		return "busy " + w.name
	}
	page := b.page(w, open)
	open.reply <- answered{page: page}
	open.reply = nil
	synctest.Wait()
	b.take(w, open, page)
	var ids []string
	for _, row := range page.Rows {
		ids = append(ids, row.ID)
	}
	return fmt.Sprintf("page %s %v", w.name, ids)
}

// take has the naive list take a page, in whose step the oracle's past has happened.
func (b *board) take(w *watched, f *fetching, page list.Page[card]) {
	p := w.paper
	p.count++
	n := paperPage{number: p.count, began: f.began}
	if f.after.ID != "" {
		n.from = &list.Row[card]{ID: b.first(f.after.ID), View: optimist.View[card]{Value: f.after.Value}}
	}
	ids := make(map[string]bool)
	for i, row := range page.Rows {
		id := b.first(row.ID)
		ids[id] = true
		place := &list.Row[card]{ID: id, View: optimist.View[card]{Value: row.Truth.Value}}
		if i == 0 {
			n.first = place
		}
		if n.to == nil || w.order(*n.to, *place) < 0 {
			n.to = place
		}
		p.told[id] = p.count
	}
	switch {
	case page.End:
		n.to = nil
	case n.from != nil && w.order(*n.to, *n.from) < 0:
		n.to = n.from
	}
	if n.from == nil {
		var top *paperPage
		for i := range p.pages {
			if p.pages[i].from == nil {
				top = &p.pages[i]
			}
		}
		touches := n.to != nil && top != nil && top.first != nil && w.order(*top.first, *n.to) <= 0
		var rest []paperPage
		for _, old := range p.pages {
			if !touches || old.to != nil && w.order(*old.to, *n.to) <= 0 {
				continue
			}
			if old.from == nil || w.order(*old.from, *n.to) < 0 {
				old.from = n.to
			}
			rest = append(rest, old)
		}
		p.pages = rest
	}
	p.pages = append(p.pages, n)
	for id := range p.shown {
		row, _, ok := b.candidate(w, id)
		if ok && row.View.Pending > 0 && !ids[id] && w.in(&n, row) {
			p.held[id] = true
		}
	}
	if page.Total == nil {
		return
	}
	p.counted, p.n, p.position, p.read = true, *page.Total, page.Position, f.began
	p.past = slices.DeleteFunc(p.past, func(c truthChange) bool {
		return !c.at.After(p.read) && (c.position == 0 || p.position == 0 || c.position <= p.position)
	})
	for i := range b.oracle.past {
		if c := &b.oracle.past[i]; ids[c.id] {
			c.in = p // counted
		}
	}
	clear(p.doubted)
	for id := range b.oracle.now {
		if b.ahead(w, id) != 0 {
			p.doubted[id] = true
		}
	}
}

func (w *watched) in(p *paperPage, row list.Row[card]) bool {
	return (p.from == nil || w.order(*p.from, row) < 0) && (p.to == nil || w.order(row, *p.to) <= 0)
}

// first is the first name of an entity.
func (b *board) first(name string) string {
	if _, there := b.oracle.now[name]; !there && strings.HasPrefix(name, "s") {
		return "n" + name[1:]
	}
	return name
}

// candidate is the row that an entity has where it is known.
func (b *board) candidate(w *watched, id string) (row list.Row[card], truth optimist.HeldTruth[card], ok bool) {
	c, there := b.oracle.now[id]
	if !there {
		return row, truth, false
	}
	row, truth = list.Row[card]{ID: id, View: b.cards.View(id)}, b.cards.Truth(id)
	if row.View != c.After {
		b.Fatalf("the hook says that %s is %+v, it is %+v", id, c.After, row.View)
	}
	if c.truth != truth {
		b.Fatalf("the hook says that the truth of %s is %+v, it is %+v", id, c.truth, truth)
	}
	switch {
	case row.View.Presence == optimist.Present:
	case c.Leaving && w.query.KeepLeaving:
		row.Leaving, row.View.Value = true, c.Removed
	default:
		return row, truth, false
	}
	return row, truth, w.where(id, row.View.Value)
}

// known reports whether a list of pages knows a row.
func (b *board) known(w *watched, row list.Row[card], truth optimist.HeldTruth[card]) bool {
	if row.View.Pending > 0 {
		told := list.Row[card]{ID: row.ID, View: optimist.View[card]{Value: truth.Value}}
		if truth.Presence != optimist.Present || !w.where(row.ID, truth.Value) || w.order(told, row) != 0 {
			return true // put there
		}
	}
	for i := range w.paper.pages {
		if p := &w.paper.pages[i]; w.in(p, row) {
			return w.paper.told[row.ID] >= p.number || truth.Since.After(p.began) || w.paper.held[row.ID] && row.View.Pending > 0
		}
	}
	return false
}

// ahead is what unsettled work of an entity adds to the total.
func (b *board) ahead(w *watched, id string) (n int) {
	view, truth := b.cards.View(id), b.cards.Truth(id)
	if view.Presence == optimist.Present && w.where(id, view.Value) {
		n++
	}
	if truth.Presence == optimist.Present && w.where(id, truth.Value) {
		n--
	}
	return n
}

// total counts by all changes since the total that was told last.
func (b *board) total(w *watched) list.Total {
	p := w.paper
	if !p.counted {
		return list.Total{}
	}
	t := list.Total{N: p.n, Known: true, Exact: true}
	is := func(id string, h optimist.HeldTruth[card]) int {
		if h.Presence == optimist.Present && w.where(id, h.Value) {
			return 1
		}
		return 0
	}
	type open struct {
		by     int
		change *truthChange
	}
	unplaced := make(map[string][]open) // by id: changes of which nobody knows where they are in the feed
	for i := range p.past {
		c := &p.past[i]
		late := c.at.After(p.read)
		done := c.contained
		c.contained = done || c.position != 0 && c.position <= p.position
		switch {
		case done || c.in == p && late, c.after.Presence == optimist.NotLoaded:
			continue
		case c.before.Presence == optimist.NotLoaded && !c.shown:
			if !c.whole {
				p.appeared = max(p.appeared, c.position)
			}
			if !c.whole && c.ended && late && (c.position == 0 || p.position == 0) {
				t.Exact = false
			}
			if !c.fresh {
				continue
			}
		}
		if by := is(c.id, c.after) - is(c.id, c.before); by != 0 {
			switch {
			case c.position == 0:
				if late {
					unplaced[c.id] = append(unplaced[c.id], open{by, c})
				}
			case p.position == 0:
				if late {
					t.N += by
					t.Exact = false
				}
			case c.position > p.position:
				t.N += by
			}
			continue
		}
		if list := unplaced[c.id]; len(list) > 0 && c.before.Position == 0 && c.position != 0 {
			last := list[len(list)-1]
			same := c.before.Version == c.after.Version && c.after.Version != 0
			switch {
			case c.contained:
				last.change.contained = true
				unplaced[c.id] = list[:len(list)-1]
			case same && p.position != 0:
				t.N += last.by
				unplaced[c.id] = list[:len(list)-1]
			}
		}
	}
	for _, list := range unplaced {
		for _, o := range list {
			t.N += o.by
			t.Exact = false
		}
	}
	for id := range b.oracle.now {
		n := b.ahead(w, id)
		if t.N += n; n == 0 {
			delete(p.doubted, id)
		}
	}
	for id := range p.doubted {
		if _, there := b.oracle.now[id]; !there {
			delete(p.doubted, id)
		}
	}
	t.Exact = t.Exact && len(p.doubted) == 0 && (p.position == 0 || p.appeared <= p.position)
	return t
}

// drain gives the lists of pages what has happened.
func (b *board) drain(all []*watched) {
	for _, w := range all {
		if w.paper != nil {
			for _, c := range b.oracle.past {
				row := list.Row[card]{ID: c.id, View: optimist.View[card]{Value: c.after.Value}}
				c.fresh = slices.ContainsFunc(w.paper.last, func(p paperPage) bool { return w.in(&p, row) })
				c.whole = len(w.paper.last) == 1 && w.paper.last[0].to == nil
				w.paper.past = append(w.paper.past, c)
			}
		}
	}
	b.oracle.past = nil
}

// look evaluates a list of pages before a step.
func (b *board) look(w *watched) {
	if w.paper == nil {
		return
	}
	clear(w.paper.shown)
	w.paper.last = slices.Clone(w.paper.pages)
	for id := range w.paper.held {
		if b.cards.View(id).Pending == 0 {
			delete(w.paper.held, id)
		}
	}
	for id := range b.oracle.now {
		if row, truth, ok := b.candidate(w, id); ok && b.known(w, row, truth) {
			w.paper.shown[id] = true
		}
	}
}

// registerBorn adds creations whose ids the server makes.
func (b *board) registerBorn() {
	b.born = optimist.Register(b.cards, optimist.Mutation[card, string]{
		Type: "born", Kind: optimist.Create, ServerID: true, Stored: stored,
		Policy: optimist.Policy{Failure: optimist.Park},
		Apply:  func(c card, args string) (card, error) { _, c.Title, _ = strings.Cut(args, " "); return c, nil },
		Send: func(ctx context.Context, c optimist.Call[string]) (optimist.Truth[card], error) {
			number, title, _ := strings.Cut(c.Args, " ")
			t, err := b.serve(ctx, "s"+number, func(card, bool) (card, bool) { return card{Title: title}, true })
			t.ID = "s" + number
			return t, err
		},
	})
}

// pagedLists are lists of pages.
func (b *board) pagedLists() (all []*watched) {
	likes := func(_ string, c card) int { return c.Likes }
	title := func(_ string, c card) string { return c.Title }
	byLikes := func(a, b list.Row[card]) int { return cmp.Compare(a.View.Value.Likes, b.View.Value.Likes) }
	byTitle := func(a, b list.Row[card]) int { return cmp.Compare(a.View.Value.Title, b.View.Value.Title) }
	open := func(_ string, c card) bool { return !c.Done }
	for _, w := range []*watched{
		{name: "pages of likes", less: func(a, b list.Row[card]) int { return -byLikes(a, b) },
			query: list.Query[card]{Order: []list.Key[card]{list.Desc(likes)}, PageSize: 4}},
		{name: "pages of open titles, leaving", less: byTitle,
			query: list.Query[card]{Where: open, Order: []list.Key[card]{list.Asc(title)}, PageSize: 3, KeepLeaving: true}},
		{name: "pages of ids, window", less: func(a, b list.Row[card]) int { return 0 },
			query: list.Query[card]{PageSize: 7, Limit: 9}},
	} {
		w.paper = newPaper()
		w.query.Pages = b.fetch(&w.paper)
		all = append(all, w)
	}
	return all
}

// more reports whether the server may have more than was told.
func (p *paper) more() bool {
	for _, page := range p.pages {
		if page.to == nil {
			return false
		}
	}
	return true
}
