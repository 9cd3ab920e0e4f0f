// Package list keeps sorted and filtered lists of the entities of a store, as their users see
// them while work is pending.
//
// # Guarantees
//
//   - A row is in the list exactly while the entity's view is present and satisfies the query,
//     also in the middle of unsettled work: created entities are in it, removed ones are not,
//     changed ones are where their new keys belong, and all of that is undone with a rollback.
//   - When Execute returns, the list has the change.
//   - Rows are of one moment: no entity is missing or twice, and each row's view is the one
//     that Store.View gave at that moment.
//   - The splices that a watcher gets, applied in order, give exactly the rows.
//   - A change costs one call of each function of the query, and a time that grows with the
//     logarithm of the list. Watchers share their splices. Reading copies no rows and does not
//     wait for the manager.
//
// # Not guaranteed
//
//   - A list has what its store knows. What the server has beyond that it does not know.
//   - The functions of a query are data, like Apply: they are pure, must not call the
//     manager, and run under its lock. A panic in one ends the list; see List.Err.
//   - Values are shared, not copied, as everywhere.
package list

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/internal/errorf"
)

// List is a query that is kept up to date. Methods are safe for concurrent use. Those of nil and
// of the zero List, which are no list of New, return [optimist.ErrInvalid] or zero values.
type List[T any] struct {
	query    Query[T]
	store    *optimist.Store[T] // nil: New has not made the list
	attached *optimist.Attached
	others   []*optimist.Attached // of the joins

	// mu guards the fields below. It is taken under the manager's lock, never the other way
	// round. core.byID is written to under both, so either lock suffices to read it.
	mu   sync.Mutex
	core core[T]
	step uint64   // the last that changed the list
	now  *Rows[T] // the rows as they are; nil: not asked for since the last change
	err  error    // why the list has ended
	done bool     // nothing changes any more

	opened bool // all stores tell it of changes: others, attached and query stay as they are

	paged  *paged[T] // nil: the list knows the whole store
	load   *load[T]  // under way
	failed error     // why the last load ended without a page

	watchers int
	// splices are the last ones, at most maxSplices, since somebody watches. Number last is the
	// newest, and their numbers have no gaps.
	splices []Splice[T]
	last    uint64
	wake    chan struct{} // closed at the next splice, and at the end

	scratch []byte       // of keys; guarded by the manager's lock
	pending []*entry[T]  // new entries of the step; guarded by the manager's lock
	decided []decided[T] // instead of these, of a list without pages
	news    []news       // of the step, of a list of pages; guarded by the manager's lock

	// held are the changes of the step under way, if told, of a list with joins. The manager's
	// lock guards them.
	held []optimist.EntityChange[T]
	told bool
}

const maxSplices = 256

// New makes a list, and fills it. Close it when it is no longer needed: until then each change
// in the store costs its upkeep.
func New[T any](s *optimist.Store[T], q Query[T]) (*List[T], error) {
	q.Order, q.Sums, q.Joins = slices.Clone(q.Order), slices.Clone(q.Sums), slices.Clone(q.Joins)
	for i, k := range q.Order {
		if k.extend == nil {
			return nil, errorf.New("%w: Order[%d] is no key; Asc and Desc make them of a function", optimist.ErrInvalid, i)
		}
	}
	for i, sum := range q.Sums {
		if sum == nil {
			return nil, errorf.New("%w: Sums[%d] is nil", optimist.ErrInvalid, i)
		}
	}
	for i, j := range q.Joins {
		if j == nil || !j.usable() {
			return nil, errorf.New("%w: Joins[%d] is empty; Join makes one of a store and a function", optimist.ErrInvalid, i)
		}
	}
	switch {
	case s == nil:
		return nil, errorf.New("%w: a list needs a store", optimist.ErrInvalid)
	case q.Limit < 0:
		return nil, errorf.New("%w: Limit must not be negative, and is %d", optimist.ErrInvalid, q.Limit)
	case q.First != nil && q.Pages == nil:
		return nil, errorf.New("%w: First needs Pages", optimist.ErrInvalid)
	case q.PageSize < 0 || q.PageSize > maxPage:
		return nil, errorf.New("%w: PageSize must be at most %d and not negative, and is %d", optimist.ErrInvalid, maxPage, q.PageSize)
	case q.PageSize > 0 && q.Pages == nil:
		return nil, errorf.New("%w: PageSize is %d, and Pages is nil", optimist.ErrInvalid, q.PageSize)
	case q.ServerOrder > CreationsLast:
		return nil, errorf.New("%w: ServerOrder must be CreationsFirst, CreationsLast or zero, not %d", optimist.ErrInvalid, q.ServerOrder)
	case q.ServerOrder != 0 && (q.Pages == nil || len(q.Order) > 0):
		return nil, errorf.New("%w: ServerOrder needs Pages, and no Order", optimist.ErrInvalid)
	}
	l := &List[T]{query: q, store: s, wake: make(chan struct{})}
	if q.Pages != nil {
		l.paged = newPaged[T]()
		if q.ServerOrder != 0 {
			l.paged.places = newPlaces(q.ServerOrder)
			l.query.places = l.paged.places
		}
	}
	l.core = core[T]{limit: q.Limit, byID: make(map[string]*entry[T]), sums: make([]int64, len(q.Sums))}
	var ix optimist.Index[T] = (*index[T])(l)
	switch {
	case len(q.Joins) > 0:
		ix = joining[T]{holder[T]{(*index[T])(l)}}
	case q.Pages != nil:
		ix = holder[T]{(*index[T])(l)}
	}
	if err := l.open(ix); err != nil {
		l.detach()
		return nil, err
	}
	return l, nil
}

func (l *List[T]) open(ix optimist.Index[T]) (err error) {
	if err = l.joinAll(); err != nil {
		return err
	}
	if l.attached, err = l.store.AddIndex(ix); err != nil {
		return err
	}
	for i, a := range l.others {
		if a.Manager() != l.attached.Manager() {
			return errorf.New("%w: Joins[%d] joins a store of another manager", optimist.ErrInvalid, i)
		}
	}
	if l.query.First != nil {
		if err := l.receiveFirst(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = true
	return l.err
}

// made reports whether New has made the list.
func (l *List[T]) made() bool { return l != nil && l.store != nil }

// index is the list as the manager sees it.
type index[T any] List[T]

// Changed asks the program first, and changes the list when nothing can go wrong any more.
func (x *index[T]) Changed(step uint64, changes []optimist.EntityChange[T]) {
	(*List[T])(x).take(step, changes)
}

func (l *List[T]) take(step uint64, changes []optimist.EntityChange[T]) {
	switch {
	case l.paged != nil:
		l.changedPaged(step, changes)
	case len(l.core.byID) == 0:
		l.fill(step, changes)
	default:
		l.changed(step, changes)
	}
}

// NewEra notes that the server began a new history in the step under way.
func (x *index[T]) NewEra(uint64) {
	if x.paged != nil {
		x.paged.newEra = true
	}
}

// decided is what the query says of an entity that has changed.
type decided[T any] struct {
	was   *entry[T]
	entry entry[T]
	in    bool
}

func (l *List[T]) changed(step uint64, changes []optimist.EntityChange[T]) {
	concerned := false
	for i := range changes {
		c := &changes[i]
		l.decided = append(l.decided, decided[T]{was: l.core.byID[c.ID]})
		d := &l.decided[i]
		d.in, l.scratch = l.query.decide(&d.entry, d.was, c, l.scratch)
		concerned = concerned || d.in || d.was != nil
	}
	l.mu.Lock()
	if concerned && !l.done {
		l.changeLocked(step, func() {
			for i := range l.decided {
				d := &l.decided[i]
				e := &d.entry
				if !d.in {
					e = nil
				}
				l.core.change(changes[i].ID, d.was, e, true)
			}
		})
	}
	l.mu.Unlock()
	l.decided = emptied(l.decided)
}

// emptied returns scratch for the next step, without the memory of a large one.
func emptied[E any](s []E) []E {
	if cap(s) > maxScratch {
		return nil
	}
	clear(s)
	return s[:0]
}

const maxScratch = 1024

// fill is changed of an empty list, which takes many rows at once.
func (l *List[T]) fill(step uint64, changes []optimist.EntityChange[T]) {
	var entries []*entry[T]
	for i := range changes {
		var e *entry[T]
		if e, l.scratch = l.query.entry(nil, &changes[i], l.scratch); e != nil {
			entries = append(entries, e)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(entries) == 0 || l.done:
	case l.watchers == 0:
		l.step, l.now = step, nil
		l.core.load(entries)
	default:
		l.changeLocked(step, func() {
			for _, e := range entries {
				l.core.set(e.row.ID, e)
			}
		})
	}
}

// changeLocked has change edit the core, and tells the watchers.
func (l *List[T]) changeLocked(step uint64, change func()) {
	total, sums, state := l.core.rope.n, l.core.sums, l.stateLocked()
	if l.core.tell = l.watchers > 0; l.core.tell {
		sums = slices.Clone(sums)
	}
	change()
	l.core.refresh()
	edits := l.core.edits
	l.core.edits = nil
	if l.core.tell && len(edits) == 0 && total == l.core.rope.n && slices.Equal(sums, l.core.sums) && state.same(l.stateLocked()) {
		return // beyond the window
	}
	l.step, l.now = step, nil
	if l.core.tell {
		l.tellLocked(Splice[T]{Step: step, Edits: edits})
	}
}

// Detached ends the list.
func (x *index[T]) Detached(err error) {
	l := (*List[T])(x)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(err)
	if l.opened && len(l.others) > 0 && errors.As(err, new(*optimist.PanicError)) {
		go l.detach() // the stores that go on; it ends when it has the manager's lock
	}
}

func (l *List[T]) endLocked(err error) {
	if !l.done {
		l.done, l.err = true, err
		l.stopLoadLocked(err)
		close(l.wake)
	}
}

func (l *List[T]) tellLocked(s Splice[T]) {
	s.Total, s.Sums, s.State = l.core.rope.n, slices.Clone(l.core.sums), l.stateLocked()
	if len(l.splices) == maxSplices {
		copy(l.splices, l.splices[1:])
		l.splices = l.splices[:maxSplices-1]
	}
	l.splices = append(l.splices, s)
	l.last++
	close(l.wake)
	l.wake = make(chan struct{})
}

// Rows are the rows now. It costs no copy of them.
func (l *List[T]) Rows() Rows[T] {
	if !l.made() {
		return Rows[T]{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rowsLocked()
}

func (l *List[T]) rowsLocked() Rows[T] {
	if l.now == nil {
		r := Rows[T]{step: l.step, blocks: l.core.rope.share(), n: l.core.rope.n, total: l.core.rope.n, sums: slices.Clone(l.core.sums), state: l.stateLocked()}
		if l.core.limit > 0 {
			r.n = min(r.n, l.core.limit)
		}
		l.now = &r
	}
	return *l.now
}

// Into has [optimist.Manager.Views] read the rows, so that several lists and views are of one
// moment.
func (l *List[T]) Into(to *Rows[T]) optimist.Into {
	switch {
	case !l.made():
		return optimist.Into{}
	case to == nil:
		return l.attached.Into(nil)
	}
	return l.attached.Into(func() func() {
		rows := l.Rows()
		return func() { *to = rows }
	})
}

// Watch ranges over splices: first a reset with the rows of that moment, then one for each
// step that changed the list, until ctx ends, the list ends, or the loop is left. A loop that
// falls behind by more than 256 splices gets a reset.
func (l *List[T]) Watch(ctx context.Context) iter.Seq[Splice[T]] {
	return func(yield func(Splice[T]) bool) {
		if ctx == nil || !l.made() {
			return
		}
		l.mu.Lock()
		l.watchers++
		next, seen := l.resetLocked(), l.last
		l.mu.Unlock()
		defer l.leave()
		for ctx.Err() == nil && yield(next) {
			var ok bool
			if next, seen, ok = l.next(ctx, seen); !ok {
				return
			}
		}
	}
}

func (l *List[T]) resetLocked() Splice[T] {
	rows := l.rowsLocked()
	return Splice[T]{Step: rows.step, Reset: true, Rows: rows, Total: rows.total, Sums: rows.sums, State: rows.state}
}

func (l *List[T]) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers--; l.watchers == 0 {
		l.splices = nil
	}
}

// next waits for the splice behind the one of the number seen.
func (l *List[T]) next(ctx context.Context, seen uint64) (Splice[T], uint64, bool) {
	for {
		l.mu.Lock()
		wake, done := l.wake, l.done
		behind := l.last - seen
		switch {
		case behind > uint64(len(l.splices)):
			s, last := l.resetLocked(), l.last
			l.mu.Unlock()
			return s, last, true
		case behind > 0:
			s := l.splices[uint64(len(l.splices))-behind]
			l.mu.Unlock()
			return s, seen + 1, true
		}
		l.mu.Unlock()
		if done {
			return Splice[T]{}, seen, false
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Splice[T]{}, seen, false
		}
	}
}

// Err is why the list has ended: a function of the query panicked, the manager was closed, or
// is broken. It is nil while the list goes on, and after Close.
func (l *List[T]) Err() error {
	if !l.made() {
		return errorf.New("%w: New has not made this list", optimist.ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close ends the list: its watchers end, and the store's changes cost nothing for it any more.
// Its rows stay as they are. A second Close does nothing.
func (l *List[T]) Close() {
	if !l.made() {
		return
	}
	l.detach()
	l.mu.Lock()
	l.endLocked(nil)
	l.mu.Unlock()
}
