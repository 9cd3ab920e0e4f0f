package listtest_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
	"github.com/optimist-go/optimist/listtest"
)

// server has numbers by id, in pages after a row.
type server struct {
	rows  map[string]int
	wrong string
}

func (s *server) pages(_ context.Context, after list.After[int], limit int) (page list.Page[int], err error) {
	ids := make([]string, 0, len(s.rows))
	for id := range s.rows {
		ids = append(ids, id)
	}
	less := func(a, b string) int { return cmp.Or(cmp.Compare(s.rows[b], s.rows[a]), cmp.Compare(a, b)) }
	if s.wrong == "order" {
		less = func(a, b string) int { return cmp.Or(cmp.Compare(s.rows[b], s.rows[a]), cmp.Compare(b, a)) }
	}
	slices.SortFunc(ids, less)
	total := len(ids)
	if page.Total = &total; s.wrong == "total" {
		total++
	}
	if s.wrong == "endless" {
		after = list.After[int]{}
	}
	for _, id := range ids {
		behind := after.ID == "" || less(after.ID, id) < 0
		switch {
		case s.wrong == "skips" && after.ID != "":
			behind = s.rows[id] < after.Value // the others of the same key are lost
		case s.wrong == "doubles" && after.ID != "":
			behind = s.rows[id] <= after.Value
		}
		if !behind {
			continue
		}
		if len(page.Rows) == limit && s.wrong != "long" {
			return page, nil
		}
		row := list.Told[int]{ID: id, Truth: optimist.TruthOf(s.rows[id], 1)}
		if s.wrong == "no value" {
			row.Truth.Presence = optimist.NotLoaded
		}
		page.Rows = append(page.Rows, row)
	}
	page.End = s.wrong != "endless"
	return page, nil
}

func query(wrong string) list.Query[int] {
	s := &server{rows: map[string]int{"a": 3, "b": 3, "c": 3, "d": 1, "e": 2}, wrong: wrong}
	q := list.Query[int]{Order: []list.Key[int]{list.Desc(func(_ string, n int) int { return n })}, Pages: s.pages}
	if wrong == "where" {
		q.Where = func(_ string, n int) bool { return n > 1 }
	}
	return q
}

// recorder is a test that is expected to fail.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.said = append(r.said, fmt.Sprintf(f, a...)) }

func TestCheckAcceptsAServerThatFits(t *testing.T) { listtest.Check(t, query("")) }

func TestCheckNamesEachFault(t *testing.T) {
	for wrong, want := range map[string]string{
		"order": "by the query it is", "total": "the total is", "skips": "make another list", "doubles": "comes twice",
		"endless": "comes twice", "long": "were asked for", "no value": "needs an id and a value", "where": "Where refuses",
	} {
		r := &recorder{TB: t}
		listtest.Check(r, query(wrong))
		if !strings.Contains(strings.Join(r.said, "\n"), want) {
			t.Errorf("%s: said %q", wrong, r.said)
		}
	}
	r := &recorder{TB: t}
	listtest.Check(r, list.Query[int]{})
	if len(r.said) != 1 {
		t.Errorf("without pages: said %q", r.said)
	}
}
