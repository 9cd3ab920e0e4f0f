package list_test

import (
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// Somebody else's row, pushed where a page has told that there is none, is a new one: the total
// is never below the rows that are shown.
func TestATotalCountsWhatAppearsBetweenTheRows(t *testing.T) {
	known := func(n int, exact bool) list.Total { return list.Total{N: n, Known: true, Exact: exact} }
	inFeed(t, 10, map[string]int{"a": 9, "b": 7}, func(f *feed) {
		f.placed = true
		l := f.open()
		f.follow(l)
		must(t, l.More(f.ctx))
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
		l := f.open()
		f.follow(l)
		must(t, l.More(f.ctx))
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
