package list

import (
	"slices"

	"github.com/optimist-go/optimist"
)

// paged is the part of a list that knows only what pages have told. The manager's lock and the
// list's guard it.
type paged[T any] struct {
	ranges ranges
	totals totals
	places *places // nil: in the order of keys
	// all are the entities that satisfy the query, known or not.
	all map[string]*candidate[T]
	// works are the entities with unsettled work whose truth satisfies the query.
	works map[string]work
	// hidden are those of them that are not known.
	hidden rope[T]

	arrived *arrival[T] // the page of the step under way; nil: none
	dirty   []string    // ids to decide about in the step under way
	misfit  error       // how one of the pages loaded does not fit the query; nil: all fit
	seen    uint64      // steps
	newEra  bool        // the server began a new history in the step under way
}

// candidate is an entity that satisfies the query.
type candidate[T any] struct {
	entry *entry[T]
	fact  fact
	shown bool // it is in the core; else, once decided, it is hidden
	aside bool // it is in hidden
}

// arrival is a page that a step brings.
type arrival[T any] struct {
	load  *load[T]
	page  Page[T]
	names []string // of the rows, as the list names them
	told  map[string]bool
	began moment
}

func newPaged[T any]() *paged[T] {
	return &paged[T]{
		ranges: ranges{told: make(map[string]uint64), held: make(map[string]bool)},
		totals: totals{ahead: make(map[string]int), doubted: make(map[string]bool), guessed: make(map[string]bool)},
		all:    make(map[string]*candidate[T]),
		works:  make(map[string]work),
	}
}

// was is the entry of an entity, known or not.
func (p *paged[T]) was(id string) *entry[T] {
	if c := p.all[id]; c != nil {
		return c.entry
	}
	return nil
}

// since completes the moment of an entity's truth.
func (p *paged[T]) since(n *news) {
	n.fact.since.seen = p.seen
	if c := p.all[n.id]; c != nil && !n.again {
		n.fact.since.seen = c.fact.since.seen
	}
}

// set notes the new entry of an entity, which is decided about later.
func (p *paged[T]) set(id string, e *entry[T], f fact) {
	c := p.all[id]
	p.dirty = append(p.dirty, id)
	if !f.busy {
		p.ranges.settle(id)
	}
	if e == nil && p.leaves(id, f) {
		delete(p.places.made, id)
	}
	if c == nil {
		if e == nil {
			return
		}
		c = &candidate[T]{}
		p.all[id] = c
	}
	p.expose(c)
	c.entry, c.fact = e, f
	if e == nil {
		delete(p.all, id)
	}
}

// leaves reports whether an entity, which is not in the list, gives up the place that this
// client's work gave it. While that goes on the entity may come back.
func (p *paged[T]) leaves(id string, f fact) bool {
	return p.places != nil && !f.busy && p.places.made[id] != 0
}

// expose takes a candidate out of the hidden ones.
func (p *paged[T]) expose(c *candidate[T]) {
	if c.aside {
		b, i, _ := p.hidden.find(c.entry.key)
		p.hidden.remove(b, i)
		c.aside = false
	}
}

// decide has the core show an entity, or not.
func (p *paged[T]) decide(core *core[T], id string) {
	c := p.all[id]
	if c == nil {
		core.set(id, nil)
		return
	}
	if p.knows(id, c) {
		p.expose(c)
		c.shown = true
		if core.byID[id] != c.entry {
			core.set(id, c.entry)
		}
		return
	}
	if c.shown {
		c.shown = false
		core.set(id, nil)
	}
	if !c.aside {
		b, i, _ := p.hidden.find(c.entry.key)
		p.hidden.insert(b, i, c.entry)
		c.aside = true
	}
}

func (p *paged[T]) knows(id string, c *candidate[T]) bool {
	if p.places != nil && !p.places.has(id) {
		return c.fact.put
	}
	return p.ranges.knows(c.entry.key, id, c.fact)
}

// decideAll decides about all that the step has touched.
func (p *paged[T]) decideAll(core *core[T]) {
	for _, id := range p.dirty {
		p.decide(core, id)
	}
	clear(p.dirty)
	p.dirty = p.dirty[:0]
}

// take takes the page of the step, of whose rows keys are those that the server told.
func (p *paged[T]) take(a *arrival[T], keys []string, fit misfit, core *core[T]) {
	rows := a.page.Rows
	told := pageTold{
		top: a.load.top, after: a.load.behind, ids: a.names, keys: keys, began: a.began,
		loose: fit.order, open: a.page.End || len(rows) == 0 && (a.page.Next == "" || a.page.Next == a.load.after.Cursor),
	}
	tail := a.load.after
	if tail.Cursor = a.page.Next; len(rows) > 0 {
		tail.ID, tail.Value = rows[len(rows)-1].ID, rows[len(rows)-1].Truth.Value
	}
	told.tail = tail
	if p.places != nil && p.ranges.takes(&told) {
		p.settleIn(&told)
	}
	moved, taken := p.ranges.take(&told)
	if !taken {
		return
	}
	if fit.err != nil || len(p.ranges.spans) == 1 {
		p.misfit = fit.err
	}
	if a.page.Total != nil {
		p.totals.tell(*a.page.Total, a.page.Position, a.began)
		for id := range a.told {
			p.totals.contains(id)
		}
	}
	within(&core.rope, moved, func(e *entry[T]) {
		if c := p.all[e.row.ID]; c != nil && c.fact.busy {
			p.ranges.keep(c.entry.key, e.row.ID)
		}
		p.dirty = append(p.dirty, e.row.ID)
	})
	within(&p.hidden, moved, func(e *entry[T]) { p.dirty = append(p.dirty, e.row.ID) })
	p.dirty = append(p.dirty, a.names...)
	p.weigh()
}

// settleIn places the rows of a page in the server's order.
func (p *paged[T]) settleIn(told *pageTold) {
	moved, edge := p.places.take(told.top, told.ids)
	for _, id := range moved {
		if c := p.all[id]; c != nil && c.shown && c.fact.busy {
			p.places.make(id)
		}
	}
	for id := range p.places.made {
		c := p.all[id]
		if c != nil && !c.fact.busy && !c.fact.since.after(told.began) && p.places.ends(told) {
			delete(p.places.made, id) // it was not among the rows there
			moved = append(moved, id)
		}
	}
	for _, id := range slices.Concat(told.ids, moved) {
		if c := p.all[id]; c != nil {
			p.expose(c)
			e := *c.entry
			e.key = p.places.whole(id)
			c.entry = &e
			p.dirty = append(p.dirty, id)
		}
	}
	told.keys = told.keys[:0]
	for _, id := range told.ids {
		told.keys = append(told.keys, p.places.whole(id))
	}
	if edge != "" {
		told.keys = append(told.keys, edge)
	}
}

// within calls f for the entries of an interval, in order. f must not change the rope.
func within[T any](r *rope[T], in interval, f func(*entry[T])) {
	b, i, found := r.find(in.from)
	if found {
		i++
	}
	for ; b < len(r.blocks); b, i = b+1, 0 {
		for _, e := range r.blocks[b].rows[i:] {
			if !in.has(e.key) {
				return
			}
			f(e)
		}
	}
}

// news is a change of an entity as the ranges and totals are told it.
type news struct {
	id    string
	fact  fact
	ahead int // what unsettled work adds to its truth
	// is, was and had: its view, its truth and the truth before satisfy the query. key is the place
	// of the truth, of an entity with unsettled work.
	is, was, had bool
	key          string
	by           int // what its truth adds to the truth before
	// appeared: nothing was known of it before. made: an operation may have made it. place: where
	// its truth belongs if that satisfies the query.
	appeared, made bool
	place          string
	// united: it is one with another, under whose id it is told from now on.
	united bool
	// placed: its position was not known before. same: its version was.
	placed, same bool
	position     uint64
	// again: its truth was told, or something was confirmed into it.
	again bool
}

// news asks the query what a change means. e is the entity's new entry.
func (q *Query[T]) news(c *optimist.EntityChange[T], e *entry[T], scratch []byte) (news, []byte) {
	before, after := c.Truth()
	n := news{id: c.ID, position: after.Position, fact: fact{since: moment{at: after.Since}, busy: c.After.Pending > 0}}
	is := e != nil && c.After.Presence == optimist.Present
	was := is // in truth
	if n.fact.busy {
		if was = q.has(c.ID, &after); was {
			scratch = q.place(scratch[:0], c.ID, after.Value)
			n.key = string(scratch)
		}
		n.fact.put = e != nil && (!was || n.key != e.key)
	}
	n.is, n.was = is, was
	n.ahead = one(is) - one(was)
	n.again = before.Since != after.Since || before.Presence != after.Presence ||
		after.Version != 0 && (before.Version != after.Version || before.Position != after.Position) // else a new era has begun
	switch {
	case after.Presence == optimist.NotLoaded:
	case before.Presence == optimist.NotLoaded && c.Before.Presence != optimist.Present:
		n.appeared, n.made = true, c.Before.Pending > c.After.Pending
		switch n.by = one(was); {
		case !was:
		case n.fact.busy:
			n.place = n.key
		default:
			n.place = e.key
		}
	default:
		n.had = q.has(c.ID, &before)
		n.by = one(was) - one(n.had)
		n.placed = before.Position == 0 && after.Position != 0
		n.same = before.Version == after.Version && after.Version != 0
	}
	return n, scratch
}

// has reports whether truth satisfies the query.
func (q *Query[T]) has(id string, t *optimist.HeldTruth[T]) bool {
	return t.Presence == optimist.Present && (q.Where == nil || q.Where(id, t.Value))
}

// reckon tells the totals of a change. told: the page of this step, with a total, has it.
func (p *paged[T]) reckon(n *news, told bool) {
	t := &p.totals
	left := n.had && n.again && p.leftOut(n.id)
	d := difference{id: n.id, by: n.by, position: n.position, came: n.fact.since}
	if left && (n.was || n.position == 0 || t.position == 0) { // else it was there until that position
		d.by, d.guessed = d.by+1, !p.whole()
	}
	if delete(p.works, n.id); n.fact.busy && n.was {
		p.works[n.id] = work{key: n.key, since: n.fact.since, is: n.is, put: n.fact.put}
	}
	p.weighOne(n.id, n.ahead)
	switch {
	case told:
	case n.united:
		t.withdraw(n.id)
	case n.appeared:
		if !p.whole() { // else it is new: the page of the total would have it
			t.appear(n.position, n.made, n.fact.since)
		}
		if n.by != 0 && p.places == nil && p.ranges.of(n.place) != nil {
			t.settle(d) // no page had it there: it is taken for new
		}
	case d.by != 0 || d.guessed:
		t.settle(d)
	case n.placed:
		t.place(n.id, n.position, n.same)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
