package client_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// atOf is when the act was made that a request tells of, as the device has it.
func atOf(t *testing.T, r client.Request) wire.Stamp {
	t.Helper()
	var c wire.Change
	if err := json.Unmarshal(r.Body, &c); err != nil {
		t.Fatal(err)
	}
	return c.At
}

// TestTapIsLaterThanWhatItSaw: on a device whose clock is right, or slow by hours.
func TestTapIsLaterThanWhatItSaw(t *testing.T) {
	for _, slow := range []time.Duration{0, 4 * time.Minute, 6 * time.Hour, 3 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			seen := truth(newPost(), 3, 1)
			seen.ChangedAt = time.Now().Add(slow).UnixMilli()
			s := &script{}
			s.answer = func(r client.Request) (client.Response, error) {
				if r.Key == "" {
					return ok(wire.Page{Posts: []wire.Truth{seen}})
				}
				liked := truth(seen.ID, 4, 2)
				liked.ChangedAt, liked.State.Liked = seen.ChangedAt+1, true
				return ok(wire.Outcome{Truth: liked})
			}
			c := newClient(t, s)
			if _, err := c.Load(t.Context(), "", 20); err != nil {
				t.Fatal(err)
			}
			tap, err := c.Likes.Toggle(t.Context(), seen.ID)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := tap.Wait(t.Context()); err != nil || !r.Success {
				t.Fatalf("%+v, %v", r, err)
			}
			if at := atOf(t, s.requests[1]); at <= wire.NewStamp(seen.ChangedAt, 0xffff) {
				t.Errorf("slow by %v: the tap is of %d+%d, the change that it saw of %d", slow, at.Milliseconds(), at.Counter(), seen.ChangedAt)
			}
		})
	}
}

// TestTapAfterALostConflictIsLater: than the operation that won it, even when that is
// later than the change that the truth tells of.
func TestTapAfterALostConflictIsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post := newPost()
		winner := wire.Winner{At: wire.NewStamp(time.Now().Add(time.Hour).UnixMilli(), 7), Client: "another"}
		s := &script{}
		s.answer = func(r client.Request) (client.Response, error) {
			theirs := truth(post, 5, 0)
			theirs.ChangedAt = time.Now().UnixMilli()
			switch {
			case r.Key == "":
				return ok(wire.Page{Posts: []wire.Truth{truth(post, 3, 0)}})
			case atOf(t, r) <= winner.At:
				return refused(wire.Problem{Type: wire.ProblemConflict, Status: 409, Truth: &theirs, Winner: &winner})
			}
			theirs.Version, theirs.State.Liked, theirs.State.LikesCount = 6, true, 1
			return ok(wire.Outcome{Truth: theirs})
		}
		c := newClient(t, s)
		if _, err := c.Load(t.Context(), "", 20); err != nil {
			t.Fatal(err)
		}
		for _, wins := range []bool{false, true} {
			tap, err := c.Likes.Set(t.Context(), post, true)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := tap.Wait(t.Context()); err != nil || r.Success != wins || r.IsLiked != wins {
				t.Errorf("%+v, %v, want a success: %v", r, err, wins)
			}
		}
	})
}
