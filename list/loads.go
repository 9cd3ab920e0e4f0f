package list

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/internal/errorf"
)

const (
	maxPage     = 1000
	defaultPage = 50
)

// closedError is an ErrClosed that does not say that the manager is closed.
type closedError string

func (e closedError) Error() string        { return "optimist: " + string(e) }
func (e closedError) Is(target error) bool { return target == optimist.ErrClosed }

// load is one page on its way. List.mu guards its fields behind done.
type load[T any] struct {
	top    bool     // of the first rows
	behind string   // the edge behind which it reads
	after  After[T] // the same for the program
	done   chan struct{}

	stop  context.CancelFunc
	by    *load[T] // the one that has taken its place
	err   error    // once it is done
	ended bool
}

// More loads the next page, or the first one, and returns when its rows are in the list. A load
// that fails is tried again as Policy.Retry of the manager says; then More returns its error,
// and State.Failed has it. At the end More does nothing.
//
// There is one load at a time: while one is under way More waits for that, and begins none. ctx
// ends the wait alone, so that one that has ended begins a load without waiting for it; the load
// goes on until Close, and More returns [optimist.ErrClosed] then. If a Refetch takes the place of
// the load, More returns with that one.
func (l *List[T]) More(ctx context.Context) error { return l.fetch(ctx, "More", false) }

// Refetch loads the first page anew, and returns as More does. It takes the place of a load
// under way. Pages behind it stay if the new one touches them; else they are dropped, because
// rows that nobody has told may lie between.
func (l *List[T]) Refetch(ctx context.Context) error { return l.fetch(ctx, "Refetch", true) }

func (l *List[T]) fetch(ctx context.Context, call string, top bool) error {
	switch {
	case !l.made():
		return l.Err()
	case ctx == nil:
		return errorf.New("%w: %s needs a context", optimist.ErrInvalid, call)
	case l.paged == nil:
		return errorf.New("%w: %s needs Query.Pages", optimist.ErrInvalid, call)
	}
	l.mu.Lock()
	if l.done {
		err := l.err
		l.mu.Unlock()
		if err == nil {
			err = closedError(call + " of a list that is closed")
		}
		return err
	}
	ld := l.load
	if top || ld == nil {
		if ld = l.nextLocked(top); ld == nil {
			l.mu.Unlock()
			return nil // the end
		}
		l.beginLocked(ld)
	}
	l.mu.Unlock()
	for ld != nil {
		select {
		case <-ld.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		l.mu.Lock()
		by, err := ld.by, ld.err
		l.mu.Unlock()
		if ld = by; ld == nil {
			return err
		}
	}
	return nil
}

// nextLocked is the load to begin, or nil at the end.
func (l *List[T]) nextLocked(top bool) *load[T] {
	ld := &load[T]{top: true, done: make(chan struct{})}
	if last := l.paged.ranges.last(); last != nil && !top {
		if last.open {
			return nil
		}
		ld.top, ld.behind = false, last.to
		ld.after, _ = last.tail.(After[T])
	}
	return ld
}

// beginLocked begins a load, in the place of the one under way.
func (l *List[T]) beginLocked(ld *load[T]) {
	if old := l.load; old != nil {
		old.by = ld
		l.endLoadLocked(old, nil)
	}
	ctx, stop := context.WithCancel(context.Background())
	ld.stop = stop
	l.load, l.failed = ld, nil
	l.stateChangedLocked()
	go l.run(ctx, ld)
}

// run loads a page. Its goroutine ends with the load.
func (l *List[T]) run(ctx context.Context, ld *load[T]) {
	err := error(&optimist.PanicError{In: "pages", Value: errGone})
	defer func() { // also when the program's function ends the goroutine
		l.mu.Lock()
		l.failLocked(ld, err)
		l.mu.Unlock()
	}()
	err = l.attached.Load(ctx, func(ctx context.Context) error {
		size := l.query.PageSize
		if size == 0 {
			size = defaultPage
		}
		for again := true; ; again = false {
			a, with := l.read(ld)
			page, err := l.query.Pages(ctx, ld.after, size)
			if err != nil {
				return err
			}
			a.page = page
			switch err = l.receive(a, with); {
			case !errors.Is(err, optimist.ErrNewEra):
				return optimist.Fail(optimist.Permanent, err)
			case !again: // a server that has not heard of the new history
				return err
			}
		}
	})
}

var errGone = errors.New("runtime.Goexit was called")

// read begins the read of a page. The page is to be received with the part that the list has then.
func (l *List[T]) read(ld *load[T]) (*arrival[T], optimist.With) {
	a := &arrival[T]{load: ld, told: make(map[string]bool)}
	with := l.attached.With(func(id func(string) string) {
		for _, row := range a.page.Rows {
			name := id(row.ID)
			a.names, a.told[name] = append(a.names, name), true
		}
		l.paged.arrived = a
	})
	l.mu.Lock()
	a.began = moment{time.Now(), l.paged.seen}
	l.mu.Unlock()
	return a, with
}

// receive has a page enter, its truths and the ranges in one step.
func (l *List[T]) receive(a *arrival[T], with optimist.With) error {
	rows := a.page.Rows
	switch {
	case len(rows) > maxPage:
		return errorf.New("%w: a page has %d rows, at most %d are allowed", optimist.ErrInvalid, len(rows), maxPage)
	case a.page.Total != nil && *a.page.Total < 0:
		return errorf.New("%w: a page has the total %d", optimist.ErrInvalid, *a.page.Total)
	}
	truths := make(map[string]optimist.Truth[T], len(rows))
	for i, row := range rows {
		if row.ID == "" || row.Truth.Presence != optimist.Present {
			return errorf.New("%w: row %d of a page needs an id and a value; the truth of %q is %v", optimist.ErrInvalid, i, row.ID, row.Truth.Presence)
		}
		if row.Truth.Version == 0 && row.Truth.ReadAt.IsZero() {
			row.Truth.ReadAt = a.began.at
		}
		truths[row.ID] = row.Truth
	}
	return l.store.ReceivePage(truths, with)
}

// receiveFirst has the list begin with the program's page.
func (l *List[T]) receiveFirst() error {
	a, with := l.read(&load[T]{top: true, done: make(chan struct{}), stop: func() {}})
	a.page, l.query.First = *l.query.First, nil
	return l.receive(a, with)
}

// stateLocked is how far the list is loaded.
func (l *List[T]) stateLocked() State {
	if l.paged == nil {
		return State{}
	}
	last := l.paged.ranges.last()
	return State{Loading: l.load != nil, Failed: l.failed, More: last == nil || !last.open, Misfit: l.paged.misfit, Total: l.paged.totals.now()}
}

// same reports whether states are the same but for errors, which may not be comparable.
func (s State) same(as State) bool {
	fits := (s.Misfit == nil) == (as.Misfit == nil)
	s.Failed, as.Failed, s.Misfit, as.Misfit = nil, nil, nil, nil
	return fits && s == as
}

// stateChangedLocked tells the watchers of another state with the same rows.
func (l *List[T]) stateChangedLocked() {
	l.now = nil
	if l.watchers > 0 {
		l.tellLocked(Splice[T]{Step: l.step})
	}
}

// failLocked ends a load that has brought no page, if it has not ended.
func (l *List[T]) failLocked(ld *load[T], err error) {
	if ld.ended {
		return
	}
	l.endLoadLocked(ld, err)
	if l.load == ld {
		l.load, l.failed = nil, err
		l.stateChangedLocked()
	}
}

func (l *List[T]) endLoadLocked(ld *load[T], err error) {
	ld.err, ld.ended = err, true
	ld.stop()
	close(ld.done)
}

// stopLoadLocked ends the load under way with the list.
func (l *List[T]) stopLoadLocked(err error) {
	if l.load == nil {
		return
	}
	if err == nil {
		err = closedError("the list was closed while it loaded a page")
	}
	l.endLoadLocked(l.load, err)
	l.load, l.now = nil, nil
}

// changedPaged is Changed of a list of pages. It asks the program first.
func (l *List[T]) changedPaged(step uint64, changes []optimist.EntityChange[T]) {
	p, a, newEra := l.paged, l.paged.arrived, l.paged.newEra
	p.arrived, p.newEra = nil, false
	defer func() { // also when the query panics
		l.news, l.pending = emptied(l.news), emptied(l.pending)
	}()
	for i := range changes {
		c := &changes[i]
		if p.places != nil && l.query.puts(c) {
			p.places.make(c.ID)
		}
		var e *entry[T]
		e, l.scratch = l.query.entry(p.was(c.ID), c, l.scratch)
		l.pending = append(l.pending, e)
		var n news
		n, l.scratch = l.query.news(c, e, l.scratch)
		n.united = isUnited(c, changes)
		l.news = append(l.news, n)
	}
	var keys []string
	var fit misfit
	if a != nil {
		fit, l.scratch = l.query.misfit(a, l.scratch)
		for i, row := range a.page.Rows {
			l.scratch = l.query.place(l.scratch[:0], a.names[i], row.Truth.Value)
			keys = append(keys, string(l.scratch))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return
	}
	if a != nil && a.load.ended {
		a = nil // another load has taken its place
	}
	p.seen++
	if a == nil && !newEra && !l.touchesLocked() {
		return
	}
	l.changeLocked(step, func() {
		if newEra {
			p.totals.outlive()
		}
		for i := range l.news {
			n := &l.news[i]
			p.since(n)
			p.reckon(n, a != nil && a.page.Total != nil && a.told[n.id])
			p.set(n.id, l.pending[i], n.fact)
		}
		if a != nil {
			err := stuck(a, keys)
			if err == nil {
				p.take(a, keys, fit, &l.core)
			}
			l.endLoadLocked(a.load, err)
			l.load, l.failed = nil, err
		}
		p.decideAll(&l.core)
	})
}

// isUnited reports whether an entity is told of for the last time, because another one of the step
// is the same.
func isUnited[T any](c *optimist.EntityChange[T], changes []optimist.EntityChange[T]) bool {
	if len(changes) < 2 || c.Before.Presence == optimist.NotLoaded || c.After.Presence != optimist.NotLoaded {
		return false
	}
	for i := range changes {
		if other := &changes[i]; other.ID != c.ID && other.ServerName() == c.ID {
			return true
		}
	}
	return false
}

// puts reports whether unsettled work of this client alone has an entity satisfy the query.
func (q *Query[T]) puts(c *optimist.EntityChange[T]) bool {
	value, leaves := c.After.Value, q.KeepLeaving && c.Leaving
	if leaves {
		value = c.Removed
	}
	if c.After.Pending == 0 || c.After.Presence != optimist.Present && !leaves || q.Where != nil && !q.Where(c.ID, value) {
		return false
	}
	_, after := c.Truth()
	return !q.has(c.ID, &after)
}

// touchesLocked reports whether the news of a step concern the list.
func (l *List[T]) touchesLocked() bool {
	for i, e := range l.pending {
		n := &l.news[i]
		if e != nil || l.paged.all[n.id] != nil || l.paged.leaves(n.id, n.fact) || n.appeared || n.placed || n.united || n.by != 0 || n.ahead != l.paged.totals.ahead[n.id] || l.paged.works[n.id].key != n.key || n.key != "" && n.again {
			return true
		}
	}
	return false
}

// holder is the index of a list of pages, whose rows cannot be forgotten.
type holder[T any] struct{ *index[T] }

// Holds reports whether the list has an entity, which would leave a hole in its ranges.
func (h holder[T]) Holds(id string) bool { return h.paged != nil && h.core.byID[id] != nil }
