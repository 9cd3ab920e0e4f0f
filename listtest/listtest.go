// Package listtest checks that the pages of a server fit a list's query.
package listtest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// mostRows bounds the rows that Check reads with one size of pages.
const mostRows = 10_000

// Check reads all pages of a query from the server, with several sizes of pages, and reports
// all in which they do not fit it:
//
//   - a row without id or value, or one that Query.Where refuses;
//   - rows that are not in the order of Query.Order and then of the ids, bytewise, within a page
//     or from one page to the next (not checked with Query.ServerOrder);
//   - a row that comes twice, or is skipped at some size of pages: cursors must neither double
//     nor skip;
//   - a page with more rows than were asked for, pages without end, and a total that is not
//     the number of rows.
//
// The server must stand still meanwhile and should have at least five rows, some of them with
// the same keys, because cursors go wrong there.
func Check[T any](t testing.TB, q list.Query[T]) {
	t.Helper()
	if q.Pages == nil {
		t.Errorf("listtest: the query has no Pages")
		return
	}
	size := max(q.PageSize, 50)
	whole := read(t, q, size)
	sorted(t, q, whole)
	if len(whole) < 2 {
		t.Errorf("listtest: the server has %d rows; with so few nothing can be seen", len(whole))
	}
	for _, n := range []int{1, 2, 3, max(len(whole)-1, 1), max(len(whole), 1)} {
		some := read(t, q, n)
		if !slices.Equal(ids(some), ids(whole)) {
			t.Errorf("listtest: pages of %d rows make another list than pages of %d:\n%q\n%q", n, size, ids(some), ids(whole))
		}
	}
}

// read reads all pages.
func read[T any](t testing.TB, q list.Query[T], size int) (rows []list.Told[T]) {
	t.Helper()
	var after list.After[T]
	seen := make(map[string]bool)
	for {
		page, err := q.Pages(context.Background(), after, size)
		if err != nil {
			t.Errorf("listtest: the page after %q of at most %d rows: %v", after.ID, size, err)
			return rows
		}
		if len(page.Rows) > size {
			t.Errorf("listtest: a page has %d rows, %d were asked for", len(page.Rows), size)
		}
		for i, row := range page.Rows {
			switch {
			case row.ID == "" || row.Truth.Presence != optimist.Present:
				t.Errorf("listtest: row %d of the page after %q needs an id and a value; the truth of %q is %v", i, after.ID, row.ID, row.Truth.Presence)
				return rows
			case seen[row.ID]:
				t.Errorf("listtest: row %q comes twice in pages of %d, again in the page after %q", row.ID, size, after.ID)
			case q.Where != nil && !q.Where(row.ID, row.Truth.Value):
				t.Errorf("listtest: Where refuses row %q of the page after %q", row.ID, after.ID)
			}
			seen[row.ID] = true
			rows = append(rows, row)
		}
		if page.End || len(page.Rows) == 0 && page.Next == "" {
			if page.Total != nil && *page.Total != len(rows) {
				t.Errorf("listtest: the total is %d, and pages of %d have %d rows", *page.Total, size, len(rows))
			}
			return rows
		}
		if after.Cursor = page.Next; len(page.Rows) > 0 {
			last := page.Rows[len(page.Rows)-1]
			after.ID, after.Value = last.ID, last.Truth.Value
		}
		if len(rows) > mostRows || len(page.Rows) == 0 && len(rows) == 0 {
			t.Errorf("listtest: pages of %d do not come to an end", size)
			return rows
		}
	}
}

// sorted compares the order of the rows with that of a list which knows them all.
func sorted[T any](t testing.TB, q list.Query[T], rows []list.Told[T]) {
	t.Helper()
	if q.ServerOrder != 0 {
		return
	}
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	store := optimist.NewStore[T](m, "row")
	for _, row := range rows {
		store.Receive(row.ID, optimist.TruthOf(row.Truth.Value, 0))
	}
	all, err := list.New(store, list.Query[T]{Where: q.Where, Order: q.Order})
	if err != nil {
		t.Errorf("listtest: %v", err)
		return
	}
	defer all.Close()
	now := all.Rows()
	for i, row := range rows {
		if i < now.Len() && now.At(i).ID != row.ID {
			t.Errorf("listtest: row %d of the server is %q, by the query it is %s", i, row.ID, describe(now.At(i)))
			return
		}
	}
}

func describe[T any](row list.Row[T]) string { return fmt.Sprintf("%q (%+v)", row.ID, row.View.Value) }

func ids[T any](rows []list.Told[T]) (ids []string) {
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}
