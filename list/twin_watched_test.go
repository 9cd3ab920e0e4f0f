package list_test

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// watched is a list, what it should have, and watchers that apply its splices.
type watched struct {
	name  string
	query list.Query[card]
	less  func(a, b list.Row[card]) int
	paper *paper                    // of a list of pages; else nil
	who   *list.Joined[card, human] // nil: it has no join
	list  *list.List[card]
	quick *follower
	slow  *follower
}

// found is all that a list should have.
type found struct {
	rows  []list.Row[card]
	total int
	sum   int64
	state list.State
}

// naive folds the query over the views.
func (b *board) naive(w *watched) (f found) {
	for id := range b.oracle.now {
		if row, truth, ok := b.candidate(w, id); ok && (w.paper == nil || b.known(w, row, truth)) {
			f.rows = append(f.rows, row)
			f.sum += int64(row.View.Value.Likes)
		}
	}
	slices.SortFunc(f.rows, w.order)
	f.total = len(f.rows)
	if n := w.query.Limit; n > 0 {
		f.rows = f.rows[:min(n, f.total)]
	}
	return f
}

// check compares a list and its watchers with the naive list.
func (b *board) check(w *watched, step int) error {
	want, rows := b.naive(w), w.list.Rows()
	got := found{total: rows.Total(), state: rows.State()}
	for i, row := range rows.All() {
		if at := rows.At(i); i != len(got.rows) || at != row {
			return fmt.Errorf("row %d is not the one that All has", i)
		}
		got.rows = append(got.rows, row)
	}
	if rows.Len() != len(got.rows) {
		return fmt.Errorf("length %d, of %d rows", rows.Len(), len(got.rows))
	}
	if len(w.query.Sums) > 0 {
		got.sum = rows.Sum(0)
	}
	// Loading and failed are the states of the calls, which the test makes and ends.
	if want.state = got.state; w.paper != nil {
		want.state.Total, want.state.More, want.state.Misfit = b.total(w), w.paper.more(), nil
	}
	if err := b.compare(w, got, want); err != nil {
		return err
	}
	w.quick.catchUp(w, rows)
	if err := b.compare(w, w.quick.found, want); err != nil {
		return fmt.Errorf("quick watcher: %w", err)
	}
	if step%1000 == 999 { // more splices than a list keeps
		w.slow.catchUp(w, rows)
		if err := b.compare(w, w.slow.found, want); err != nil {
			return fmt.Errorf("slow watcher: %w", err)
		}
	}
	return nil
}

func (b *board) compare(w *watched, got, want found) error {
	switch {
	case got.total != want.total:
		return fmt.Errorf("total %d, want %d; rows\n%+v\nwant\n%+v", got.total, want.total, got.rows, want.rows)
	case len(w.query.Sums) > 0 && got.sum != want.sum:
		return fmt.Errorf("sum %d, want %d", got.sum, want.sum)
	case got.state != want.state:
		return fmt.Errorf("state %+v, want %+v", got.state, want.state)
	case !slices.EqualFunc(got.rows, want.rows, func(a, b list.Row[card]) bool {
		return a.ID == b.ID && a.View == b.View && a.Leaving == b.Leaving
	}):
		return fmt.Errorf("rows\n%+v\nwant\n%+v", got.rows, want.rows)
	}
	for i := range got.rows {
		if w.who == nil {
			break
		}
		var joined optimist.View[human]
		if key := personOf("", got.rows[i].View.Value); key != "" {
			joined = b.people.View(key)
		}
		if joined.Presence == optimist.NotLoaded && joined.Pending == 0 {
			joined = optimist.View[human]{} // nothing is known of it
		}
		if who := w.who.Of(got.rows[i]); who != joined {
			return fmt.Errorf("row %+v is joined to %+v, not to %+v", got.rows[i], who, joined)
		}
	}
	return nil
}

// follower applies splices as fast as the test lets it.
type follower struct {
	found
	step   uint64
	resets int
	next   func() (list.Splice[card], bool)
	stop   func()
}

func follow(ctx context.Context, l *list.List[card]) *follower {
	f := &follower{}
	f.next, f.stop = iter.Pull(l.Watch(ctx))
	return f
}

// catchUp applies splices until the rows are of the same step. After each of them no row is
// missing or twice.
func (f *follower) catchUp(w *watched, rows list.Rows[card]) {
	for f.resets == 0 || f.step < rows.Step() || f.state != rows.State() {
		s, ok := f.next()
		if !ok {
			return
		}
		if s.Reset {
			f.resets++
		}
		f.rows, f.total, f.step, f.state = s.Apply(f.rows), s.Total, s.Step, s.State
		if len(s.Sums) > 0 {
			f.sum = s.Sums[0]
		}
		n := f.total
		if limit := w.query.Limit; limit > 0 {
			n = min(n, limit)
		}
		ids := make(map[string]bool)
		for _, row := range f.rows {
			ids[row.ID] = true
		}
		if len(f.rows) != n || len(ids) != n {
			panic(fmt.Sprintf("after the splice %+v there are %d rows and %d ids of %d", s, len(f.rows), len(ids), n))
		}
	}
}
