package client_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/event"
)

const patience = 60 * time.Second

// quick is the library's policy with shorter waits.
var quick = optimist.Policy{
	Debounce: optimist.Debounce{Wait: 30 * time.Millisecond, MaxWait: 300 * time.Millisecond},
	Retry:    optimist.Retry{Base: 20 * time.Millisecond, Cap: 200 * time.Millisecond},
}

// startServer runs the real program in this process, on real TCP, without limits of rate.
func startServer(t *testing.T, args ...string) *engaged.Main {
	t.Helper()
	return engagedtest.Start(t, append([]string{"-rate", "-1"}, args...)...)
}

// setNetwork makes the network of everybody bad, or good again.
func setNetwork(t *testing.T, m *engaged.Main, rule fault.Rule) {
	t.Helper()
	if err := m.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: rule}); err != nil {
		t.Fatal(err)
	}
}

// device is one device of a user: a transport with its cookies, and a service that
// follows the server.
type device struct {
	*client.Service
	t     *testing.T
	wire  *counter
	posts []string // newest first
	link  chan client.Link
}

// counter counts the operations that leave, and those that came through.
type counter struct {
	client.Transport
	left, answered atomic.Int64
}

func (c *counter) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if r.Key == "" {
		return c.Transport.RoundTrip(ctx, r)
	}
	c.left.Add(1)
	a, err := c.Transport.RoundTrip(ctx, r)
	if err == nil && a.Status < 300 {
		c.answered.Add(1)
	}
	return a, err
}

// newDevice signs in and loads the feed. The network must be good.
func newDevice(t *testing.T, m *engaged.Main, user string, policy optimist.Policy) *device {
	t.Helper()
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{Transport: tr}
	if _, err := client.SignIn(t.Context(), c, user); err != nil {
		t.Fatal(err)
	}
	s, err := client.New(client.Options{Transport: c, User: user, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	d := &device{Service: s, t: t, wire: c, link: make(chan client.Link, 100)}
	feed, err := s.Load(t.Context(), "", 50)
	if err != nil {
		t.Fatal(err)
	}
	d.posts = feed.Posts
	ctx, stop := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		s.Follow(ctx, feed.After, func(l client.Link, _ error) {
			select {
			case d.link <- l:
			default:
			}
		})
	}()
	for l := range d.link { // so that no test sets a fault before the stream is there
		if l == client.Live {
			break
		}
	}
	t.Cleanup(func() {
		stop()
		<-followed
		over, cancel := context.WithCancel(context.Background())
		cancel()
		s.Close(over) // a test may leave operations unsettled
	})
	return d
}

// flush waits until everything is settled or parked.
func (d *device) flush() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	if err := d.Manager().Flush(ctx); err != nil {
		d.t.Fatalf("not everything settles: %v: %+v", err, d.Manager().Snapshot())
	}
}

// await waits until the post looks as the condition wants.
func (d *device) await(post, what string, ok func(optimist.View[client.Post]) bool) optimist.View[client.Post] {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	var last optimist.View[client.Post]
	for last = range d.Watch(ctx, post) {
		if ok(last) {
			return last
		}
	}
	d.t.Fatalf("%s never sees %s: %+v", d.User(), what, last)
	return last
}

// awaitEvent waits for an event of that kind about the operation's post.
func awaitEvent(t *testing.T, sub *optimist.Subscription, kind event.Kind) optimist.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for e := range sub.All(ctx) {
		if e.Kind == kind {
			return e
		}
	}
	t.Fatalf("no event %v", kind)
	return optimist.Event{}
}

// agrees checks that the user sees the state that the server holds.
func (d *device) agrees(m *engaged.Main, post string) {
	d.t.Helper()
	truth, err := m.Store().Truth(d.t.Context(), post, d.User())
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.await(post, "the server's version", func(v optimist.View[client.Post]) bool {
		return v.Version >= truth.Post.Version && v.Pending == v.Parked
	}).Value
	if p.Liked != truth.Liked || p.Saved != truth.Saved || p.LikesCount != truth.Post.Likes ||
		p.SavesCount != truth.Post.Saves || p.CommentsCount != truth.Post.Comments {
		d.t.Errorf("%s sees %+v, the server holds %+v liked %v saved %v", d.User(), p.PostState.Post, truth.Post, truth.Liked, truth.Saved)
	}
	if len(p.Comments) != len(truth.Comments) {
		d.t.Errorf("%s sees %d comments, the server holds %d", d.User(), len(p.Comments), len(truth.Comments))
	}
}
