package list_test

import (
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// ahead is what unsettled work of an entity adds to the total.
func (b *board) ahead(w *watched, id string) (n int) {
	view, truth := b.oracle.now[id].After, b.oracle.now[id].truth
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
	t := list.Total{N: p.n, Known: true, Exact: !p.outlived}
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
		late := c.at.After(p.read) || c.beyond
		done, appears := c.contained, c.before.Presence == optimist.NotLoaded && !c.shown
		c.contained = done || c.position != 0 && c.position <= p.position
		switch {
		case done || c.in == p && late, c.after.Presence == optimist.NotLoaded:
			continue
		case appears:
			p.appeared = max(p.appeared, c.position)
			if c.ended && late && (c.position == 0 || p.position == 0) {
				t.Exact = false
			}
			if !c.fresh {
				continue
			}
		}
		if by := is(c.ID, c.after) - is(c.ID, c.before); by != 0 {
			switch {
			case c.position == 0:
				if late {
					unplaced[c.ID] = append(unplaced[c.ID], open{by, c})
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
		if list := unplaced[c.ID]; len(list) > 0 && !appears && c.before.Position == 0 && c.position != 0 {
			last := list[len(list)-1]
			same := c.before.Version == c.after.Version && c.after.Version != 0
			switch {
			case c.contained:
				last.change.contained = true
				unplaced[c.ID] = list[:len(list)-1]
			case same && p.position != 0:
				t.N += last.by
				unplaced[c.ID] = list[:len(list)-1]
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

// count has the naive list take a total.
func (b *board) count(w *watched, f *fetching, page list.Page[card], ids []string) {
	p := w.paper
	p.meet(b.history.held.Load())
	p.outlived = false
	p.counted, p.n, p.position, p.read = true, *page.Total, page.Position, f.began
	p.past = slices.DeleteFunc(p.past, func(c truthChange) bool {
		return !c.at.After(p.read) && (c.position == 0 || p.position == 0 || c.position <= p.position)
	})
	for i := range b.oracle.past {
		if c := &b.oracle.past[i]; slices.Contains(ids, c.ID) {
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
