package list_test

import (
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// ahead is what unsettled work of an entity adds to the total. It is a guess where a page has left
// the entity out.
func (b *board) ahead(w *watched, id string) (n int, guessed bool) {
	view, truth := b.oracle.now[id].After, b.oracle.now[id].truth
	is := view.Presence == optimist.Present && w.where(id, view.Value)
	if view.Pending > 0 && w.leftOut(w.paper, id, truth) {
		row := list.Row[card]{ID: id, View: view}
		if is && b.known(w, row, truth) {
			n = 1
		}
		return n, !w.whole(w.paper)
	}
	if is {
		n++
	}
	if w.has(id, truth) {
		n--
	}
	return n, false
}

func (w *watched) has(id string, truth optimist.HeldTruth[card]) bool {
	return truth.Presence == optimist.Present && w.where(id, truth.Value)
}

// leftOut reports whether a page that is not newer than the total has left an entity out.
func (w *watched) leftOut(p *paper, id string, truth optimist.HeldTruth[card]) bool {
	if p == nil || w.paper.spine != nil || !p.counted || !w.has(id, truth) {
		return false
	}
	for i := range p.pages {
		if page := &p.pages[i]; w.in(page, list.Row[card]{ID: id, View: optimist.View[card]{Value: truth.Value}}) {
			return p.told[id] < page.number && !truth.Since.After(page.began) && !page.began.After(p.read)
		}
	}
	return false
}

// whole reports whether one page has told all rows and the total.
func (w *watched) whole(p *paper) bool {
	return len(p.pages) == 1 && p.pages[0].to == nil && p.pages[0].began.Equal(p.read)
}

// weigh notes what a change adds to the total, as that and the pages were before the step.
func (b *board) weigh(w *watched, c *truthChange) {
	if w.has(c.ID, c.after) {
		c.by++
	}
	if w.has(c.ID, c.before) {
		c.by--
	}
	again := c.before.Since != c.after.Since || c.before.Presence != c.after.Presence ||
		c.after.Version != 0 && (c.before.Version != c.after.Version || c.before.Position != c.after.Position)
	p := w.paper.before
	c.whole = p != nil && w.whole(p)
	if !again || c.after.Presence == optimist.NotLoaded || !w.leftOut(p, c.ID, c.before) {
		return
	}
	if w.has(c.ID, c.after) || c.position == 0 || p.position == 0 || p.era < c.era {
		c.by++
		c.guessed = !w.whole(p)
	}
}

// total counts by all changes since the total that was told last.
func (b *board) total(w *watched) list.Total {
	p := w.paper
	if !p.counted {
		return list.Total{}
	}
	t := list.Total{N: p.n, Known: true, Exact: !p.outlived}
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
			if c.whole {
				break
			}
			p.appeared = max(p.appeared, c.position)
			if c.ended && late && (c.position == 0 || p.position == 0) {
				t.Exact = false
			}
		}
		if appears && !c.fresh {
			continue
		}
		forget := func() { // the total has all that came before this one
			for _, o := range unplaced[c.ID] {
				o.change.contained = true
			}
			delete(unplaced, c.ID)
		}
		if by := c.by; by != 0 || c.guessed {
			if c.contained {
				forget()
			}
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
				t.Exact = t.Exact && !c.guessed
			}
			continue
		}
		if list := unplaced[c.ID]; len(list) > 0 && !appears && c.before.Position == 0 && c.position != 0 {
			last := list[len(list)-1]
			same := c.before.Version == c.after.Version && c.after.Version != 0
			switch {
			case c.contained:
				forget()
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
		n, guessed := b.ahead(w, id)
		t.Exact = t.Exact && !guessed
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

// adds reports whether a change is counted beside the total.
func (b *board) adds(p *paper, c *truthChange) bool {
	appears := c.before.Presence == optimist.NotLoaded && !c.shown
	switch {
	case c.contained, c.after.Presence == optimist.NotLoaded, appears && !c.fresh, c.by == 0 && !c.guessed:
		return false
	case c.position != 0 && p.position != 0:
		return c.position > p.position
	}
	return c.at.After(p.read) || c.beyond
}

// count has the naive list take a total.
func (b *board) count(w *watched, f *fetching, page list.Page[card], ids []string) {
	p := w.paper
	p.meet(b.history.held.Load())
	p.outlived = false
	p.counted, p.n, p.position, p.read = true, *page.Total, page.Position, f.began
	p.past = slices.DeleteFunc(p.past, func(c truthChange) bool { // a total had it: it is known no more
		return c.in == p || !c.at.After(p.read) && (c.position == 0 || p.position == 0 || c.position <= p.position)
	})
	for i := range b.oracle.past {
		if c := &b.oracle.past[i]; slices.Contains(ids, c.ID) {
			c.in = p // counted
		}
	}
	for _, id := range ids {
		i := slices.IndexFunc(p.past, func(c truthChange) bool { return c.ID == id && b.adds(p, &c) })
		if i >= 0 && p.past[i].by > 0 {
			p.past[i].contained = true // it was there before
		}
	}
	clear(p.doubted)
	for id := range b.oracle.now {
		if n, _ := b.ahead(w, id); n != 0 {
			p.doubted[id] = true
		}
	}
}
