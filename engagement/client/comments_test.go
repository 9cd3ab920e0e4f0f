package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/wire"
)

// once never tries again, so that a failure is one at once.
func once() optimist.Policy {
	p := quick
	p.Retry.Next = func(int, error) (time.Duration, bool) { return 0, false }
	return p
}

func add(t *testing.T, d *device, post, text string) (string, *optimist.Handle) {
	t.Helper()
	id, h, err := d.Comments.Add(t.Context(), post, text)
	if err != nil {
		t.Fatal(err)
	}
	return id, h
}

func wait(t *testing.T, h *optimist.Handle) optimist.Result {
	t.Helper()
	r, err := h.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stored is a comment's text in the database, and whether it is there.
func stored(t *testing.T, m *engaged.Main, post, id string) (string, bool) {
	t.Helper()
	truth, err := m.Store().Truth(t.Context(), post, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range truth.Comments {
		if c.ID == id {
			return c.Text, true
		}
	}
	return "", false
}

func TestCommentLife(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	other := newDevice(t, server, "yan", quick)
	post := d.posts[0]
	id, h := add(t, d, post, "first")
	if c, ok := d.Post(post).Value.Comment(id); !ok || c.Text != "first" || c.Author != "zoe" || c.CreatedAt == 0 {
		t.Fatalf("not to be seen at once: %+v", c)
	}
	if r := wait(t, h); !r.Success() || r.Calls != 1 {
		t.Fatalf("%+v", r)
	}
	h, err := d.Comments.Edit(t.Context(), post, id, "second <b>")
	if err != nil {
		t.Fatal(err)
	}
	if wait(t, h); d.Post(post).Value.Comments[0].EditedAt == 0 {
		t.Error("the server does not say that it was edited")
	}
	other.await(post, "the edit", func(v optimist.View[client.Post]) bool {
		c, ok := v.Value.Comment(id)
		return ok && c.Text == "second <b>"
	})
	if _, err := other.Comments.Edit(t.Context(), post, id, "x"); !errors.Is(err, optimist.ErrGuard) {
		t.Errorf("somebody else edits: %v", err)
	}
	if _, err := other.Comments.Delete(t.Context(), post, id); !errors.Is(err, optimist.ErrGuard) {
		t.Errorf("somebody else deletes: %v", err)
	}
	if h, err = d.Comments.Delete(t.Context(), post, id); err != nil {
		t.Fatal(err)
	}
	if wait(t, h); len(d.Post(post).Value.Comments) != 0 {
		t.Error("the deleted comment is still there")
	}
	if _, err := d.Comments.Edit(t.Context(), post, id, "x"); !errors.Is(err, client.ErrNoComment) {
		t.Errorf("editing what is gone: %v", err)
	}
	d.agrees(server, post)
}

func TestCommentsFold(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	d.Manager().SetOnline(false)
	gone, h := add(t, d, post, "never mind")
	if _, err := d.Comments.Delete(t.Context(), post, gone); err != nil {
		t.Fatal(err)
	}
	kept, first := add(t, d, post, "helo")
	for _, text := range []string{"hello", "hello!"} {
		if _, err := d.Comments.Edit(t.Context(), post, kept, text); err != nil {
			t.Fatal(err)
		}
	}
	if c, _ := d.Post(post).Value.Comment(kept); c.Text != "hello!" {
		t.Errorf("%+v", c)
	}
	d.Manager().SetOnline(true)
	d.flush()
	if r := wait(t, h); r.Calls != 0 {
		t.Errorf("a comment that was deleted before it left: %+v", r)
	}
	if r := wait(t, first); r.Outcome != optimist.Superseded {
		t.Errorf("%+v", r)
	}
	if n := d.wire.left.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if text, ok := stored(t, server, post, kept); !ok || text != "hello!" {
		t.Errorf("the server has %q", text)
	}
	d.agrees(server, post)
}

func TestFailedComment(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", once())
	post := d.posts[0]
	fail := func(text string) string {
		t.Helper()
		setNetwork(t, server, fault.Rule{ServerError: 1})
		id, _ := add(t, d, post, text)
		d.await(post, "the failure", func(v optimist.View[client.Post]) bool { return v.Parked == 1 })
		if _, ok := d.Post(post).Value.Comment(id); !ok {
			t.Fatal("the failed comment is gone")
		}
		setNetwork(t, server, fault.Rule{})
		return id
	}

	retried := fail("again")
	if err := d.Comments.Retry(retried); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if text, _ := stored(t, server, post, retried); text != "again" {
		t.Errorf("retried: %q", text)
	}

	edited := fail("wrogn")
	if _, err := d.Comments.Edit(t.Context(), post, edited, "right"); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if text, _ := stored(t, server, post, edited); text != "right" {
		t.Errorf("edited: %q", text)
	}

	discarded := fail("no")
	if err := d.Comments.Discard(discarded); err != nil {
		t.Fatal(err)
	}
	deleted := fail("no either")
	if _, err := d.Comments.Delete(t.Context(), post, deleted); err != nil {
		t.Fatal(err)
	}
	d.flush()
	for _, id := range []string{discarded, deleted} {
		if _, ok := stored(t, server, post, id); ok {
			t.Error("the server has what was given up")
		}
		if _, ok := d.Post(post).Value.Comment(id); ok {
			t.Error("what was given up is still in view")
		}
		if err := d.Comments.Retry(id); err == nil {
			t.Error("what was given up can be retried")
		}
	}
	d.agrees(server, post)
}

func TestCommentOnDeletedPost(t *testing.T) {
	server := startServer(t)
	author := newDevice(t, server, "zoe", quick)
	d := newDevice(t, server, "yan", quick)
	post := engagement.NewID()
	_, err := server.Store().Apply(t.Context(), engagement.Operation{
		Key: "make", User: "zoe", Kind: engagement.CreatePost, Post: post, Text: "soon gone",
		Stamp: engagement.Stamp{At: 1 << 20, Client: "test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	there := func(v optimist.View[client.Post]) bool { return v.Presence == optimist.Present }
	author.await(post, "the post", there)
	d.await(post, "the post", there)
	d.Manager().SetOnline(false)
	_, comment := add(t, d, post, "nice")
	tap, err := d.Likes.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Store().Apply(t.Context(), engagement.Operation{
		Key: "delete", User: "zoe", Kind: engagement.DeletePost, Post: post,
		Stamp: engagement.Stamp{At: 2 << 20, Client: "test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Manager().SetOnline(true)
	if r := wait(t, comment); r.Outcome != optimist.RolledBack || r.Err == nil {
		t.Errorf("the comment: %+v", r)
	}
	if r := wait(t, tap.Handle); r.Outcome != optimist.RolledBack {
		t.Errorf("the like: %+v", r)
	}
	if v := d.Post(post); v.Presence != optimist.Absent || v.Pending != 0 {
		t.Errorf("%+v", v)
	}
	if _, _, err := d.Comments.Add(t.Context(), post, "x"); !errors.Is(err, optimist.ErrAbsent) {
		t.Errorf("a comment on what is gone: %v", err)
	}
}

// TestLostAnswer: the server has it, and nobody said so.
func TestLostAnswer(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	before, err := server.Store().Truth(t.Context(), post, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	setNetwork(t, server, fault.Rule{LoseAnswer: 1})
	id, _ := add(t, d, post, "once")
	if _, err := d.Likes.Toggle(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	d.flush() // the stream that was open before tells their results
	setNetwork(t, server, fault.Rule{})
	after, err := server.Store().Truth(t.Context(), post, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	if n := after.Post.Version - before.Post.Version; n != 2 || !after.Liked {
		t.Errorf("%d effects, want 2; liked %v", n, after.Liked)
	}
	if text, ok := stored(t, server, post, id); !ok || text != "once" {
		t.Errorf("%q", text)
	}
	if d.wire.answered.Load() != 0 {
		t.Error("an answer came through: the test tests nothing")
	}
	d.agrees(server, post)
}

func TestRefusedBeforeAnythingHappens(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	stranger, err := client.New(client.Options{Transport: d.wire})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close(t.Context())
	if _, err := stranger.Likes.Toggle(t.Context(), d.posts[0]); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("signed out: %v", err)
	}
	for _, text := range []string{"", " \n", "\x00", strings.Repeat("a", wire.MaxCommentText+1), "\xff"} {
		if _, _, err := d.Comments.Add(t.Context(), d.posts[0], text); err == nil {
			t.Errorf("the comment %.10q is taken", text)
		}
	}
	if _, err := d.Likes.Toggle(t.Context(), engagement.NewID()); !errors.Is(err, optimist.ErrNotLoaded) {
		t.Errorf("a post that was not loaded: %v", err)
	}
	if d.wire.left.Load() != 0 {
		t.Error("a call left")
	}
}

// TestUndoDeletedComment: before the deletion has left, nothing has happened; later the comment
// is written anew.
func TestUndoDeletedComment(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	id, h := add(t, d, post, "first")
	wait(t, h)
	was := d.Post(post)
	remove := func() *optimist.Handle {
		t.Helper()
		h, err := d.Comments.Delete(t.Context(), post, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, there := d.Post(post).Value.Comment(id); there {
			t.Error("still to be seen")
		}
		return h
	}
	h = remove()
	if _, err := h.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, h); r.Calls != 0 {
		t.Errorf("%d calls", r.Calls)
	}
	if now, _ := d.Post(post).Value.Comment(id); now != was.Value.Comments[0] || d.Post(post).Version != was.Version {
		t.Errorf("it was %+v, and is %+v", was.Value.Comments[0], now)
	}
	h = remove()
	d.Comments.SendDeletions(post)
	if tap, err := d.Likes.Toggle(t.Context(), post); err != nil {
		t.Fatal(err)
	} else if _, err := tap.Wait(t.Context()); err != nil { // which waits for no regret
		t.Fatal(err)
	}
	by, err := h.Undo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wait(t, by)
	list := d.Post(post).Value.Comments
	if len(list) != 1 || list[0].ID == id || list[0].Text != "first" {
		t.Fatalf("%+v", list)
	}
	if text, there := stored(t, server, post, list[0].ID); text != "first" {
		t.Errorf("the server has %q, %v", text, there)
	}
}
