package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/sloglog"
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
		var taps []*client.Tap[client.LikeResult]
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
	if _, ok := v.Value.Comment(id); !ok || v.Parked != 1 {
		t.Errorf("the failed comment does not wait for a decision: %+v", v)
	}
	if err := d.Comments.Discard(id); err != nil {
		t.Fatal(err)
	}
	setNetwork(t, server, fault.Rule{})
	d.agrees(server, post)
}

// TestSeed_LoggingForDebugging reads the log of a like that fails for good, and of a
// comment that comes through.
func TestSeed_LoggingForDebugging(t *testing.T) {
	server := startServer(t)
	policy := quick
	policy.Retry.Next = func(n int, _ error) (time.Duration, bool) { return time.Millisecond, n <= 1 }
	d := newDevice(t, server, "zoe", policy)
	post := d.posts[0]
	var log bytes.Buffer
	stop := sloglog.Attach(d.Manager(), slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), sloglog.Options{})

	setNetwork(t, server, fault.Rule{ServerError: 1})
	like, err := d.Likes.Toggle(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	d.flush()
	setNetwork(t, server, fault.Rule{})
	_, comment, err := d.Comments.Add(t.Context(), post, "nobody else's business")
	if err != nil {
		t.Fatal(err)
	}
	d.flush()
	stop()

	got := make(map[string]string) // lines by operation
	for line := range strings.Lines(log.String()) {
		var l struct{ Level, Msg, ID, Entity, Error, Outcome string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.ID != "" && l.Entity != client.EntityOf(post) {
			t.Errorf("of another post: %s", line)
		}
		if l.Level != "DEBUG" && l.Error == "" {
			t.Errorf("without a reason: %s", line)
		}
		got[l.ID] += l.Level + " " + strings.TrimPrefix(l.Msg, "optimist: ") + " " + l.Outcome + "\n"
	}
	for h, want := range map[*optimist.Handle]string{
		like.Handle: "DEBUG accepted \nDEBUG sent \nINFO retrying \nDEBUG sent \nWARN rolled back rolled back\nDEBUG settled rolled back\n",
		comment:     "DEBUG accepted \nDEBUG sent \nDEBUG settled confirmed\n",
	} {
		if got[h.ID()] != want {
			t.Errorf("of the %s there is\n%swant\n%s", h.Type(), got[h.ID()], want)
		}
	}
	if strings.Contains(log.String(), "business") {
		t.Errorf("what people write is in the log:\n%s", &log)
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
	_, _, writeErr := d.Posts.Write(t.Context(), "x")
	_, _, addErr := d.Comments.Add(t.Context(), post, "x")
	_, editErr := d.Comments.Edit(t.Context(), post, engagement.NewID(), "x")
	_, deleteErr := d.Comments.Delete(context.Background(), post, engagement.NewID())
	for _, err := range []error{likeErr, saveErr, writeErr, addErr, editErr, deleteErr} {
		if !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
	if d.wire.left.Load() != 0 {
		t.Error("a call left")
	}
}
