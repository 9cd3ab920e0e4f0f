package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/fault"
)

// The tests of this file are the success criteria of the task that the library
// began with, one by one.

func TestSeed_NoRaceConditionsOnRapidInteractions(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Max = optimist.Forever
	setNetwork(t, server, fault.Rule{})
	var devices []*device
	for i := range 4 {
		devices = append(devices, newDevice(t, server, fmt.Sprintf("user%d", i/2), policy)) // two devices each
	}
	setNetwork(t, server, fault.Rule{JitterMs: 30, LoseRequest: 0.1, LoseAnswer: 0.1, Duplicate: 0.2})
	var people sync.WaitGroup
	for i, d := range devices {
		people.Go(func() {
			for n := range 60 {
				post := d.posts[(n+i)%3]
				switch n % 4 {
				case 0, 1:
					d.Likes.Toggle(t.Context(), post)
				case 2:
					d.Saves.Toggle(t.Context(), post)
				case 3:
					id, _, err := d.Comments.Add(t.Context(), post, fmt.Sprintf("%d from %d", n, i))
					if err != nil {
						t.Error(err)
					}
					if n%8 == 3 {
						d.Comments.Delete(t.Context(), post, id)
					}
				}
			}
		})
	}
	people.Wait()
	for _, d := range devices {
		d.flush()
	}
	setNetwork(t, server, fault.Rule{})
	for _, d := range devices {
		for _, post := range d.posts[:3] {
			d.agrees(server, post)
		}
	}
	if err := server.Store().Audit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSeed_GracefulHandlingOfNetworkIssues(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	for _, how := range []string{"no server", "told so"} {
		before := d.Post(post).Value.Liked
		if how == "no server" {
			setNetwork(t, server, fault.Rule{Offline: true})
		} else if err := d.Manager().SetOnline(false); err != nil {
			t.Fatal(err)
		}
		var taps []*client.LikeTap
		for range 3 {
			tap, err := d.Likes.Toggle(t.Context(), post)
			if err != nil {
				t.Fatal(err)
			}
			taps = append(taps, tap)
		}
		if d.Post(post).Value.Liked == before {
			t.Errorf("%s: the tap is not to be seen", how)
		}
		setNetwork(t, server, fault.Rule{})
		if err := d.Manager().SetOnline(true); err != nil {
			t.Fatal(err)
		}
		if r, err := taps[2].Wait(t.Context()); err != nil || !r.Success || r.IsLiked == before {
			t.Errorf("%s: %+v, %v", how, r, err)
		}
	}
	d.agrees(server, post)
}

func TestSeed_CleanStateEvenAfterFailures(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Max = 1
	policy.Retry.Next = func(n int, _ error) (time.Duration, bool) { return time.Millisecond, n <= 1 }
	d := newDevice(t, server, "zoe", policy)
	post := d.posts[0]
	before := d.Post(post).Value
	setNetwork(t, server, fault.Rule{ServerError: 1})
	d.Likes.Toggle(t.Context(), post)
	d.Saves.Toggle(t.Context(), post)
	id, _, err := d.Comments.Add(t.Context(), post, "hello")
	if err != nil {
		t.Fatal(err)
	}
	d.flush()
	v := d.Post(post)
	if v.Value.Liked != before.Liked || v.Value.Saved != before.Saved || v.Value.LikesCount != before.LikesCount {
		t.Errorf("%+v", v.Value.PostState.Post)
	}
	if _, ok := v.Value.Comment(id); !ok || v.Failed != 1 {
		t.Errorf("the failed comment does not wait for a decision: %+v", v)
	}
	if err := d.Comments.Discard(id); err != nil {
		t.Fatal(err)
	}
	setNetwork(t, server, fault.Rule{})
	d.agrees(server, post)
}

func TestSeed_LoggingForDebugging(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	sub := d.Manager().Subscribe(optimist.SubscribeOptions{})
	defer sub.Close()
	tap, err := d.Likes.Toggle(t.Context(), d.posts[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []optimist.EventKind{optimist.OpAccepted, optimist.OpSent, optimist.OpSettled} {
		if e := awaitEvent(t, sub, kind); e.ID != tap.Handle.ID() || e.Entity != client.EntityOf(d.posts[0]) || e.Args != nil {
			t.Errorf("%v: %+v", kind, e)
		}
	}
}

// TestSeed_AllOptimisticUpdatesUseTheManager: nothing can be changed but through
// the manager, and a closed manager takes nothing.
func TestSeed_AllOptimisticUpdatesUseTheManager(t *testing.T) {
	server := startServer(t)
	d := newDevice(t, server, "zoe", quick)
	post := d.posts[0]
	if err := d.Manager().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, likeErr := d.Likes.Toggle(t.Context(), post)
	_, saveErr := d.Saves.Toggle(t.Context(), post)
	_, _, addErr := d.Comments.Add(t.Context(), post, "x")
	_, editErr := d.Comments.Edit(t.Context(), post, engagement.NewID(), "x")
	_, deleteErr := d.Comments.Delete(context.Background(), post, engagement.NewID())
	for _, err := range []error{likeErr, saveErr, addErr, editErr, deleteErr} {
		if !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
	if d.wire.left.Load() != 0 {
		t.Error("a call left")
	}
}
