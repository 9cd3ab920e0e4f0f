package list

import (
	"maps"
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/internal/order"
)

// Joined has the rows of a list carry the view of an entity of another store, which a key of
// each value names: for example the author of each post. [Join] makes one, Query.Joins takes
// it, and its Of reads it from a row.
type Joined[T, U any] struct {
	other *optimist.Store[U]
	key   func(id string, value T) string
}

// Join names the entity of another store of the same manager that belongs to each value. An
// empty key names none. key is pure, and is called once for each change of a row's value.
//
// Rows without such an entity stay in the list. A change of the entity is a splice of all rows
// that show it, of the step that made the change; when one step changes rows and what is joined
// to them, one splice has both. The list remembers the views of the whole other store.
func Join[T, U any](other *optimist.Store[U], key func(id string, value T) string) *Joined[T, U] {
	return &Joined[T, U]{other: other, key: key}
}

// Of is the view of the entity that is joined to a row, of the same moment as the row. Nothing
// is known of it if there is none, or if the row is of a list that does not join it.
func (j *Joined[T, U]) Of(row Row[T]) (v optimist.View[U]) {
	for l := row.links; l != nil; l = l.next {
		if l.of == any(j) && l.view != nil {
			return *l.view.(*optimist.View[U])
		}
	}
	return v
}

// AnyJoin is a [Joined] to any type of entities.
type AnyJoin[T any] interface {
	// link is the link of an entity, whose view is not known yet.
	link(id string, value T) *link
	// attach has a side know the other store.
	attach(l *List[T], s *side) (*optimist.Attached, error)
	usable() bool
}

// link is what one join makes of a row. It is never written to once the row is in a list.
type link struct {
	of   any // the *Joined
	key  string
	view any // a *View of the other store; nil: nothing is known
	next *link
}

// side is the other store of a join, as a list sees it. The manager's lock guards it.
type side struct {
	views   map[string]any             // by id
	ids     map[string]string          // by names that the server gave, of those in views
	names   map[string]string          // the other way round
	rows    map[string]map[string]bool // ids of the rows, by key
	changed []string                   // keys whose views the step under way has changed
}

func (j *Joined[T, U]) usable() bool { return j != nil && j.other != nil && j.key != nil }

func (j *Joined[T, U]) link(id string, value T) *link { return &link{of: j, key: j.key(id, value)} }

func (j *Joined[T, U]) attach(l *List[T], s *side) (*optimist.Attached, error) {
	return j.other.AddIndex(&other[T, U]{l, s})
}

// other is the index of a side.
type other[T, U any] struct {
	l *List[T]
	*side
}

func (o *other[T, U]) Changed(_ uint64, changes []optimist.EntityChange[U]) {
	for i := range changes {
		c := &changes[i]
		was, _ := o.views[c.ID].(*optimist.View[U])
		name := c.ServerName()
		switch {
		case c.After.Presence == optimist.NotLoaded && c.After.Pending == 0:
			delete(o.views, c.ID)
			name = "" // it may get another one, when something is held of it again
		case was == nil || !sameView(was, &c.After):
			view := c.After
			o.views[c.ID] = &view
		case name == c.ID || o.ids[name] == c.ID:
			continue // only the truth below was told anew
		}
		o.changed = append(o.changed, c.ID)
		o.rename(c.ID, name)
	}
}

func (o *other[T, U]) Finish(step uint64) { o.l.finish(step) }

func (o *other[T, U]) Detached(err error) {
	if err != nil {
		(*index[T])(o.l).Detached(err)
	}
}

// sameView reports whether two views of one entity are the same. A value that changes gets
// another number.
func sameView[T any](v, w *optimist.View[T]) bool {
	return v.Presence == w.Presence && v.Number == w.Number && v.Pending == w.Pending && v.Parked == w.Parked &&
		v.Version == w.Version && v.Unsure == w.Unsure
}

// rename notes the name that the server gives an entity; empty, or its id: none.
func (s *side) rename(id, name string) {
	if was, ok := s.names[id]; ok && was != name {
		delete(s.names, id)
		delete(s.ids, was)
		s.changed = append(s.changed, was)
	}
	if name != "" && name != id {
		s.names[id], s.ids[name] = name, id
		s.changed = append(s.changed, name)
	}
}

// view is the view of the entity of any name.
func (s *side) view(key string) any {
	if v := s.views[key]; v != nil {
		return v
	}
	return s.views[s.ids[key]]
}

// links are those of an entity, whose views are not known yet.
func (q *Query[T]) links(id string, value T) (first *link) {
	for i := len(q.Joins) - 1; i >= 0; i-- {
		l := q.Joins[i].link(id, value)
		l.next = first
		first = l
	}
	return first
}

// sides are those of all joins of a list, in their order.
type sides []*side

// current are links with the views of now. They are was, those of the row before, if these
// are current.
func (s sides) current(was, links *link) *link {
	if len(s) == 0 {
		return nil
	}
	var wasNext *link
	if was != nil {
		wasNext = was.next
	}
	next, view := s[1:].current(wasNext, links.next), s[0].view(links.key)
	if was != nil && was.key == links.key && was.view == view && wasNext == next {
		return was
	}
	return &link{of: links.of, key: links.key, view: view, next: next}
}

// put notes that a row has links instead of those that it had; nil: none.
func (s sides) put(id string, was, links *link) {
	for _, side := range s {
		from, to, had, has := "", "", was != nil, links != nil
		if had {
			from, was = was.key, was.next
		}
		if has {
			to, links = links.key, links.next
		}
		if had && has && from == to {
			continue
		}
		if rows := side.rows[from]; had {
			if delete(rows, id); len(rows) == 0 {
				delete(side.rows, from)
			}
		}
		if has {
			if side.rows[to] == nil {
				side.rows[to] = make(map[string]bool)
			}
			side.rows[to][id] = true
		}
	}
}

// joinAll attaches the other stores, of which the list is told from then on.
func (l *List[T]) joinAll() error {
	for range l.query.Joins {
		l.core.sides = append(l.core.sides, &side{views: make(map[string]any), ids: make(map[string]string), names: make(map[string]string), rows: make(map[string]map[string]bool)})
	}
	for i, j := range l.query.Joins {
		a, err := j.attach(l, l.core.sides[i])
		if err != nil {
			return err
		}
		l.others = append(l.others, a)
	}
	return nil
}

// detach has the manager tell the list of nothing more.
func (l *List[T]) detach() {
	for _, a := range append(slices.Clip(l.others), l.attached) {
		if a != nil {
			a.Detach()
		}
	}
}

// joining is the index of a list with joins: it waits until the other stores were told of the
// step as well.
type joining[T any] struct{ holder[T] }

func (x joining[T]) Changed(_ uint64, changes []optimist.EntityChange[T]) {
	x.held, x.told = append(x.held, changes...), true
}

func (x joining[T]) Finish(step uint64) { (*List[T])(x.index).finish(step) }

// finish changes a list with joins by all that the stores were told.
func (l *List[T]) finish(step uint64) {
	if l.told {
		l.told = false
		l.take(step, l.held)
		l.held = emptied(l.held)
	}
	if l.core.outdated() {
		l.mu.Lock()
		if !l.done {
			l.changeLocked(step, func() {})
		}
		l.mu.Unlock()
	}
	for _, s := range l.core.sides {
		s.changed = emptied(s.changed)
	}
}

// outdated reports whether there are rows whose joined views have changed.
func (c *core[T]) outdated() bool {
	for _, s := range c.sides {
		for _, key := range s.changed {
			if len(s.rows[key]) > 0 {
				return true
			}
		}
	}
	return false
}

// refresh gives rows the joined views that have changed.
func (c *core[T]) refresh() {
	for _, s := range c.sides {
		for _, key := range s.changed {
			for _, id := range order.Keys(len(s.rows[key]), maps.Keys(s.rows[key])) {
				was := c.byID[id]
				e := *was
				c.change(id, was, &e, true)
			}
		}
		s.changed = emptied(s.changed)
	}
}
