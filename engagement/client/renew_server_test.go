package client_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestResetOfManyPosts: hundreds of posts, under the rate that the server allows.
func TestResetOfManyPosts(t *testing.T) {
	m := startServer(t, "-rate", "0", "-db", "memory")
	for i := range 500 {
		if _, err := m.Store().Apply(t.Context(), engagement.Operation{
			Key: fmt.Sprint("many-", i), Kind: engagement.CreatePost, User: "wren", Post: engagement.NewID(), Text: "x",
			Stamp: engagement.Stamp{At: wire.NewStamp(1_700_000_000_000, uint16(i)), Client: "t"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(t.Context(), tr, "zoe"); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, tr)
	for cursor, more := "", true; more; more = cursor != "" {
		feed, err := c.Load(t.Context(), cursor, 100)
		if err != nil {
			t.Fatal(err)
		}
		cursor = feed.Next
	}
	followToLive(t, c, "1.1000000")
}

// TestServerWithAnotherDatabase: none of the known posts exists any more.
func TestServerWithAnotherDatabase(t *testing.T) {
	old, now := startServer(t), startServer(t, "-demo=false", "-db", "memory")
	before, err := nethttp.New(old.URL())
	if err != nil {
		t.Fatal(err)
	}
	after, err := nethttp.New(now.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range []client.Transport{before, after} {
		if _, err := client.SignIn(t.Context(), tr, "zoe"); err != nil {
			t.Fatal(err)
		}
	}
	tr := &moving{before}
	c := newClient(t, tr)
	feed, err := c.Load(t.Context(), "", 20)
	if err != nil {
		t.Fatal(err)
	}
	tr.Transport = after
	followToLive(t, c, feed.After)
	for _, post := range feed.Posts {
		if v := c.Post(post); v.Presence != optimist.Absent {
			t.Errorf("%s is still %v", post, v.Presence)
		}
	}
}

// moving is a transport behind which the server can change.
type moving struct{ client.Transport }

// followToLive follows until the link is live.
func followToLive(t *testing.T, c *client.Service, after string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	defer time.AfterFunc(patience, stop).Stop()
	live := false
	_, err := c.Follow(ctx, after, func(l client.Link, err error) {
		if live = l == client.Live; live {
			stop()
		}
	})
	if !live {
		t.Fatalf("never live: %v", err)
	}
}
