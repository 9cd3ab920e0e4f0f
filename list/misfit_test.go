package list_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A server orders text as a dictionary does, the query bytewise. No row is lost on that account,
// and State says it until a first page of pages in order has come.
func TestAPageThatIsNotInOrderIsShownAndSaid(t *testing.T) {
	inFeed(t, 10, map[string]int{"a": 1, "B": 1, "c": 1, "D": 1, "e": 1}, func(f *feed) {
		fold := strings.ToLower
		l := f.list(list.Query[task]{Order: byText, PageSize: 3, Pages: func(_ context.Context, after list.After[task], limit int) (page list.Page[task], _ error) {
			var ids []string
			for id := range f.has {
				if after.ID == "" || fold(id) > fold(after.ID) {
					ids = append(ids, id)
				}
			}
			slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(fold(a), fold(b)) })
			for _, id := range ids[:min(limit, len(ids))] {
				page.Rows = append(page.Rows, list.Told[task]{ID: id, Truth: f.truth(id)})
			}
			page.End = len(ids) <= limit
			return page, nil
		}})
		f.follow(l)
		says := func(misfit, rows string) {
			t.Helper()
			f.state(l, rows)
			switch err := l.Rows().State().Misfit; {
			case misfit == "" && err != nil || misfit != "" && !errors.Is(err, optimist.ErrInvalid):
				t.Errorf("misfit: %v", err)
			case misfit != "" && !strings.Contains(err.Error(), misfit):
				t.Errorf("misfit: %v, want %s", err, misfit)
			}
		}
		says("", "")
		must(t, l.More(f.ctx))
		says(`row 1 of a page, "B", is not behind "a"`, "B a c")
		must(t, l.More(f.ctx))
		says(`"D"`, "B D a c e")
		must(t, l.Refetch(f.ctx)) // in whose range D lies
		says(`"B"`, "B a c")
		must(t, l.More(f.ctx))
		says(`"D"`, "B D a c e")
		fold = func(s string) string { return s }
		must(t, l.Refetch(f.ctx))
		says("", "B D a")
		must(t, l.More(f.ctx))
		says("", "B D a c e")
		must(t, l.Refetch(f.ctx))
		says("", "B D a c e")
	})
}

var byText = []list.Key[task]{list.Asc(func(_ string, v task) string { return v.Text })}

// Pages are in order each, and not one behind the other.
func TestAPageBeforeTheEdgeIsSaid(t *testing.T) {
	inFeed(t, 10, map[string]int{"b": 1, "d": 1}, func(f *feed) {
		l := f.list(list.Query[task]{Order: byText, Pages: func(_ context.Context, after list.After[task], _ int) (list.Page[task], error) {
			id := map[string]string{"": "d", "d": "b"}[after.ID]
			return list.Page[task]{Rows: []list.Told[task]{{ID: id, Truth: f.truth(id)}}, End: id == "b"}, nil
		}})
		must(t, l.More(f.ctx))
		equal(t, "misfit", l.Rows().State().Misfit, nil)
		must(t, l.More(f.ctx))
		f.state(l, "b d")
		if err := l.Rows().State().Misfit; !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("misfit: %v", err)
		}
	})
}

// With a number of rows as the cursor a row that was inserted pushes another one into the next
// page, where it is told again: nothing is wrong with that.
func TestARowThatANumberOfRowsRepeatsIsNoMisfit(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		skip := map[string]int{"": 0, "2": 2, "4": 4}
		next := map[string]string{"": "2", "2": "4"}
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(_ context.Context, after list.After[task], _ int) (list.Page[task], error) {
			all, err := f.page(list.After[task]{}, 100)
			n := skip[after.Cursor]
			all.Next, all.Rows = next[after.Cursor], all.Rows[n:min(n+2, len(all.Rows))]
			all.End = all.Next == ""
			return all, err
		}})
		f.follow(l)
		must(t, l.More(f.ctx))
		f.write("top", task{"top", 99})
		must(t, l.More(f.ctx))
		f.state(l, "a b c")
		must(t, l.More(f.ctx))
		f.state(l, "a b c d e")
		equal(t, "misfit", l.Rows().State().Misfit, nil)
	})
}

func TestAPageWithARowTwiceOrOneThatWhereRefusesIsSaid(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		for _, order := range []list.ServerOrder{0, list.CreationsFirst} {
			for misfit, ids := range map[string][]string{"twice": {"a", "b", "a"}, "Query.Where": {"a", "c", "d"}} {
				l := f.list(list.Query[task]{
					ServerOrder: order,
					Where:       func(id string, _ task) bool { return id != "c" },
					Pages: func(context.Context, list.After[task], int) (page list.Page[task], _ error) {
						for _, id := range ids {
							page.Rows = append(page.Rows, list.Told[task]{ID: id, Truth: f.truth(id)})
						}
						return page, nil
					},
				})
				f.follow(l)
				must(t, l.More(f.ctx))
				equal(t, "rows", l.Rows().Len(), 2)
				if err := l.Rows().State().Misfit; !errors.Is(err, optimist.ErrInvalid) || !strings.Contains(err.Error(), misfit) {
					t.Errorf("%d: %v, want %s", order, err, misfit)
				}
				l.Close()
			}
		}
	})
}

// A server that does not heed After would tell the same rows for ever.
func TestAPageThatEndsWhereTheOneBeforeDoesIsAnError(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.list(list.Query[task]{Order: mostHours, PageSize: 2, Pages: func(_ context.Context, _ list.After[task], limit int) (list.Page[task], error) {
			return f.page(list.After[task]{}, limit)
		}})
		f.follow(l)
		must(t, l.More(f.ctx))
		err := l.More(f.ctx)
		if !errors.Is(err, optimist.ErrInvalid) || !strings.Contains(err.Error(), "After") {
			t.Error(err)
		}
		f.state(l, "a b")
		state := l.Rows().State()
		equal(t, "failed", state.Failed, err)
		equal(t, "more", state.More, true)
		equal(t, "loading", state.Loading, false)
		must(t, l.Refetch(f.ctx))
		f.state(l, "a b")
		equal(t, "failed", l.Rows().State().Failed, nil)
	})
}

// The last row of a page has moved behind all others since: the next page ends with it, too.
func TestAPageMayEndWithARowThatHasMovedThere(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.begun(f.open())
		f.write("b", task{"b", 4})
		must(t, l.More(f.ctx))
		f.state(l, "a c b")
		must(t, l.More(f.ctx))
		f.state(l, "a c b d e")
	})
}

// A server that filters behind its limit has pages without rows that are not the end.
func TestAPageWithoutRowsIsTheEndUnlessItsCursorGoesOn(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(_ context.Context, after list.After[task], _ int) (list.Page[task], error) {
			switch after.Cursor {
			case "":
				return list.Page[task]{Next: "1"}, nil
			case "1":
				return list.Page[task]{Rows: []list.Told[task]{{ID: "a", Truth: f.truth("a")}}, Next: "2"}, nil
			}
			return list.Page[task]{Next: "2"}, nil
		}})
		f.follow(l)
		for _, want := range []struct {
			rows string
			more bool
		}{{"", true}, {"a", true}, {"a", false}} {
			must(t, l.More(f.ctx))
			f.state(l, want.rows)
			equal(t, "more", l.Rows().State().More, want.more)
		}
	})
}

// No list is nothing to break a program with.
func TestANilListAndTheZeroListAreNone(t *testing.T) {
	m, _ := optimist.New(optimist.Options{})
	defer m.Close(context.Background())
	for _, l := range []*list.List[task]{nil, {}} {
		equal(t, "rows", l.Rows().Len(), 0)
		var rows list.Rows[task]
		for _, err := range []error{l.Err(), l.More(context.Background()), l.Refetch(context.Background()), m.Views(l.Into(&rows))} {
			if !errors.Is(err, optimist.ErrInvalid) {
				t.Error(err)
			}
		}
		for range l.Watch(context.Background()) {
			t.Error("a splice")
		}
		next, stop := l.Pull()
		if _, ok := next(); ok {
			t.Error("a splice")
		}
		stop()
		l.Close()
	}
}
