package client_test

import (
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/event"
)

// The tests of this file are the testing requirements of the task that the library
// began with, one by one, on the real server over real TCP.

func TestSeed_DebouncingWorksCorrectly(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", optimist.Policy{Debounce: quick.Debounce})
	post := d.posts[0]
	before := d.Post(post).Value.LikesCount
	var last *client.Tap[client.LikeResult]
	for range 7 {
		tap, err := d.Likes.Toggle(t.Context(), post)
		if err != nil {
			t.Fatal(err)
		}
		last = tap
		if d.wire.left.Load() != 0 {
			t.Fatal("a call left in the middle of the burst")
		}
	}
	r, err := last.Wait(t.Context())
	if err != nil || r != (client.LikeResult{Success: true, IsLiked: true, LikesCount: before + 1}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := d.wire.left.Load(); n != 1 {
		t.Errorf("%d calls for seven taps, want 1", n)
	}
	for range 4 {
		d.Likes.Toggle(t.Context(), post)
	}
	d.flush()
	if n := d.wire.left.Load(); n != 1 {
		t.Errorf("%d calls after taps that change nothing, want still 1", n)
	}
	d.agrees(server, post)
}

func TestSeed_RetryHappensOnFailure(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	sub := d.Manager().Subscribe(optimist.SubscribeOptions{})
	defer sub.Close()
	setNetwork(t, server, fault.Rule{LoseRequest: 1})
	tap, err := d.Saves.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	awaitEvent(t, sub, event.Retrying)
	awaitEvent(t, sub, event.Retrying)
	if !d.Post(post).Value.Saved {
		t.Error("the save is not to be seen while it is tried again")
	}
	setNetwork(t, server, fault.Rule{})
	r, err := tap.Wait(t.Context())
	if err != nil || !r.Success || !r.IsSaved {
		t.Fatalf("%+v, %v", r, err)
	}
	d.agrees(server, post)
}

func TestSeed_RollbackCalledAfterMaxRetries(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Max = 2
	policy.Retry.Next = func(n int, _ error) (time.Duration, bool) { return time.Millisecond, n <= 2 }
	d := newDevice(t, server, "zoe", policy)
	post := d.posts[0]
	before := d.Post(post).Value
	setNetwork(t, server, fault.Rule{ServerError: 1})
	tap, err := d.Likes.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Post(post).Value.Liked {
		t.Fatal("the like is not to be seen")
	}
	r, err := tap.Wait(t.Context())
	if err != nil || r != (client.LikeResult{IsLiked: before.Liked, LikesCount: before.LikesCount}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := d.wire.left.Load(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
	d.agrees(server, post)
}

func TestSeed_CancelPendingWorks(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", optimist.Policy{Debounce: optimist.Debounce{Wait: time.Hour}})
	post := d.posts[0]
	tap, err := d.Likes.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	if n := d.Manager().PendingCount(client.EntityOf(post)); n != 1 {
		t.Fatalf("%d pending, want 1", n)
	}
	if err := tap.Handle.Cancel(); err != nil {
		t.Fatal(err)
	}
	if d.Post(post).Value.Liked || d.Manager().HasPending(client.EntityOf(post)) {
		t.Error("the cancelled like is still there")
	}
	d.Likes.Toggle(t.Context(), post)
	d.Saves.Toggle(t.Context(), post)
	if err := d.Manager().RollbackAll(client.EntityOf(post)); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if n := d.wire.left.Load(); n != 0 {
		t.Errorf("%d calls left for what was cancelled", n)
	}
	d.agrees(server, post)
}

func TestSeed_ConflictResolutionHandlesMismatches(t *testing.T) {
	server := startServer(t)
	phone := newDevice(t, server, "zoe", quick)
	slow := quick
	slow.Debounce = optimist.Debounce{Wait: time.Hour}
	laptop := newDevice(t, server, "zoe", slow)
	post := phone.posts[0]

	// "Already liked": both want the same.
	early, err := laptop.Likes.Set(t.Context(), post, true)
	if err != nil {
		t.Fatal(err)
	}
	tap, err := phone.Likes.Set(t.Context(), post, true)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := tap.Wait(t.Context()); err != nil || !r.Success {
		t.Fatal(r, err)
	}
	laptop.flush()
	if r, ok := early.Handle.Result(); !ok || !r.Success() {
		t.Errorf("already liked is not a success: %+v", r)
	}

	// The laptop's unlike was tapped first and arrives last: the phone's later taps win.
	old, err := laptop.Likes.Set(t.Context(), post, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{false, true} {
		tap, err := phone.Likes.Set(t.Context(), post, on)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := tap.Wait(t.Context()); err != nil || !r.Success {
			t.Fatal(r, err)
		}
	}
	if err := laptop.Refresh(t.Context(), post); err != nil { // it knows, and still wants its own
		t.Fatal(err)
	}
	laptop.flush()
	if r, ok := old.Handle.Result(); !ok || r.Conflict != optimist.TookTheirs || r.Success() {
		t.Errorf("the older tap: %+v", r)
	}
	for _, d := range []*device{phone, laptop} {
		d.agrees(server, post)
		if !d.Post(post).Value.Liked {
			t.Error("the later tap did not win")
		}
	}
}

func TestSeed_FullLikeUnlikeCycleWithFailures(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Max = optimist.Forever
	d := newDevice(t, server, "zoe", policy)
	post := d.posts[0]
	before, err := server.Store().Truth(t.Context(), post, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	rule, _ := fault.FindProfile("lossy")
	rule.Rule.LatencyMs, rule.Rule.JitterMs, rule.Rule.ServerError = 0, 20, 0.1
	setNetwork(t, server, rule.Rule)
	const cycles = 12
	for i := range 2 * cycles {
		tap, err := d.Likes.Toggle(t.Context(), post)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := tap.Wait(t.Context()); err != nil || !r.Success || r.IsLiked != (i%2 == 0) {
			t.Fatalf("tap %d: %+v, %v", i, r, err)
		}
	}
	setNetwork(t, server, fault.Rule{})
	d.agrees(server, post)
	after, err := server.Store().Truth(t.Context(), post, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Post.Version - before.Post.Version; got != 2*cycles || after.Post.Likes != before.Post.Likes {
		t.Errorf("%d effects and %d likes after %d taps; %d likes before", got, after.Post.Likes, 2*cycles, before.Post.Likes)
	}
	if d.wire.left.Load() == 2*cycles {
		t.Error("no attempt failed: the test tests nothing")
	}
}

func TestSeed_RapidTappingDoesNotBreakState(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Max = optimist.Forever
	d := newDevice(t, server, "zoe", policy)
	post := d.posts[0]
	setNetwork(t, server, fault.Rule{JitterMs: 60, LoseRequest: 0.2, LoseAnswer: 0.2})
	var fingers sync.WaitGroup
	for range 4 {
		fingers.Go(func() {
			for range 50 {
				if _, err := d.Likes.Toggle(t.Context(), post); err != nil {
					t.Error(err)
				}
				if _, err := d.Saves.Toggle(t.Context(), post); err != nil {
					t.Error(err)
				}
			}
		})
	}
	fingers.Wait()
	last, err := d.Likes.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	wanted := d.Post(post).Value.Liked
	d.flush()
	if r, err := last.Wait(t.Context()); err != nil || r.IsLiked != wanted {
		t.Errorf("%+v, %v, want liked %v", r, err, wanted)
	}
	setNetwork(t, server, fault.Rule{})
	d.agrees(server, post)
}

func TestSeed_MultipleEntitiesHandledCorrectly(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	other := newDevice(t, server, "yan", quick)
	for _, post := range d.posts {
		if _, err := d.Likes.Set(t.Context(), post, true); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Saves.Set(t.Context(), post, true); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Comments.Add(t.Context(), post, "on "+post); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Likes.Set(t.Context(), post, true); err != nil {
			t.Fatal(err)
		}
	}
	d.flush()
	other.flush()
	for _, post := range d.posts {
		d.agrees(server, post)
		other.agrees(server, post)
		p := d.Post(post).Value
		if c := p.Comments[len(p.Comments)-1]; !p.Liked || !p.Saved || c.Text != "on "+post || c.PostID != post {
			t.Errorf("%s: %+v", post, p)
		}
	}
	if n := d.Manager().Snapshot(); n.Pending != 0 || len(n.Entities) != 0 {
		t.Errorf("something is left: %+v", n)
	}
}
