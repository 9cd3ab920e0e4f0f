package client_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
	"github.com/optimist-go/optimist/listtest"
)

// elsewhere carries out an operation of another device, at the server.
func elsewhere(t *testing.T, m *engaged.Main, op engagement.Operation) {
	t.Helper()
	op.Key, op.Stamp = engagement.NewID(), engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "elsewhere"}
	if _, err := m.Store().Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
}

var selections = []wire.Selection{
	{}, {Sort: wire.MostLiked},
	{Saved: true}, {Saved: true, Sort: wire.MostLiked},
	{Author: "ada"}, {Author: "ada", Sort: wire.MostLiked},
	{Author: "bob", Saved: true, Sort: wire.MostLiked},
}

// TestPagesFitTheLists: the server's pages of each selection are those that its list expects.
func TestPagesFitTheLists(t *testing.T) {
	m := startServer(t)
	for i := range 13 {
		author, id := []string{"ada", "bob"}[i%2], engagement.NewID()
		elsewhere(t, m, engagement.Operation{Kind: engagement.CreatePost, User: author, Post: id, Text: fmt.Sprint("post ", i)})
		for j := range i % 4 { // some have the same number of likes
			elsewhere(t, m, engagement.Operation{Kind: engagement.LikePost, User: fmt.Sprint("fan", j), Post: id})
		}
		if i%3 != 0 {
			elsewhere(t, m, engagement.Operation{Kind: engagement.SavePost, User: "eve", Post: id})
		}
	}
	d := newDevice(t, m, "eve", quick)
	for _, of := range selections {
		t.Run(of.Path("", 1), func(t *testing.T) { listtest.Check(t, d.QueryOf(of)) })
	}
}

// listOf is a list with its first page.
func (d *device) listOf(of wire.Selection) *list.List[client.Post] {
	d.t.Helper()
	l, err := d.List(of, client.ListOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { d.CloseList(l) })
	if err := l.More(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return l
}

// awaitRows waits until the rows of a list are so.
func awaitRows(t *testing.T, l *list.List[client.Post], what string, ok func(list.Rows[client.Post]) bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for range l.Watch(ctx) {
		if ok(l.Rows()) {
			return
		}
	}
	t.Fatalf("never: %s; %d rows, %+v", what, l.Rows().Len(), l.Rows().State())
}

// TestTotalsCountOnce: a save is counted once while it is pending and when it is settled, and so
// is a post; one of another device is counted when its truth comes.
func TestTotalsCountOnce(t *testing.T) {
	m := startServer(t)
	var posts []string
	for range 4 {
		posts = append(posts, engagement.NewID())
		elsewhere(t, m, engagement.Operation{Kind: engagement.CreatePost, User: "bob", Post: posts[len(posts)-1], Text: "hello"})
	}
	d := newDevice(t, m, "eve", quick)
	saved, mine := d.listOf(wire.Selection{Saved: true}), d.listOf(wire.Selection{Author: "eve"})
	expect := func(when string, l *list.List[client.Post], n int) {
		t.Helper()
		if s := l.Rows().State().Total; s.N != n || !s.Known || !s.Exact || l.Rows().Len() != n {
			t.Errorf("%s: %d rows, %+v, want %d", when, l.Rows().Len(), s, n)
		}
	}
	expect("at first", saved, 0)
	d.Manager().SetOnline(false)
	for _, post := range posts[:2] {
		if _, err := d.Saves.Toggle(t.Context(), post); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := d.Posts.Write(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	expect("pending", saved, 2)
	expect("pending", mine, 1)
	d.Manager().SetOnline(true)
	if err := d.Manager().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for l, n := range map[*list.List[client.Post]]int{saved: 2, mine: 1} {
		awaitRows(t, l, "all settled", func(r list.Rows[client.Post]) bool { // the answer may come after the stream
			if total := r.State().Total; total.N != n || r.Len() != n {
				t.Fatalf("settled: %d rows, %+v, want %d", r.Len(), total, n)
			}
			return r.State().Total.Exact
		})
	}
	elsewhere(t, m, engagement.Operation{Kind: engagement.SavePost, User: "eve", Post: posts[3]})
	awaitRows(t, saved, "the save of another device", func(r list.Rows[client.Post]) bool {
		return r.Len() == 3 && r.State().Total.N == 3
	})
	elsewhere(t, m, engagement.Operation{Kind: engagement.DeletePost, User: "bob", Post: posts[0]})
	awaitRows(t, saved, "the deletion", func(r list.Rows[client.Post]) bool { return r.Len() == 2 && r.State().Total.N == 2 })
	if err := saved.Refetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("read again", saved, 2)
}

// TestTotalsAmongReads: totals that are read while saves are on their way are right in the
// end, or say that they may not be.
func TestTotalsAmongReads(t *testing.T) {
	m := startServer(t)
	var posts []string
	for range 6 {
		posts = append(posts, engagement.NewID())
		elsewhere(t, m, engagement.Operation{Kind: engagement.CreatePost, User: "bob", Post: posts[len(posts)-1], Text: "hello"})
	}
	policy := quick
	policy.Debounce.Wait = optimist.NoDebounce
	d := newDevice(t, m, "eve", policy)
	saved := d.listOf(wire.Selection{Saved: true})
	for i := range 30 {
		if _, err := d.Saves.Toggle(t.Context(), posts[i%len(posts)]); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if err := saved.Refetch(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Manager().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := m.Store().Posts(t.Context(), "eve", wire.Selection{Saved: true}, wire.Cursor{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s := saved.Rows().State().Total; s.Exact && s.N != *page.Total {
			t.Fatalf("after %d saves: %+v, the server has %d", i+1, s, *page.Total)
		}
		if n := saved.Rows().Len(); n != *page.Total {
			t.Fatalf("after %d saves: %d rows, the server has %d", i+1, n, *page.Total)
		}
	}
}

// TestOwnPostIsFirst: a post that the server does not have yet is the first of the newest, even
// if this device's clock is slow.
func TestOwnPostIsFirst(t *testing.T) {
	m := startServer(t)
	elsewhere(t, m, engagement.Operation{Kind: engagement.CreatePost, User: "bob", Post: engagement.NewID(), Text: "hello"})
	d := newDevice(t, m, "eve", quick)
	l := d.listOf(wire.Selection{})
	before := l.Rows().Len()
	d.Manager().SetOnline(false)
	id, h, err := d.Posts.Write(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	later := engagement.NewID()
	elsewhere(t, m, engagement.Operation{Kind: engagement.CreatePost, User: "bob", Post: later, Text: "later"})
	awaitRows(t, l, "the later post", func(r list.Rows[client.Post]) bool { return r.Len() == before+2 })
	if first := l.Rows().At(0); first.ID != id || !first.View.Value.Unsent {
		t.Errorf("the first is %+v", first.View.Value.Post)
	}
	d.Manager().SetOnline(true)
	if _, err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := d.Post(id).Value; v.Unsent {
		t.Error("it is unsent when the server has it")
	}
}
