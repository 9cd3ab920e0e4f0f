package list_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// late has the server do as it is asked after a second, and answer after another one.
func (f *feed) late() {
	accept := f.answer
	f.answer = func(id string) (optimist.Truth[task], error) {
		time.Sleep(time.Second)
		told, err := accept(id)
		time.Sleep(time.Second)
		return told, err
	}
}

func (f *feed) total(l *list.List[task], when string, n int, exact bool) {
	f.Helper()
	equal(f.T, "total "+when, l.Rows().State().Total, list.Total{N: n, Known: true, Exact: exact})
}

// A page is read between the execution of a deletion and its answer: it has the total without
// the row, from which the deletion must not be taken once more.
func TestATotalHasNoRowThatItsPageHasLeftOut(t *testing.T) {
	for _, size := range []int{10, 2} { // all rows are told, or not
		inFeed(t, size, five, func(f *feed) {
			f.placed = true
			l := f.begun(f.open())
			f.late()
			h, err := f.remove.Execute(f.ctx, "b", "")
			must(t, err)
			f.total(l, "while the deletion is under way", 4, true)
			time.Sleep(1500 * time.Millisecond)
			must(t, l.Refetch(f.ctx))
			f.total(l, "that leaves the row out", 4, size == 10)
			_, err = h.Wait(f.ctx)
			must(t, err)
			f.total(l, "when it is answered", 4, true)
		})
	}
}

// Somebody else has deleted a row, as a page says; the push of it comes late or never, and this
// client deletes it as well.
func TestADeletionOfARowThatAPageHasLeftOutTakesNothing(t *testing.T) {
	for _, placed := range []bool{true, false} {
		inFeed(t, 10, five, func(f *feed) {
			f.placed = placed
			l, all := f.open(), f.list(list.Query[task]{Order: mostHours})
			f.follow(l)
			must(t, l.More(f.ctx))
			time.Sleep(time.Second)
			f.erase("b")
			gone := f.truth("b")
			must(t, l.Refetch(f.ctx))
			f.state(l, "a c d e")
			f.state(all, "a b c d e")
			f.total(l, "of a row that was left out", 4, true)
			f.m.SetOnline(false)
			h, err := f.remove.Execute(f.ctx, "b", "")
			must(t, err)
			f.total(l, "with a second deletion", 4, true)
			time.Sleep(time.Second)
			must(t, f.tasks.Receive("b", gone))
			f.total(l, "with the push of the first", 4, true)
			must(t, h.Cancel())
			f.total(l, "without the second", 4, true)
			f.state(l, "a c d e")
		})
	}
}

// A row that a page has left out comes back: it is one more.
func TestARowThatAPageHasLeftOutComesBack(t *testing.T) {
	for _, size := range []int{10, 3} {
		inFeed(t, size, five, func(f *feed) {
			f.placed = true
			l := f.begun(f.open())
			f.erase("b")
			must(t, l.Refetch(f.ctx))
			time.Sleep(time.Second)
			f.write("b", task{"again", 8})
			f.push("b")
			f.total(l, "of a row that came back", 5, size == 10)
			must(t, l.Refetch(f.ctx))
			f.total(l, "told anew", 5, true)
		})
	}
}

// Work on a row that a page has left out keeps the row, and counts it, until it ends.
func TestWorkOnARowThatAPageHasLeftOutCountsIt(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		f.m.SetOnline(false)
		h, err := f.set.Execute(f.ctx, "b", task{"mine", 20})
		must(t, err)
		f.erase("b")
		block := make(chan struct{})
		defer close(block)
		f.answer = func(string) (optimist.Truth[task], error) { <-block; return optimist.Truth[task]{}, errNo }
		f.m.SetOnline(true)
		must(t, l.Refetch(f.ctx))
		synctest.Wait()
		f.state(l, "b a c d e")
		f.total(l, "with the row", 5, true)
		must(t, h.Cancel())
		f.state(l, "a c d e")
		f.total(l, "without the work", 4, true)
	})
}

// The answer of a creation is lost, and a push has what somebody else made of the row since: it is
// later than a page that was read between, and which has the row already.
func TestATotalHasARowOnceThatItsPageHas(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		f.m.SetOnline(false)
		_, err := f.add.Execute(f.ctx, "x", task{"x", 4})
		must(t, err)
		f.write("x", task{"x", 4})
		f.slow = time.Second
		read := make(chan error)
		f.answer = func(string) (optimist.Truth[task], error) {
			time.Sleep(time.Minute)
			return f.truth("x"), nil
		}
		f.m.SetOnline(true)
		go func() { read <- l.Refetch(f.ctx) }()
		time.Sleep(time.Second / 2)
		f.write("x", task{"theirs", 6})
		must(t, f.tasks.Receive("x", f.truth("x")))
		must(t, <-read)
		f.state(l, "a b c x d e")
		f.total(l, "that has the row", 6, true)
		time.Sleep(2 * time.Minute)
		f.total(l, "when it is answered", 6, true)
	})
}

// Where one page has told all rows, a row that is pushed is new.
func TestATotalIsExactWhereOnePageHasToldAllRows(t *testing.T) {
	for _, size := range []int{10, 3} {
		inFeed(t, size, five, func(f *feed) {
			f.placed = true
			l := f.begun(f.open())
			must(t, l.More(f.ctx))
			f.write("x", task{"x", 6})
			f.push("x")
			f.total(l, "with a new row", 6, size == 10)
		})
	}
}
