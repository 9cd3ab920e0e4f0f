package list_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// Two tasks swap places in one batch (TanStack/db#1444: the order is wrong until the answer): one
// splice, and the order is right at once.
func TestScript_TwoRowsSwapPlaces(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.begun(f.open())
		f.m.SetOnline(false)
		next, stop := l.Pull()
		defer stop()
		next()
		_, err := f.m.Batch(f.ctx, f.set.Plan("a", task{"a", 7}), f.set.Plan("b", task{"b", 9}))
		must(t, err)
		f.state(l, "b a c d e")
		if _, ok := next(); !ok {
			t.Error("no splice")
		}
		if _, ok := next(); ok {
			t.Error("two splices")
		}
		f.m.SetOnline(true)
		must(t, f.m.Flush(f.ctx))
		f.state(l, "b a c d e")
	})
}

// Rows move while a person scrolls, as offsets of Apollo and SWR never get right: one is in no page
// and appears when it is pushed, one is told by no page of its new place and follows its push.
func TestScript_RowsMoveBetweenPages(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		f.write("d", task{"d", 100})
		must(t, l.More(f.ctx))
		f.state(l, "a b c e")
		f.total(l, "that has the row of no page", 5, true)
		f.push("d")
		f.state(l, "d a b c e")
		equal(t, "total", l.Rows().State().Total.N, 5)
		f.write("a", task{"a", 0})
		f.push("a")
		f.state(l, "d b c e a")
		must(t, l.Refetch(f.ctx))
		f.state(l, "d b c e a")
		f.total(l, "told anew", 5, true)
	})
}

// The rows of a page are deleted here while it is on its way: the page brings none of them back,
// and the next one goes on behind it.
func TestScript_TheRowsOfAPageAreDeletedOnItsWay(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		f.placed = true
		f.push("c")
		f.push("d")
		l := f.begun(f.open())
		f.slow = 5 * time.Second
		read := make(chan error)
		go func() { read <- l.More(f.ctx) }()
		time.Sleep(time.Second)
		for _, id := range []string{"c", "d"} {
			h, err := f.remove.Execute(f.ctx, id, "")
			must(t, err)
			_, err = h.Wait(f.ctx)
			must(t, err)
		}
		must(t, <-read)
		f.state(l, "a b")
		f.total(l, "of a page from before", 3, true)
		must(t, l.More(f.ctx))
		f.state(l, "a b e")
		f.total(l, "of the last page", 3, true)
	})
}

// A row that is leaving is changed by others: out of the filter, in again at another place, and
// the deletion is taken back.
func TestScript_ALeavingRowLeavesTheFilter(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.list(list.Query[task]{
			Order: mostHours, Pages: f.fetch, KeepLeaving: true,
			Where: func(_ string, v task) bool { return v.Text != "done" },
		})
		f.follow(l)
		must(t, l.More(f.ctx))
		f.m.SetOnline(false)
		h, err := f.remove.Execute(f.ctx, "b", "")
		must(t, err)
		f.state(l, "a -b c d e")
		f.write("b", task{"done", 7})
		f.push("b")
		f.state(l, "a c d e")
		f.write("b", task{"b", 4})
		f.push("b")
		f.state(l, "a c -b d e")
		must(t, h.Cancel())
		f.state(l, "a c b d e")
	})
}

// Several rows are made offline, with ids of the server's (urql#1079: they flicker and double), and
// a page has them by those ids before the answers come.
func TestScript_OfflineRowsGetTheirIDs(t *testing.T) {
	inFeed(t, 10, map[string]int{"a": 1}, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		born := f.born()
		f.m.SetOnline(false)
		for i := range 3 {
			_, err := born.Execute(f.ctx, fmt.Sprint("new", i), task{fmt.Sprint("s", i), 10 - i})
			must(t, err)
		}
		f.state(l, "new0 new1 new2 a")
		f.total(l, "offline", 4, true)
		f.m.SetOnline(true)
		time.Sleep(1500 * time.Millisecond)
		must(t, l.Refetch(f.ctx))
		f.state(l, "new0 s0 new1 s1 new2 s2 a") // nobody has said that they are the same
		time.Sleep(time.Second)
		f.state(l, "new0 new1 new2 a")
		must(t, l.Refetch(f.ctx))
		f.state(l, "new0 new1 new2 a")
		f.total(l, "with ids", 4, true)
	})
}

// born makes tasks whose ids the server makes of their texts, after a second, and tells after two.
func (f *feed) born() *optimist.Action[task, task] {
	return optimist.Register(f.tasks, optimist.Mutation[task, task]{
		Type: "born", Kind: optimist.Create, ServerID: true,
		Apply: func(_, v task) (task, error) { return v, nil },
		Send: func(_ context.Context, c optimist.Call[task]) (optimist.Truth[task], error) {
			time.Sleep(time.Second)
			f.write(c.Args.Text, c.Args)
			time.Sleep(time.Second)
			told := f.truth(c.Args.Text)
			told.ID = c.Args.Text
			return told, nil
		},
	})
}
