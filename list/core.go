package list

import "slices"

// core is a list without lock, goroutine or manager: it is told of new entries, and says
// which edits of the window they are.
type core[T any] struct {
	limit int // of the window; 0: none
	rope  rope[T]
	byID  map[string]*entry[T]
	sums  []int64
	edits []Edit[T] // of the step under way, if told
	tell  bool      // somebody wants edits, which cost the ranks
}

// load fills an empty core.
func (c *core[T]) load(entries []*entry[T]) {
	slices.SortFunc(entries, func(a, b *entry[T]) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	c.rope.build(entries)
	for _, e := range entries {
		c.byID[e.row.ID] = e
		c.add(e, 1)
	}
}

func (c *core[T]) add(e *entry[T], sign int64) {
	for i, n := range e.sums {
		c.sums[i] += sign * n
	}
}

// set gives an entity its new entry; nil: none.
func (c *core[T]) set(id string, e *entry[T]) {
	was := c.byID[id]
	switch {
	case was == nil && e == nil:
		return
	case was == nil:
		c.byID[id] = e
		c.insert(e)
		c.add(e, 1)
	case e == nil:
		delete(c.byID, id)
		c.remove(was)
		c.add(was, -1)
	default:
		c.byID[id] = e
		c.add(was, -1)
		c.add(e, 1)
		if was.key == e.key {
			c.replace(was, e)
		} else {
			c.move(was, e)
		}
	}
}

func (c *core[T]) replace(was, e *entry[T]) {
	b, i, _ := c.rope.find(e.key)
	c.rope.replace(b, i, e)
	if c.tell {
		c.editAt(c.rope.rank(b, i), was, e)
	}
}

// editAt tells that a row has changed without moving.
func (c *core[T]) editAt(rank int, was, e *entry[T]) {
	if !c.inside(rank) {
		return
	}
	kind := Update
	// The number does not count values that a deletion hides.
	if was.row.View.Number == e.row.View.Number && was.row.View.Presence == e.row.View.Presence && !e.row.Leaving {
		if kind = Mark; was.row.looks(&e.row) {
			return // only the truth below was told anew
		}
	}
	c.edits = append(c.edits, Edit[T]{Kind: kind, At: rank, Row: e.row})
}

func (c *core[T]) insert(e *entry[T]) {
	b, i, _ := c.rope.find(e.key)
	if c.tell {
		if rank := c.rope.rank(b, i); c.inside(rank) {
			if c.limit > 0 && c.rope.n >= c.limit {
				c.edits = append(c.edits, Edit[T]{Kind: Remove, At: c.limit - 1})
			}
			c.edits = append(c.edits, Edit[T]{Kind: Insert, At: rank, Row: e.row})
		}
	}
	c.rope.insert(b, i, e)
}

func (c *core[T]) remove(was *entry[T]) {
	b, i, _ := c.rope.find(was.key)
	rank := 0
	if c.tell {
		rank = c.rope.rank(b, i)
	}
	c.rope.remove(b, i)
	if c.tell && c.inside(rank) {
		c.edits = append(c.edits, Edit[T]{Kind: Remove, At: rank})
		c.refill()
	}
}

// refill brings the row behind the window into its last place, which has become free.
func (c *core[T]) refill() {
	if c.limit > 0 && c.rope.n >= c.limit {
		c.edits = append(c.edits, Edit[T]{Kind: Insert, At: c.limit - 1, Row: at(c.rope.blocks, c.limit-1).row})
	}
}

func (c *core[T]) move(was, e *entry[T]) {
	b, i, _ := c.rope.find(was.key)
	from := 0
	if c.tell {
		from = c.rope.rank(b, i)
	}
	c.rope.remove(b, i)
	b, i, _ = c.rope.find(e.key)
	to := 0
	if c.tell {
		to = c.rope.rank(b, i)
	}
	c.rope.insert(b, i, e)
	if !c.tell {
		return
	}
	switch {
	case from == to:
		c.editAt(to, was, e)
	case c.inside(from) && c.inside(to):
		c.edits = append(c.edits, Edit[T]{Kind: Move, From: from, At: to, Row: e.row})
	case c.inside(from):
		c.edits = append(c.edits, Edit[T]{Kind: Remove, At: from})
		c.refill()
	case c.inside(to):
		c.edits = append(c.edits, Edit[T]{Kind: Remove, At: c.limit - 1}, Edit[T]{Kind: Insert, At: to, Row: e.row})
	}
}

// inside reports whether a rank is in the window.
func (c *core[T]) inside(rank int) bool { return c.limit == 0 || rank < c.limit }
