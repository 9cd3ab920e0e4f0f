package list_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// TestPullGivesEverySplice: what is pulled at any pace, applied in order, is the rows.
func TestPullGivesEverySplice(t *testing.T) {
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	store := optimist.NewStore[int](m, "number")
	l, err := list.New(store, list.Query[int]{Order: []list.Key[int]{list.Desc(func(_ string, n int) int { return n })}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next, stop := l.Pull()
	s, ok := next()
	if !ok || !s.Reset {
		t.Fatalf("first: %+v, %v", s, ok)
	}
	var rows []list.Row[int]
	for pace, n := 1, 0; pace <= 600; pace *= 3 {
		for range pace {
			n++
			store.Receive(fmt.Sprint(n%40), optimist.TruthOf(n*7919%1000, uint64(n)))
		}
		for {
			s, ok := next()
			if !ok {
				break
			}
			rows = s.Apply(rows)
		}
		var got, want []string
		for _, row := range rows {
			got = append(got, row.ID)
		}
		for _, row := range l.Rows().All() {
			want = append(want, row.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("after %d changes at once: %q, want %q", pace, got, want)
		}
	}
	stop()
	stop()
	store.Receive("another", optimist.TruthOf(1, 1))
	if s, ok := next(); ok {
		t.Errorf("after stop: %+v", s)
	}
}

// TestFirstPage: a list begins with a page that the program has already, and goes on behind it.
func TestFirstPage(t *testing.T) {
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	m.SetOnline(false) // no load would begin
	store, total := optimist.NewStore[int](m, "number"), 4
	var asked []string
	l, err := list.New(store, list.Query[int]{
		First: &list.Page[int]{Rows: []list.Told[int]{{ID: "a", Truth: optimist.TruthOf(1, 1)}, {ID: "b", Truth: optimist.TruthOf(2, 1)}}, Next: "second", Total: &total},
		Pages: func(_ context.Context, after list.After[int], _ int) (list.Page[int], error) {
			asked = append(asked, after.Cursor+" "+after.ID)
			return list.Page[int]{Rows: []list.Told[int]{{ID: "c", Truth: optimist.TruthOf(3, 1)}}, End: true}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if rows := l.Rows(); rows.Len() != 2 || rows.State().Loading || !rows.State().More || rows.State().Total.N != 4 {
		t.Errorf("at once: %d rows, %+v", rows.Len(), rows.State())
	}
	m.SetOnline(true)
	if err := l.More(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := l.Rows(); rows.Len() != 3 || rows.State().More || len(asked) != 1 || asked[0] != "second b" {
		t.Errorf("then: %d rows, %+v, asked %q", rows.Len(), rows.State(), asked)
	}
	bad := list.Query[int]{First: &list.Page[int]{}}
	if _, err := list.New(store, bad); err == nil {
		t.Error("First without Pages is taken")
	}
	bad.Pages = func(context.Context, list.After[int], int) (list.Page[int], error) { return list.Page[int]{}, nil }
	bad.First.Rows = []list.Told[int]{{ID: "x"}}
	if _, err := list.New(store, bad); err == nil {
		t.Error("a First row without a value is taken")
	}
}
