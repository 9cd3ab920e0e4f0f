package list

// work is the unsettled work of an entity whose truth satisfies the query.
type work struct {
	key     string // the place of the truth
	since   moment // when the truth came
	is, put bool   // as in news and fact
}

// leftOut reports whether the total is taken not to have an entity although its truth satisfies
// the query: that has its place in the range of a page which left it out, and which was read
// before the total or with it. It is gone, or, unless the list is whole, may have got a place
// behind the edge.
func (p *paged[T]) leftOut(id string) bool {
	w, busy := p.works[id]
	if c := p.all[id]; !busy && c != nil {
		w.key, w.since = c.entry.key, c.fact.since
	}
	if p.places != nil || !p.totals.known || w.key == "" {
		return false
	}
	s := p.ranges.of(w.key)
	return s != nil && p.ranges.told[id] < s.page && !w.since.after(s.began) && !s.began.after(p.totals.began)
}

// whole reports whether one page has told all rows and the total.
func (p *paged[T]) whole() bool {
	spans := p.ranges.spans
	return p.places == nil && len(spans) == 1 && spans[0].open && spans[0].began == p.totals.began
}

// weighOne tells the totals of an entity's unsettled work, which adds ahead to its truth.
func (p *paged[T]) weighOne(id string, ahead int) {
	guessed := false
	if w, there := p.works[id]; there && p.leftOut(id) {
		ahead, guessed = one(w.is && (w.put || p.ranges.held[id])), !p.whole()
	}
	p.totals.work(id, ahead, guessed)
}

// weigh tells the totals of all unsettled work anew, after a page.
func (p *paged[T]) weigh() {
	for id, w := range p.works {
		p.weighOne(id, one(w.is)-1)
	}
}
