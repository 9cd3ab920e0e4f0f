package list

import (
	"slices"
	"time"
)

// ranges decides which rows a list of pages knows. It is told pages and asked about rows, and
// has no lock, goroutine or clock.
//
// A row is known in three cases. Its place lies in a range, and the page of that range has not
// left it out. Or a page has left it out while it was in the list with unsettled work of this
// client, which goes on. Or unsettled work of this client has put it into its place.
type ranges struct {
	// spans are the ranges from the top on. Invariant: each begins where the one before ends,
	// to ascends, and only the last may be open.
	spans []span
	// told has the newest page that told each id, and no page before those of spans.
	told map[string]uint64
	// held are the ids of rows that a page has left out, and that stay while they are busy.
	held  map[string]bool
	pages uint64 // so far: numbers them
	loose bool   // a page of spans was not in order: its rows may lie in the range of another one
}

// span is the range of one page, or the part of it that no newer page has replaced.
type span struct {
	first string // the key of its first row
	none  bool   // it has no row
	to    string // the edge: the key of the last row as the server told it
	open  bool   // there is no edge: the server has nothing more
	began moment // when the read began
	page  uint64
	tail  any // from which the next page is fetched; of no meaning here
}

// pageTold is a page as the ranges are told it.
type pageTold struct {
	top   bool   // of the first rows; else of those after the edge after
	after string // the edge behind which it was asked for
	ids   []string
	keys  []string // of the rows as the server told them
	open  bool     // nothing comes after it
	loose bool     // it is not in order
	began moment
	tail  any
}

// moment is a time, and the steps that the list had seen by then: clocks are coarse.
type moment struct {
	at   time.Time
	seen uint64
}

func (m moment) after(other moment) bool {
	if m.at.Equal(other.at) {
		return m.seen > other.seen
	}
	return m.at.After(other.at)
}

// interval is a part of an order: the keys after from, up to and with to.
type interval struct {
	from, to string
	open     bool // without to
}

func (i interval) has(key string) bool { return key > i.from && (i.open || key <= i.to) }

// fact is all that counts of an entity beside its place.
type fact struct {
	since moment // when its truth came, or an operation was last confirmed
	busy  bool   // it has unsettled work of this client
	put   bool   // that work has put it into its place
}

// take takes a page. Rows of the interval, and those of the page, may be known now, or not any
// more. A page that was read before one that it would change is not taken.
func (r *ranges) take(p *pageTold) (moved interval, taken bool) {
	if !r.takes(p) {
		return interval{}, false
	}
	last := len(r.spans) - 1
	r.pages++
	s := span{to: p.after, open: p.open, began: p.began, page: r.pages, tail: p.tail}
	if len(p.keys) > 0 {
		// Rows of equal keys are in another order here where an id has another name: all of the
		// page are inside.
		s.first, s.to = p.keys[0], max(p.after, slices.Max(p.keys))
	}
	s.none = len(p.keys) == 0
	for _, id := range p.ids {
		r.told[id] = r.pages
	}
	if !p.top {
		r.spans, r.loose = append(r.spans, s), r.loose || p.loose
		return interval{from: p.after, to: s.to, open: s.open}, true
	}
	moved = interval{to: s.to, open: s.open}
	if last >= 0 {
		moved.to, moved.open = max(moved.to, r.spans[last].to), moved.open || r.spans[last].open
	}
	r.spans, r.loose = append([]span{s}, r.rest(s)...), p.loose
	r.forget()
	return moved, true
}

// takes reports whether a page is taken.
func (r *ranges) takes(p *pageTold) bool {
	for i := range r.spans {
		if r.spans[i].began.after(p.began) {
			return false
		}
	}
	last := r.last()
	return p.top || last != nil && !last.open && last.to == p.after
}

// rest is the part of the ranges behind a new first page. There is none if it does not touch
// them: then rows may lie between that nobody has told. Nor is there where pages are not in order,
// because rows of those behind may lie in its range, which would leave them out.
func (r *ranges) rest(s span) []span {
	if s.open || r.loose {
		return nil
	}
	i := slices.IndexFunc(r.spans, func(old span) bool { return old.open || old.to > s.to })
	switch {
	case i < 0:
		return nil
	case i == 0 && (r.spans[0].none || s.to < r.spans[0].first):
		return nil
	}
	return r.spans[i:]
}

// forget drops all that the ranges do not need any more.
func (r *ranges) forget() {
	oldest := r.pages
	for i := range r.spans {
		oldest = min(oldest, r.spans[i].page)
	}
	for id, page := range r.told {
		if page < oldest {
			delete(r.told, id)
		}
	}
}

// of is the range in which a place lies, or nil.
func (r *ranges) of(key string) *span {
	i, _ := slices.BinarySearchFunc(r.spans, key, func(s span, key string) int {
		if s.open || s.to >= key {
			return 1
		}
		return -1
	})
	if i == len(r.spans) {
		return nil
	}
	return &r.spans[i]
}

// knows reports whether the row of a place is known.
func (r *ranges) knows(key, id string, f fact) bool {
	if s := r.of(key); s != nil && (r.told[id] >= s.page || f.since.after(s.began) || r.held[id]) {
		return true
	}
	return f.put
}

// keep has a busy row stay that is in the list, if the page taken last left it out.
func (r *ranges) keep(key, id string) {
	if s := r.of(key); s != nil && s.page == r.pages && r.told[id] != r.pages {
		r.held[id] = true
	}
}

// settle notes that a row is not busy any more.
func (r *ranges) settle(id string) { delete(r.held, id) }

// last is the last range, or nil.
func (r *ranges) last() *span {
	if len(r.spans) == 0 {
		return nil
	}
	return &r.spans[len(r.spans)-1]
}
