package list

import "github.com/optimist-go/optimist"

// Query says which entities of a store a list has, and in which order. The zero Query has all,
// ordered by id. Its functions are data: they are pure, see the id and the value alone, must
// not call the manager, and run under its lock.
type Query[T any] struct {
	// Where chooses entities. Nil: all that are present.
	Where func(id string, value T) bool
	// Order has the keys, the most significant first. Entities with the same keys, and all if
	// there are none, are in the order of their ids, bytewise.
	Order []Key[T]
	// Limit is the number of rows at most, the first ones. 0: all.
	Limit int
	// KeepLeaving keeps entities that an unsettled deletion has taken out of the view, also
	// one that failed and waits for a decision. Their rows stay where they were, marked as
	// leaving, so that a refused deletion has a place from which a person can retry it.
	KeepLeaving bool
	// Sums are added up over all rows, also over those beyond the limit. A sum beyond the int64s
	// wraps around, as Go's do, and is right again when it is back among them. See Rows.Sum.
	Sums []func(id string, value T) int64
	// Joins have the rows carry the views of entities of other stores. See [Join].
	Joins []AnyJoin[T]
	// Pages asks the server for rows. The list then has rows that pages have told, and those
	// that this client's unsettled work put there; List.More loads the first page and the next
	// ones. An own row whose place is behind the loaded pages is hidden when that work has settled,
	// until its page is loaded. Nil: the list knows the whole store, and nothing beyond.
	Pages Fetch[T]
	// First is a page that the program has already, for example in a document that a server
	// made: the list begins with it, and the next load is of the page behind it. It counts as read
	// when New is called. Nil: none.
	First *Page[T]
	// PageSize is the limit that Pages gets, at most 1,000. 0: 50.
	PageSize int
	// ServerOrder takes the order of the pages instead of Order, which must be empty. 0: by
	// Order.
	ServerOrder ServerOrder

	places *places // in the server's order; the manager's lock guards it
}

// Row is one entity in a list.
type Row[T any] struct {
	// ID is the entity's id in its store. It stays while the list has the row, also when the
	// server gives the entity another id, so that it can be the key of an element on a page.
	ID   string
	View optimist.View[T]
	// Leaving: an unsettled deletion has removed the entity; View.Value is the value before.
	Leaving bool

	links *link // of the joins, in their order; nil: there are none
}

// looks reports whether a row looks as another one with the same value.
func (r *Row[T]) looks(as *Row[T]) bool {
	v, w := &r.View, &as.View
	return v.Pending == w.Pending && v.Parked == w.Parked && v.Version == w.Version && v.Unsure == w.Unsure && r.Leaving == as.Leaving && r.links == as.links
}

// entry decides about one entity: its entry in the list, or nil. was is its present one.
func (q *Query[T]) entry(was *entry[T], c *optimist.EntityChange[T], scratch []byte) (*entry[T], []byte) {
	var e entry[T]
	in, scratch := q.decide(&e, was, c, scratch)
	if !in {
		return nil, scratch
	}
	kept := e
	return &kept, scratch
}

// decide reports whether an entity is in the list, and writes its entry to e.
func (q *Query[T]) decide(e, was *entry[T], c *optimist.EntityChange[T], scratch []byte) (in bool, _ []byte) {
	switch {
	case c.After.Presence == optimist.Present:
	case c.Leaving && q.KeepLeaving:
		e.row.Leaving = true
	default:
		return false, scratch
	}
	if e.row.ID, e.row.View = c.ID, c.After; e.row.Leaving {
		e.row.View.Value = c.Removed
	}
	if c.Before.Presence == optimist.Present && c.After.Presence == optimist.Present && c.Before.Number == c.After.Number {
		if was == nil {
			return false, scratch // another part of the view has changed, which decides nothing
		}
		if e.key, e.sums, e.row.links = was.key, was.sums, was.row.links; q.places != nil {
			e.key = q.places.whole(e.row.ID) // the place changes without the value
		}
		return true, scratch
	}
	if q.Where != nil && !q.Where(e.row.ID, e.row.View.Value) {
		return false, scratch
	}
	if scratch = q.place(scratch[:0], e.row.ID, e.row.View.Value); was != nil && was.key == string(scratch) {
		e.key = was.key
	} else {
		e.key = string(scratch)
	}
	for _, sum := range q.Sums {
		e.sums = append(e.sums, sum(e.row.ID, e.row.View.Value))
	}
	e.row.links = q.links(e.row.ID, e.row.View.Value)
	return true, scratch
}

// place writes the key of an entity in the order.
func (q *Query[T]) place(key []byte, id string, value T) []byte {
	for _, k := range q.Order {
		key = k.extend(key, id, value)
	}
	if q.places != nil {
		key = q.places.key(key, id)
	}
	return append(key, id...)
}
