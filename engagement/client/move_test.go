package client_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// tabOf opens a tab of ada's browser, offline, and loads the feed if nothing is stored. ids
// are those of the posts, or of the stored operations.
func tabOf(t *testing.T, tr client.Transport, j journal.Journal) (s *client.Service, ids []string) {
	t.Helper()
	s, err := client.New(client.Options{Transport: tr, User: "ada", ClientID: "browser", Policy: quick, Journal: j, Later: j == nil})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { crash(s) })
	s.Manager().SetOnline(false)
	if err := s.Restore(); err != nil {
		t.Fatal(err)
	}
	if stored := operations(s); len(stored) > 0 { // of which the feed names those that the server has
		return s, stored
	}
	feed, err := s.Load(t.Context(), "", 50)
	if err != nil {
		t.Fatal(err)
	}
	return s, feed.Posts
}

// crash ends a Service and leaves its operations unsettled.
func crash(s *client.Service) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	s.Close(over)
}

// operations are the ids of all that is unsettled, which are its idempotency keys.
func operations(s *client.Service) (ids []string) {
	for _, e := range s.Manager().Snapshot().Entities {
		for _, o := range e.Operations {
			ids = append(ids, o.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestMove: the second tab of a browser goes on with the journal of the first, which has
// crashed, and with all that it has done meanwhile.
func TestMove(t *testing.T) {
	m := startServer(t, "-demo")
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(t.Context(), tr, "ada"); err != nil {
		t.Fatal(err)
	}
	var disk memjournal.Disk
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	first, posts := tabOf(t, tr, j)
	post, other := posts[0], posts[1]
	second, _ := tabOf(t, tr, nil)
	if _, _, err := first.Comments.Add(t.Context(), post, "of the first"); err != nil {
		t.Fatal(err)
	}
	id, h, err := second.Comments.Add(t.Context(), other, "of the second")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Await(t.Context(), optimist.Journaled); err == nil {
		t.Error("a tab without a journal says that it stores")
	}
	if _, err := second.Comments.Edit(t.Context(), other, id, "of the second, edited"); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Likes.Toggle(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	mine, _, err := second.Posts.Write(t.Context(), "a post of the second")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Posts.Delete(t.Context(), mine); err != nil { // comes to nothing
		t.Fatal(err)
	}

	// The comment leaves, and is not answered.
	setNetwork(t, m, fault.Rule{LoseAnswer: 1})
	second.Manager().SetOnline(true)
	for arrived := false; !arrived; {
		truth, err := m.Store().Truth(t.Context(), other, "ada")
		if err != nil {
			t.Fatal(err)
		}
		arrived = slices.ContainsFunc(truth.Comments, func(c engagement.Comment) bool { return c.ID == id })
	}
	second.Manager().SetOnline(false)
	setNetwork(t, m, fault.Rule{})
	before, keys := second.Post(other), operations(second)
	if unknown := slices.ContainsFunc(second.Manager().Snapshot().Entities[0].Operations, func(o optimist.OpSnapshot) bool { return o.Calls > 0 }); !unknown {
		t.Fatal("the comment has been answered: the test tests nothing")
	}

	crash(first)
	if j, err = disk.Open(); err != nil {
		t.Fatal(err)
	}
	third, err := second.Move(j)
	if err != nil {
		t.Fatal(err)
	}
	defer crash(third)
	third.Manager().SetOnline(false)
	if err := third.Restore(); err != nil {
		t.Fatal(err)
	}
	if after := third.Post(other); !reflect.DeepEqual(after.Value, before.Value) || after.Version != before.Version {
		t.Errorf("after the move: %+v, before: %+v", after, before)
	}
	if c := third.Post(post).Value.Comments; len(c) == 0 || c[len(c)-1].Text != "of the first" {
		t.Error("what the first tab left behind is not there")
	}
	now := operations(third)
	for _, key := range keys {
		if !slices.Contains(now, key) {
			t.Errorf("of %v only %v are left", keys, now)
		}
	}
	if len(now) != len(keys)+1 {
		t.Errorf("%d operations, want %d and one", len(now), len(keys))
	}
	crash(third) // all of it is stored
	if j, err = disk.Open(); err != nil {
		t.Fatal(err)
	}
	last, got := tabOf(t, tr, j)
	if !slices.Equal(got, now) {
		t.Errorf("the journal holds %v, want %v", got, now)
	}
	last.Manager().SetOnline(true)
	if err := last.Manager().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	truth, err := m.Store().Truth(t.Context(), other, "ada")
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, c := range truth.Comments {
		if c.Text == "of the second, edited" {
			texts++
		}
	}
	if texts != 1 || truth.Liked != before.Value.Liked {
		t.Errorf("the server holds %d of the comments, liked %v", texts, truth.Liked)
	}
}

// TestMoveToADamagedJournal goes on in memory, and says so.
func TestMoveToADamagedJournal(t *testing.T) {
	m := startServer(t, "-demo")
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(t.Context(), tr, "ada"); err != nil {
		t.Fatal(err)
	}
	second, posts := tabOf(t, tr, nil)
	if _, _, err := second.Comments.Add(t.Context(), posts[0], "of the second"); err != nil {
		t.Fatal(err)
	}
	var disk memjournal.Disk
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write([]journal.Record{{Seq: 0, Data: []byte("no header")}}); err != nil {
		t.Fatal(err)
	}
	keys := operations(second)
	for range 2 {
		next, err := second.Move(j)
		if !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, journal.ErrClosed) || next == nil {
			t.Fatalf("%v, %v", next, err)
		}
		defer crash(next)
		next.Manager().SetOnline(false)
		if err := next.Restore(); err != nil {
			t.Fatal(err)
		}
		if got := operations(next); !slices.Equal(got, keys) {
			t.Errorf("%v are left of %v", got, keys)
		}
		second = next
	}
}
