package nethttp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestAnswersAreBounded: the largest page is taken, a larger answer is an error and not
// cut.
func TestAnswersAreBounded(t *testing.T) {
	for size, taken := range map[int]bool{0: true, 2 * wire.MaxPageBytes: true, 2*wire.MaxPageBytes + 1: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write(bytes.Repeat([]byte("x"), size))
		}))
		defer server.Close()
		transport, err := nethttp.New(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(t.Context(), client.Request{Method: "GET", Path: "/"})
		if taken != (err == nil) || taken && len(answer.Body) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(answer.Body), err)
		}
	}
}

// TestRetryAfterIsHeeded: a refused operation is not sent again before the time that the
// server asked for, even if the policy is quicker.
func TestRetryAfterIsHeeded(t *testing.T) {
	const post = "0190b3e1-7a00-7000-8000-000000000001"
	truth := wire.Truth{ID: post, Version: 1, State: &wire.PostState{Post: wire.Post{ID: post}, Comments: []wire.Comment{}}}
	attempts := make(chan time.Time, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := truth
		if r.Method == "PUT" {
			if attempts <- time.Now(); len(attempts) == 1 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			answer.Version, answer.State.Liked = 2, true
		}
		json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	transport, err := nethttp.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Options{Transport: transport, User: "zoe", Policy: optimist.Policy{
		Debounce: optimist.Debounce{Wait: optimist.NoDebounce}, Retry: optimist.Retry{Base: time.Millisecond, Cap: time.Millisecond},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.Refresh(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	tap, err := c.Likes.Set(t.Context(), post, true)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := tap.Wait(t.Context()); err != nil || !r.Success {
		t.Fatalf("%+v, %v", r, err)
	}
	if wait := -(<-attempts).Sub(<-attempts); wait < time.Second {
		t.Errorf("sent again after %v", wait)
	}
}

// TestRefusedStreamSaysWhenToComeBack: as any other answer does.
func TestRefusedStreamSaysWhenToComeBack(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	transport, err := nethttp.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	err = transport.Stream(t.Context(), "", "", func(client.Event) { t.Error("an event") })
	var refusal *client.Refusal
	if !errors.As(err, &refusal) || refusal.Problem.Status != 503 || refusal.Problem.RetryAfterMs != 7000 {
		t.Errorf("%v", err)
	}
}
