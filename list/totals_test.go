package list_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// Somebody else's row, pushed where a page has told that there is none, is a new one: the total
// is never below the rows that are shown.
func TestATotalCountsWhatAppearsBetweenTheRows(t *testing.T) {
	known := func(n int, exact bool) list.Total { return list.Total{N: n, Known: true, Exact: exact} }
	inFeed(t, 10, map[string]int{"a": 9, "b": 7}, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		f.write("c", task{"theirs", 8})
		f.push("c")
		f.state(l, "a c b")
		equal(t, "all are loaded", l.Rows().State().Total, known(3, true))
		must(t, f.tasks.Receive("d", optimist.Gone[task](99)))
		equal(t, "another has gone", l.Rows().State().Total, known(3, true))
		must(t, l.Refetch(f.ctx))
		equal(t, "read anew", l.Rows().State().Total, known(3, true))
	})
	inFeed(t, 2, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		f.write("f", task{"theirs", 8})
		f.push("f")
		f.state(l, "a f b")
		equal(t, "between the rows", l.Rows().State().Total, known(6, false)) // or e has got likes
		f.write("e", task{"e", 2})
		f.push("e")
		f.state(l, "a f b")
		equal(t, "behind them", l.Rows().State().Total, known(6, false))
		must(t, l.Refetch(f.ctx))
		equal(t, "read anew", l.Rows().State().Total, known(6, true))
	})
}

// The row of a creation that waits for its answer is pushed under the id that the server has made:
// until that is known there are two rows, and then one.
func TestATotalCountsTwoThatAreOneOnce(t *testing.T) {
	inFeed(t, 10, map[string]int{"a": 9, "b": 7}, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		born := optimist.Register(f.tasks, optimist.Mutation[task, task]{
			Type: "born", Kind: optimist.Create, ServerID: true,
			Apply: func(_, v task) (task, error) { return v, nil },
			Send: func(_ context.Context, c optimist.Call[task]) (optimist.Truth[task], error) {
				f.write("s1", c.Args)
				told := f.truth("s1")
				told.ID = "s1"
				time.Sleep(time.Second)
				return told, nil
			},
		})
		h, err := born.Execute(f.ctx, "new", task{"mine", 8})
		must(t, err)
		time.Sleep(time.Second / 2)
		f.push("s1")
		f.state(l, "a new s1 b")
		equal(t, "two", l.Rows().State().Total.N, 4)
		_, err = h.Wait(f.ctx)
		must(t, err)
		synctest.Wait()
		f.state(l, "a new b")
		equal(t, "one", l.Rows().State().Total.N, 3)
	})
}
