package list_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/list"
)

// A page that was read before the server began a new history is read again.
func TestAPageOfAnEarlierEraChangesNoRange(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		f.slow = 4 * time.Second
		l := f.open()
		f.follow(l)
		more := make(chan error)
		go func() { more <- l.More(f.ctx) }()
		time.Sleep(time.Second)
		f.write("x", task{"x", 10})
		must(t, f.m.NewEra(2))
		time.Sleep(4 * time.Second)
		f.state(l, "")
		equal(t, "loading", l.Rows().State().Loading, true)
		must(t, <-more)
		f.state(l, "x a")
		equal(t, "fetches", f.calls, 2)
	})
}

// A page may be the first to tell of a new history: it is of that one.
func TestAPageMayTellANewEra(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		calls := 0
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(context.Context, list.After[task], int) (list.Page[task], error) {
			calls++
			time.Sleep(4 * time.Second)
			told := f.truth("a")
			told.Era = 2
			return list.Page[task]{Rows: []list.Told[task]{{ID: "a", Truth: told}}, End: true}, nil
		}})
		f.follow(l)
		go func() {
			time.Sleep(time.Second)
			f.m.NewEra(2)
		}()
		must(t, l.More(f.ctx))
		f.state(l, "a")
		equal(t, "fetches", calls, 1)
	})
}

// Positions of one history say nothing about another one, where they start again.
func TestATotalOfAnEarlierEraIsNotExact(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		equal(t, "total", l.Rows().State().Total, list.Total{N: 5, Known: true, Exact: true})
		_, err := f.add.Execute(f.ctx, "w", task{"w", 8})
		must(t, err)
		synctest.Wait()
		equal(t, "after a change", l.Rows().State().Total, list.Total{N: 6, Known: true, Exact: true})
		must(t, f.m.NewEra(2))
		equal(t, "after a new era", l.Rows().State().Total, list.Total{N: 6, Known: true})
		f.mu.Lock()
		f.clock = 0 // positions that the total seems to contain
		f.mu.Unlock()
		_, err = f.add.Execute(f.ctx, "x", task{"x", 8})
		must(t, err)
		synctest.Wait()
		equal(t, "after another change", l.Rows().State().Total, list.Total{N: 7, Known: true})
		time.Sleep(time.Second)
		must(t, l.Refetch(f.ctx))
		equal(t, "told anew", l.Rows().State().Total, list.Total{N: 7, Known: true, Exact: true})
	})
}

// A server may not have heard of the new history: its pages say nothing.
func TestAPageThatNamesAnEarlierEraChangesNoRange(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		var era, calls atomic.Uint64
		era.Store(1)
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(context.Context, list.After[task], int) (list.Page[task], error) {
			calls.Add(1)
			told := f.truth("a")
			told.Era = era.Load()
			return list.Page[task]{Rows: []list.Told[task]{{ID: "a", Truth: told}}, End: true}, nil
		}})
		f.follow(l)
		must(t, f.m.NewEra(2))
		more := make(chan error)
		go func() { more <- l.More(f.ctx) }()
		synctest.Wait()
		f.state(l, "")
		equal(t, "loading", l.Rows().State().Loading, true)
		equal(t, "fetches at once", calls.Load(), 2)
		era.Store(2)
		must(t, <-more)
		f.state(l, "a")
		equal(t, "fetches", calls.Load(), 3)
	})
}

// The server may have something of which its restored history tells, where nothing was known.
func TestTheTotalOfAnEmptyListIsOfItsEra(t *testing.T) {
	inFeed(t, 2, nil, func(f *feed) {
		f.placed = true
		must(t, f.m.NewEra(1))
		l := f.begun(f.open())
		equal(t, "total", l.Rows().State().Total, list.Total{Known: true, Exact: true})
		must(t, f.m.NewEra(2))
		equal(t, "after a new era", l.Rows().State().Total, list.Total{Known: true})
		must(t, l.Refetch(f.ctx))
		equal(t, "told anew", l.Rows().State().Total, list.Total{Known: true, Exact: true})
		time.Sleep(time.Second)
		f.write("x", task{"x", 3})
		_, err := f.add.Execute(f.ctx, "w", task{"w", 8})
		must(t, err)
		equal(t, "with a creation", l.Rows().State().Total, list.Total{N: 1, Known: true, Exact: true})
	})
}

// Clocks are coarse: truth of the very moment at which a page was read is older than the page,
// also when its version is forgotten.
func TestANewEraBringsNoRowBack(t *testing.T) {
	inFeed(t, 5, five, func(f *feed) {
		l := f.begun(f.open())
		f.push("b")
		f.erase("b")
		must(t, l.Refetch(f.ctx))
		f.state(l, "a c d e")
		must(t, f.m.NewEra(2))
		f.state(l, "a c d e")
	})
}
