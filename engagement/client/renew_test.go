package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// made is the truth of a post that was made at a time.
func made(id string, at int64, version uint64) wire.Truth {
	t := truth(id, version, int(version))
	t.State.CreatedAt = at
	return t
}

// awaitLive waits until the link is live for the nth time.
func awaitLive(t *testing.T, links <-chan client.Link, n int) {
	t.Helper()
	for late := time.After(time.Hour); n > 0; {
		select {
		case l := <-links:
			if l == client.Live {
				n--
			}
		case <-late:
			t.Fatal("never live")
		}
	}
}

func paths(s *script) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		all = append(all, r.Path)
	}
	return all
}

// TestResetIsSeenThrough: the first read fails, the stream breaks, its events go on; the
// missed posts are read nevertheless, once, and only then the link is live.
func TestResetIsSeenThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, fresh := newPost(), newPost(), newPost()
		s := &script{streams: []func(context.Context, func(client.Event)) error{
			burst(hello(1), message(wire.EventTruth, "2", made(a, 5, 1)), message(wire.EventTruth, "3", made(b, 4, 1))),
			burst(reset(50), message(wire.EventTruth, "51", made(b, 4, 3))),
			steady(hello(51)),
		}}
		reads := 0
		s.answer = func(r client.Request) (client.Response, error) {
			if reads++; reads == 1 {
				return client.Response{}, errors.New("lost")
			}
			if isPost(r, a) {
				return ok(made(a, 5, 9))
			}
			return ok(wire.Page{Posts: []wire.Truth{made(fresh, 9, 1), made(b, 4, 2)}})
		}
		c, links := follow(t, s, 1)
		awaitLive(t, links, 2)
		synctest.Wait()
		s.mu.Lock()
		if len(s.asked) < 3 || s.asked[2] != place(51) {
			t.Errorf("streams from %s", s.asked)
		}
		s.mu.Unlock()
		if c.Post(a).Version != 9 || c.Post(b).Version != 3 || c.Post(fresh).Version != 1 {
			t.Errorf("versions %d, %d and %d", c.Post(a).Version, c.Post(b).Version, c.Post(fresh).Version)
		}
		if all := paths(s); len(all) != 3 {
			t.Errorf("reads %q", all)
		}
	})
}

// TestResetReadsAsFarAsTheFeed: pages up to the oldest post that was loaded, then the posts
// that these did not contain; a post that the server does not have becomes absent, and so
// does a deleted one.
func TestResetReadsAsFarAsTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var posts []string
		for range 6 {
			posts = append(posts, newPost())
		}
		s := &script{streams: []func(context.Context, func(client.Event)) error{steady(reset(70))}}
		renewed := false
		deleted := made(posts[2], 97, 4)
		deleted.State = nil
		s.answer = func(r client.Request) (client.Response, error) {
			switch {
			case isPost(r, posts[1]):
				return refused(wire.Problem{Type: wire.ProblemNotFound, Status: 404})
			case isPost(r, posts[2]):
				return refused(wire.Problem{Type: wire.ProblemGone, Status: 410, Truth: &deleted})
			case strings.Contains(r.Path, "cursor=second"):
				return ok(wire.Page{Posts: []wire.Truth{made(posts[3], 96, 2), made(posts[4], 95, 2), made(posts[5], 94, 2)}, Next: "third"})
			case renewed:
				return ok(wire.Page{Posts: []wire.Truth{made(posts[0], 99, 2)}, Next: "second"})
			}
			renewed = true
			return ok(wire.Page{Posts: []wire.Truth{made(posts[0], 99, 1), made(posts[1], 98, 1), made(posts[2], 97, 1), made(posts[3], 96, 1), made(posts[4], 95, 1)}})
		}
		c := newClient(t, s)
		if _, err := c.Load(t.Context(), "", 5); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		after, _ := c.Follow(ctx, place(1), func(l client.Link, _ error) {
			if l == client.Live {
				stop()
			}
		})
		if after != place(70) {
			t.Errorf("goes on from %s", after)
		}
		if all := paths(s); len(all) != 5 {
			t.Errorf("reads %q", all)
		}
		for i, want := range []optimist.Presence{optimist.Present, optimist.Absent, optimist.Absent, optimist.Present, optimist.Present} {
			if v := c.Post(posts[i]); v.Presence != want || want == optimist.Present && v.Version != 2 {
				t.Errorf("post %d is %v, version %d", i, v.Presence, v.Version)
			}
		}
	})
}

// TestResetHeedsRetryAfter: the server says when to go on; that is later than a stream may
// be silent, and the stream goes on telling meanwhile. Posts that were read are not read
// again, not even by the next Follow.
func TestResetHeedsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPost(), newPost()
		s := &script{streams: []func(context.Context, func(client.Event)) error{
			steady(hello(1), message(wire.EventTruth, "2", made(a, 5, 1)), message(wire.EventTruth, "3", made(b, 5, 1))),
			func(ctx context.Context, take func(client.Event)) error {
				take(reset(50))
				for range 5 {
					time.Sleep(15 * time.Second)
					take(message(wire.EventBeat, "", struct{}{}))
				}
				take(message(wire.EventTruth, "51", made(b, 5, 7)))
				<-ctx.Done()
				return ctx.Err()
			},
			steady(hello(51)),
		}}
		var at []time.Time
		s.answer = func(r client.Request) (client.Response, error) {
			switch at = append(at, time.Now()); {
			case !strings.Contains(r.Path, "limit"):
				return ok(made(r.Path[len(r.Path)-36:], 5, 8))
			case len(at) < 3:
				return refused(wire.Problem{Type: wire.ProblemRate, Status: 429, RetryAfterMs: 60_000})
			}
			return ok(wire.Page{Posts: []wire.Truth{made(a, 5, 2)}})
		}
		c := newClient(t, s)
		run := func(from string, d time.Duration) string {
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(d, stop)
			after, _ := c.Follow(ctx, from, nil)
			return after
		}
		after := run(place(1), time.Second)
		if after = run(after, 90*time.Second); after != place(51) || c.Post(b).Version != 7 {
			t.Errorf("while the reads waited: position %s, version %d", after, c.Post(b).Version)
		}
		run(after, 35*time.Second)
		if c.Post(a).Version != 2 || c.Post(b).Version != 8 {
			t.Errorf("versions %d and %d", c.Post(a).Version, c.Post(b).Version)
		}
		if n := len(s.asked); n != 3 || len(at) != 4 || at[1].Sub(at[0]) < time.Minute || at[2].Sub(at[1]) < time.Minute {
			t.Errorf("%d streams, reads %q at %v", n, paths(s), at)
		}
	})
}
