package client_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/event"
)

func write(t *testing.T, d *device, text string) (string, *optimist.Handle) {
	t.Helper()
	id, h, err := d.Posts.Write(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return id, h
}

func remove(t *testing.T, d *device, post string) *optimist.Handle {
	t.Helper()
	h, err := d.Posts.Delete(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPostLife(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	other := newDevice(t, server, "yan", quick)
	post, h := write(t, d, "hello <b>")
	if v := d.Post(post); v.Value.Text != "hello <b>" || v.Value.Author != "zoe" || v.Pending != 1 || v.Version != 0 {
		t.Fatalf("not to be seen at once: %+v", v)
	}
	if r := wait(t, h); !r.Success() || r.Calls != 1 {
		t.Fatalf("%+v", r)
	}
	other.await(post, "the post", func(v optimist.View[client.Post]) bool { return v.Value.Text == "hello <b>" })
	if _, err := other.Posts.Delete(t.Context(), post); !errors.Is(err, client.ErrNotYours) {
		t.Errorf("somebody else deletes: %v", err)
	}

	h = remove(t, d, post)
	if v := d.Post(post); v.Presence != optimist.Absent {
		t.Fatalf("still to be seen: %+v", v)
	}
	if err := h.Cancel(); err != nil {
		t.Fatal(err)
	}
	if v := d.Post(post); v.Value.Text != "hello <b>" || v.Pending != 0 {
		t.Fatalf("not back: %+v", v)
	}

	remove(t, d, post)
	d.flush()
	other.await(post, "that it is gone", func(v optimist.View[client.Post]) bool { return v.Presence == optimist.Absent })
	if _, err := server.Store().Truth(t.Context(), post, ""); err != nil {
		t.Error(err)
	}
}

// TestPostBeforeTheServerHasIt: operations on a post that is still on its way come
// after it.
func TestPostBeforeTheServerHasIt(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	d.Manager().SetOnline(false)
	post, _ := write(t, d, "from the train")
	if _, err := d.Likes.Toggle(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	id, _ := add(t, d, post, "and a comment")
	if v := d.Post(post); !v.Value.Liked || v.Value.LikesCount != 1 || len(v.Value.Comments) != 1 || v.Pending != 3 {
		t.Fatalf("%+v", v)
	}
	d.Manager().SetOnline(true)
	d.flush()
	if text, ok := stored(t, server, post, id); !ok || text != "and a comment" {
		t.Errorf("the comment: %q, %v", text, ok)
	}
	d.agrees(server, post)
}

func TestPostDeletedBeforeItLeft(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	d.Manager().SetOnline(false)
	post, h := write(t, d, "never mind")
	if _, err := d.Likes.Toggle(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	_, comment := add(t, d, post, "not this either")
	remove(t, d, post)
	if v := d.Post(post); v.Presence == optimist.Present || v.Pending != 0 {
		t.Errorf("%+v", v)
	}
	d.Manager().SetOnline(true)
	d.flush()
	for _, h := range []*optimist.Handle{h, comment} {
		if r := wait(t, h); r.Calls != 0 {
			t.Errorf("it left: %+v", r)
		}
	}
	if s := d.Manager().Snapshot(); s.Pending != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := server.Store().Truth(t.Context(), post, ""); engagement.ErrorCode(err) != engagement.NotFound {
		t.Errorf("the server knows it: %v", err)
	}
}

func TestPostWhoseAnswerIsLost(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	setNetwork(t, server, fault.Rule{LoseAnswer: 1})
	post, h := write(t, d, "once")
	events := d.Manager().Subscribe(optimist.SubscribeOptions{Entity: client.EntityOf(post)})
	defer events.Close()
	awaitEvent(t, events, event.Retrying)
	setNetwork(t, server, fault.Rule{})
	if r := wait(t, h); !r.Success() {
		t.Fatalf("%+v", r)
	}
	page, err := server.Store().Posts(t.Context(), "zoe", wire.Selection{}, wire.Cursor{}, 50)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range page.Truths {
		if p.Post.Text == "once" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it is there %d times", n)
	}
}

func TestPostsRefuseBadTexts(t *testing.T) {
	d := newDevice(t, startServer(t), "zoe", quick)
	for _, text := range []string{"", " \n", "a\x00", "\xff"} {
		if _, _, err := d.Posts.Write(t.Context(), text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := d.Posts.Delete(t.Context(), d.posts[0]); !errors.Is(err, client.ErrNotYours) {
		t.Errorf("a post of somebody else: %v", err)
	}
}
