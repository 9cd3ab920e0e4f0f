package list

import "slices"

// core is a list without lock, goroutine or manager: it is told of new entries, and says
// which edits of the window they are.
type core[T any] struct {
	limit int // of the window; 0: none
	rope  rope[T]
	byID  map[string]*entry[T]
	sums  []int64
	sides sides     // of the joins
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
		e.epoch = c.rope.epoch
		e.row.links = c.sides.current(nil, e.row.links)
		c.sides.put(e.row.ID, nil, e.row.links)
		c.byID[e.row.ID] = e
		c.add(e, 1)
	}
}

func (c *core[T]) add(e *entry[T], sign int64) {
	for i, n := range e.sums {
		c.sums[i] += sign * n
	}
}

// set gives an entity its new entry, which is the core's from now on; nil: none.
func (c *core[T]) set(id string, e *entry[T]) { c.change(id, c.byID[id], e, false) }

// change gives an entity, whose entry was is, its new entry; nil: none. A lent entry is the
// caller's: the core keeps a copy.
func (c *core[T]) change(id string, was, e *entry[T], lent bool) {
	if len(c.sides) > 0 {
		e, lent = c.join(id, was, e)
	}
	if was != nil {
		c.add(was, -1)
	}
	if e != nil {
		c.add(e, 1)
	}
	switch {
	case was == nil && e == nil:
	case was == nil:
		e = c.keep(id, nil, e, lent)
		c.insert(e)
	case e == nil:
		delete(c.byID, id)
		c.remove(was)
	case was.key == e.key:
		c.replace(id, was, e, lent)
	default:
		c.move(id, was, e, lent)
	}
}

// join is an entry with the joined views of now, which is lent.
func (c *core[T]) join(id string, was, e *entry[T]) (_ *entry[T], lent bool) {
	var before, links *link
	if was != nil {
		before = was.row.links
	}
	if e != nil {
		joined := *e
		links = c.sides.current(before, e.row.links)
		joined.row.links, e = links, &joined
	}
	c.sides.put(id, before, links)
	return e, true
}

// keep makes e the entry of an entity. It writes into the one before if no reader has that,
// which is the most common case of a lent one.
func (c *core[T]) keep(id string, was, e *entry[T], lent bool) *entry[T] {
	if lent {
		if was == nil || was.epoch != c.rope.epoch {
			was = new(entry[T])
			c.byID[id] = was
		}
		*was = *e
		e = was
	} else {
		c.byID[id] = e
	}
	e.epoch = c.rope.epoch
	return e
}

func (c *core[T]) replace(id string, was, e *entry[T], lent bool) {
	if lent && was.epoch == c.rope.epoch && !c.tell {
		c.keep(id, was, e, lent)
		return
	}
	b, i, _ := c.rope.find(e.key)
	if c.tell {
		c.editAt(c.rope.rank(b, i), was, e)
	}
	if kept := c.keep(id, was, e, lent); kept != was {
		c.rope.replace(b, i, kept)
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

func (c *core[T]) move(id string, was, e *entry[T], lent bool) {
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
		c.moved(from, to, was, e)
	}
	c.rope.insert(b, i, c.keep(id, was, e, lent))
}

// moved tells that a row has gone from one rank to another. It is not in the rope.
func (c *core[T]) moved(from, to int, was, e *entry[T]) {
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
