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
	busy []string // entities with unsettled work, in the order in which it began
	*history
}

type toldChange struct {
	optimist.EntityChange[card]
	truth optimist.HeldTruth[card]
}

type truthChange struct {
	toldChange
	before, after optimist.HeldTruth[card]
	shown         bool   // the view was present before
	ended         bool   // an operation ended in the step
	in            *paper // whose page, with a total, had it in the step
	at            time.Time
	position      uint64 // of after
	contained     bool   // in a total that was told
	fresh         bool   // of an entity that has appeared: no page had it in its place
	by            int    // what it adds to the total
	whole         bool   // one page had told all rows, and the total
	guessed       bool   // nobody knows whether the total had the entity of before
	united        bool   // it is one with another of the step
	era           uint64 // that was held after it
	beyond        bool   // the total, in the feed of an era that is over
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
		told := toldChange{c, after}
		if o.now[c.ID] = told; c.After.Presence == optimist.NotLoaded && c.After.Pending == 0 {
			delete(o.now, c.ID)
		}
		switch {
		case c.After.Pending == 0:
			o.busy = slices.DeleteFunc(o.busy, func(id string) bool { return id == c.ID })
		case c.Before.Pending == 0:
			o.busy = append(o.busy, c.ID)
		}
		o.past = append(o.past, truthChange{
			toldChange: told, before: before, after: after, shown: c.Before.Presence == optimist.Present,
			era: o.held.Load(), ended: c.Before.Pending > c.After.Pending, at: after.Since, position: after.Position,
			united: c.Before.Presence != optimist.NotLoaded && c.After.Presence == optimist.NotLoaded && slices.ContainsFunc(changes,
				func(other optimist.EntityChange[card]) bool { return other.ID != c.ID && other.ServerName() == c.ID }),
		})
	}
}

func (o *oracle) NewEra(era uint64) {
	o.held.Store(era)
}

func (*oracle) Detached(error) {}

// verify compares all that the hook has told with the store.
func (o *oracle) verify(b *board) {
	for id, c := range o.now {
		if view := b.cards.View(id); view != c.After {
			b.Fatalf("the hook says that %s is %+v, it is %+v", id, c.After, view)
		}
		if truth := b.cards.Truth(id); truth != c.truth {
			b.Fatalf("the hook says that the truth of %s is %+v, it is %+v", id, c.truth, truth)
		}
	}
}

// fetching is a call of a list's Fetch, which waits for the test.
type fetching struct {
	ctx   context.Context
	after list.After[card]
	limit int
	began time.Time
	era   uint64      // that the client held when it began
	shot  *shot[card] // the server's state when it began
	reply chan answered
}

type answered struct {
	page list.Page[card]
	err  error
}

// paper is a list of pages as a person would keep it: all pages that were told, and what is
// known of each row.
type paper struct {
	calls  []*fetching
	pages  []paperPage
	told   map[string]int // the newest page that told a row
	held   map[string]bool
	number int             // of the newest page
	shown  map[string]bool // before the step
	spine  *spine          // of a list in the server's order; else nil
	last   []paperPage     // pages before the step

	counted  bool
	n        int
	position uint64
	read     time.Time     // when the read of the total began
	past     []truthChange // since then, and those that may not be in it
	appeared uint64        // the greatest position of an entity that has appeared
	doubted  map[string]bool
	era      uint64
	outlived bool   // the total is of an earlier one
	before   *paper // as it was before the step
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
		f.shot, f.era = b.shot(), b.history.held.Load()
		b.mu.Lock()
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

// page is the answer of the server to a fetch.
func (b *board) page(w *watched, f *fetching) (page list.Page[card]) {
	s := f.shot
	if b.rnd.IntN(2) == 0 { // a read takes its time
		s = b.shot()
	}
	if b.backup.before != nil && b.rnd.IntN(12) == 0 { // a server that has not heard of the restore
		s = b.backup.before
		page.Position = s.version
	}
	names := b.rnd.IntN(3) == 0 || s == b.backup.before
	var rows []list.Row[card]
	for id, c := range s.held {
		if w.where(id, c) {
			rows = append(rows, list.Row[card]{ID: id, View: optimist.View[card]{Value: c}})
		}
	}
	order := w.order
	if w.paper.spine != nil {
		order = func(a, b list.Row[card]) int { return cmp.Compare(ranked(s, a.ID), ranked(s, b.ID)) }
	}
	slices.SortFunc(rows, order)
	total := len(rows)
	if b.rnd.IntN(4) > 0 {
		page.Total = &total
	}
	if b.positions && b.rnd.IntN(8) > 0 {
		page.Position = s.version
	}
	after := list.Row[card]{ID: f.after.ID, View: optimist.View[card]{Value: f.after.Value}}
	for _, row := range rows {
		if w.paper.spine != nil && f.after.Cursor != "" && ranked(s, row.ID) <= f.after.Cursor ||
			w.paper.spine == nil && f.after.ID != "" && w.order(row, after) <= 0 {
			continue
		}
		if len(page.Rows) == f.limit {
			return page
		}
		t := optimist.TruthOf(row.View.Value, s.places[row.ID])
		if b.rnd.IntN(16) == 0 {
			t.Version = 0
		}
		if names {
			t.Era = s.era
		}
		page.Rows = append(page.Rows, list.Told[card]{ID: row.ID, Truth: b.placed(t, s.places[row.ID])})
		if w.paper.spine != nil {
			page.Next = ranked(s, row.ID)
		}
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
	page, era := b.page(w, open), b.history.held.Load()
	open.reply <- answered{page: page}
	open.reply = nil
	synctest.Wait()
	if eraOf(page, open) < era {
		return "page of an earlier era " + w.name
	}
	b.hasMet(eraOf(page, open))
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
	var ids []string
	for _, row := range page.Rows {
		ids = append(ids, b.first(row.ID))
	}
	if p.spine != nil {
		b.rank(w, f, page, ids)
	} else {
		b.file(w, f, page, ids)
	}
	if page.Total != nil {
		b.count(w, f, page, ids)
	}
}

// file has the naive list take a page in the order of its keys.
func (b *board) file(w *watched, f *fetching, page list.Page[card], ids []string) {
	p := w.paper
	p.number++
	n := paperPage{number: p.number, began: f.began}
	if f.after.ID != "" {
		n.from = p.edge(w)
	}
	for i, row := range page.Rows {
		place := &list.Row[card]{ID: ids[i], View: optimist.View[card]{Value: row.Truth.Value}}
		if i == 0 {
			n.first = place
		}
		if n.to == nil || w.order(*n.to, *place) < 0 {
			n.to = place
		}
		p.told[ids[i]] = p.number
	}
	switch {
	case page.End:
		n.to = nil
	case n.from != nil && w.order(*n.to, *n.from) < 0:
		n.to = n.from
	}
	if n.from == nil {
		p.pages = p.rest(w, &n)
	}
	p.pages = append(p.pages, n)
	for id := range p.shown {
		row, _, ok := b.candidate(w, id)
		if ok && row.View.Pending > 0 && !slices.Contains(ids, id) && w.in(&n, row) {
			p.held[id] = true
		}
	}
}

// edge is the end of the last page, as it was when that was told: its row may have got another
// name since.
func (p *paper) edge(w *watched) (edge *list.Row[card]) {
	for _, page := range p.pages {
		if edge == nil || w.order(*edge, *page.to) < 0 {
			edge = page.to
		}
	}
	return edge
}

// rest are the parts of pages that stay behind a new first one.
func (p *paper) rest(w *watched, n *paperPage) (rest []paperPage) {
	var top *paperPage
	for i := range p.pages {
		if p.pages[i].from == nil {
			top = &p.pages[i]
		}
	}
	if n.to == nil || top == nil || top.first == nil || w.order(*top.first, *n.to) > 0 {
		return nil
	}
	for _, old := range p.pages {
		if old.to != nil && w.order(*old.to, *n.to) <= 0 {
			continue
		}
		if old.from == nil || w.order(*old.from, *n.to) < 0 {
			old.from = n.to
		}
		rest = append(rest, old)
	}
	return rest
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
	row, ok = b.rowOf(w, c)
	return row, c.truth, ok
}

// rowOf is the row of an entity as the hook has told it.
func (b *board) rowOf(w *watched, c toldChange) (row list.Row[card], ok bool) {
	row = list.Row[card]{ID: c.ID, View: c.After}
	switch {
	case row.View.Presence == optimist.Present:
	case c.Leaving && w.query.KeepLeaving:
		row.Leaving, row.View.Value = true, c.Removed
	default:
		return row, false
	}
	return row, w.where(c.ID, row.View.Value)
}

// known reports whether a list of pages knows a row.
func (b *board) known(w *watched, row list.Row[card], truth optimist.HeldTruth[card]) bool {
	if row.View.Pending > 0 {
		told := list.Row[card]{ID: row.ID, View: optimist.View[card]{Value: truth.Value}}
		if truth.Presence != optimist.Present || !w.where(row.ID, truth.Value) || w.order(told, row) != 0 {
			return true // put there
		}
	}
	if s := w.paper.spine; s != nil {
		return s.knows(row.ID, truth, w.paper.held[row.ID] && row.View.Pending > 0)
	}
	for i := range w.paper.pages {
		if p := &w.paper.pages[i]; w.in(p, row) {
			return w.paper.told[row.ID] >= p.number || truth.Since.After(p.began) || w.paper.held[row.ID] && row.View.Pending > 0
		}
	}
	return false
}

// drain gives the lists of pages what has happened.
func (b *board) drain(all []*watched) {
	for _, w := range all {
		if w.paper != nil {
			b.collect(w)
		}
	}
	b.oracle.past = nil
}

// collect gives a list of pages what has happened.
func (b *board) collect(w *watched) {
	p := w.paper
	defer func() {
		p.meet(b.history.held.Load())
		p.before = &paper{pages: p.last, told: maps.Clone(p.told), counted: p.counted, position: p.position, read: p.read, era: p.era}
	}()
	for _, c := range b.oracle.past {
		p.meet(c.era)
		row := list.Row[card]{ID: c.ID, View: optimist.View[card]{Value: c.after.Value}}
		c.fresh = p.spine == nil && slices.ContainsFunc(p.last, func(page paperPage) bool { return w.in(&page, row) })
		b.weigh(w, &c)
		p.past = append(p.past, c)
		if c.united {
			p.past = slices.DeleteFunc(p.past, func(old truthChange) bool { return old.ID == c.ID })
		}
	}
	p.last = slices.Clone(p.pages)
	if p.spine != nil {
		b.follow(w)
		p.spine.seen = 0
	}
}

// look evaluates a list of pages before a step.
func (b *board) look(w *watched) {
	if w.paper == nil {
		return
	}
	clear(w.paper.shown)
	for id := range w.paper.held {
		if b.oracle.now[id].After.Pending == 0 {
			delete(w.paper.held, id)
		}
	}
	for id := range b.oracle.now {
		if row, truth, ok := b.candidate(w, id); ok && b.known(w, row, truth) {
			w.paper.shown[id] = true
		}
	}
}

// pagedLists are lists of pages.
func (b *board) pagedLists() (all []*watched) {
	for _, w := range []*watched{
		{name: "pages of likes", less: func(a, b list.Row[card]) int { return -byLikes(a, b) },
			query: list.Query[card]{Order: []list.Key[card]{list.Desc(likesOf)}, PageSize: 4}},
		{name: "pages of open titles, leaving", less: byTitle,
			query: list.Query[card]{Where: isOpen, Order: []list.Key[card]{list.Asc(titleOf)}, PageSize: 3, KeepLeaving: true}, who: list.Join(b.people, personOf)},
		{name: "pages of ids, window", less: byID,
			query: list.Query[card]{PageSize: 7, Limit: 9, Sums: []func(string, card) int64{sumOf}}},
		{name: "ranked", query: list.Query[card]{ServerOrder: list.CreationsFirst, PageSize: 4, KeepLeaving: true}},
		{name: "ranked open, creations last", who: list.Join(b.people, personOf),
			query: list.Query[card]{Where: isOpen, ServerOrder: list.CreationsLast, PageSize: 5}},
	} {
		w.paper = newPaper()
		w.query.Pages = b.fetch(&w.paper)
		if w.who != nil {
			w.query.Joins = []list.AnyJoin[card]{w.who}
		}
		if w.query.ServerOrder != 0 {
			w.paper.spine = &spine{order: w.query.ServerOrder}
			w.less = w.paper.spine.less
		}
		all = append(all, w)
	}
	b.paged = len(all)
	return all
}

// more reports whether the server may have more than was told.
func (p *paper) more() bool {
	if p.spine != nil {
		return p.spine.end.IsZero()
	}
	for _, page := range p.pages {
		if page.to == nil {
			return false
		}
	}
	return true
}
