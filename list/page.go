package list

import (
	"context"

	"github.com/optimist-go/optimist"
)

// Fetch is the program's function that asks the server for a page: the first limit rows of the
// query behind after. It is called without any lock, must return when ctx ends, and may be called
// again when it fails; its error is classified as that of a Send (see [optimist.Fail]).
type Fetch[T any] func(ctx context.Context, after After[T], limit int) (Page[T], error)

// After is the place behind which a page begins. The zero After is the top.
type After[T any] struct {
	// Cursor is the Page.Next of the page before; empty if it had none.
	Cursor string
	// ID and Value are the last row of the page before as the server told it, for servers whose
	// cursors are made of a row.
	ID    string
	Value T
}

// Page is an answer of the server: these rows, complete between the place after which they were
// asked for and the last of them, as of the moment at which the read began.
type Page[T any] struct {
	// Rows are in the order of the query. All are Present; at most 1,000. See State.Misfit.
	Rows []Told[T]
	// Next is the server's cursor of the next page, which nobody else reads. Empty: the next
	// page begins behind the last row. It should name a place in the order: with a number of rows
	// to leave out, a row that is deleted before the place makes the next page skip another one.
	Next string
	// End: the server has nothing behind this page. A page without rows says so as well, unless
	// its Next is another one than that behind which it was asked for.
	End bool
	// Total is the number of all rows of the query, loaded or not, at least 0. Nil: it is not told.
	Total *int
	// Position is the place in the server's feed as of which Total counts; see
	// [optimist.Truth].Position. 0: it is not told.
	Position uint64
}

// Told is a row as the server told it. Truth without a version counts as read when the fetch
// began, unless it has a ReadAt.
type Told[T any] struct {
	ID    string
	Truth optimist.Truth[T]
}

// State is how far a list of pages is loaded. Without pages it is zero.
type State struct {
	// Loading: a load is under way.
	Loading bool
	// Failed is why the last load has ended without a page, after all tries. It is nil again
	// when a load begins.
	Failed error
	// More: the server may have rows behind those loaded. False is the end.
	More bool
	// Misfit is how a page that was loaded does not fit the query: rows are not in its order, come
	// twice, or are not in Where. Server or query are wrong, which package listtest finds. The rows
	// are shown all the same, as far and in the order as the query has them, but where the order
	// is wrong further ones may be missing until their page comes, and a Refetch drops all pages
	// but the first. It wraps [optimist.ErrInvalid]. Nil: all pages fit.
	Misfit error
	Total  Total
}

// Total is the number of rows that the server has, corrected by this client's work: the number
// told with a page, plus all that has changed since, pending or settled.
type Total struct {
	N int
	// Known: the server has told a number. N is 0 until then.
	Known bool
	// Exact: each change of this client counts once, and so does each row that a push has brought.
	// It is false where nobody can say whether the server has counted a change: one that settled
	// without a position since the read began, one that was pending when the page came, or,
	// unless one page has told all rows, a pushed row of which nothing was known, because it may
	// have been beyond the loaded pages before, and a row that a page has left out, because it may
	// be there now.
	Exact bool
}
