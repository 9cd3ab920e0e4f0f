package list

import (
	"cmp"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/internal/errorf"
)

// misfit is how a page does not fit the query.
type misfit struct {
	err   error // nil: it fits
	order bool  // it is not in order
}

// misfit looks at a page. The ids and values are those that the server told, so that its order is
// judged by the names that the server knows.
func (q *Query[T]) misfit(a *arrival[T], scratch []byte) (misfit, []byte) {
	ordered, after := q.places == nil, a.load.after
	last, before, found := "", after.ID, misfit{}
	if ordered && !a.load.top && after.ID != "" && after.Cursor == "" { // a cursor may be a number of rows
		scratch = q.place(scratch[:0], after.ID, after.Value)
		last = string(scratch)
	}
	if len(a.told) < len(a.names) {
		return misfit{errorf.New("%w: a page has one of its %d rows twice; "+remedy, optimist.ErrInvalid, len(a.names)), true}, scratch
	}
	for i, row := range a.page.Rows {
		if q.Where != nil && !q.Where(row.ID, row.Truth.Value) {
			found.err = cmp.Or(found.err, errorf.New("%w: row %d of a page, %q, does not satisfy Query.Where; "+remedy, optimist.ErrInvalid, i, row.ID))
		}
		if !ordered {
			continue
		}
		if scratch = q.place(scratch[:0], row.ID, row.Truth.Value); last != "" && string(scratch) <= last {
			return misfit{errorf.New("%w: row %d of a page, %q, is not behind %q in the order of the query; "+remedy, optimist.ErrInvalid, i, row.ID, before), true}, scratch
		}
		last, before = string(scratch), row.ID
	}
	return found, scratch
}

const remedy = "package listtest checks the pages of a server"

// stuck is the error of a page that ends where the one before does, and so would all others. keys
// are those of its rows.
func stuck[T any](a *arrival[T], keys []string) error {
	rows, after := a.page.Rows, a.load.after
	if a.load.top || a.page.End || len(rows) == 0 || rows[len(rows)-1].ID != after.ID || a.page.Next != after.Cursor || keys[len(keys)-1] != a.load.behind {
		return nil
	}
	return errorf.New("%w: the page behind %q ends with that row again, and so would all others; Query.Pages has to heed After, or to say End", optimist.ErrInvalid, after.ID)
}
