package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// script is a server that is written down: each connection of its stream, and each
// answer. Every connection after the last stream of the script is silent.
type script struct {
	streams []func(ctx context.Context, take func(client.Event)) error
	answer  func(client.Request) (client.Response, error)

	// mu guards the fields below it.
	mu       sync.Mutex
	asked    []string // from where each stream was to begin
	at       []time.Time
	requests []client.Request
}

func (s *script) RoundTrip(_ context.Context, r client.Request) (client.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	return s.answer(r)
}

func (s *script) Stream(ctx context.Context, _ string, after string, take func(client.Event)) error {
	s.mu.Lock()
	s.asked, s.at = append(s.asked, after), append(s.at, time.Now())
	n := len(s.asked) - 1
	s.mu.Unlock()
	if n < len(s.streams) {
		return s.streams[n](ctx, take)
	}
	<-ctx.Done()
	return ctx.Err()
}

// burst is a connection whose events have come together, and which then ends.
func burst(events ...client.Event) func(context.Context, func(client.Event)) error {
	return func(_ context.Context, take func(client.Event)) error {
		for _, e := range events {
			take(e)
		}
		return errors.New("the stream ended")
	}
}

// steady is a connection that lasts after its events.
func steady(events ...client.Event) func(context.Context, func(client.Event)) error {
	return func(ctx context.Context, take func(client.Event)) error {
		for _, e := range events {
			take(e)
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

func message(name, number string, data any) client.Event {
	return client.Event{Name: name, ID: "1." + number, Data: encoded(data)}
}

// place is the position of that number in the only era.
func place(number int64) string { return wire.Position{Era: 1, Number: number}.String() }

func hello(after int64) client.Event {
	return client.Event{Name: wire.EventHello, Data: encoded(wire.Hello{After: place(after), Viewer: "zoe"})}
}

func reset(after int64) client.Event {
	return client.Event{Name: wire.EventReset, Data: encoded(wire.Hello{After: place(after), Viewer: "zoe"})}
}

func encoded(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func ok(v any) (client.Response, error) {
	return client.Response{Status: http.StatusOK, Body: encoded(v)}, nil
}

func refused(p wire.Problem) (client.Response, error) {
	return client.Response{Status: p.Status, Body: encoded(p)}, nil
}

// truth is a post with so many likes.
func truth(id string, version uint64, likes int) wire.Truth {
	return wire.Truth{ID: id, Version: version, ChangedAt: 1, State: &wire.PostState{
		Post: wire.Post{ID: id, Author: "x", Text: "t", CreatedAt: 1, LikesCount: likes}, Comments: []wire.Comment{}}}
}

// follow follows the script as zoe until the test ends. Links gets the reported
// states.
func follow(t *testing.T, s *script, after int64) (*client.Service, <-chan client.Link) {
	t.Helper()
	c := newClient(t, s)
	links := make(chan client.Link, 1000)
	ctx, stop := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		c.Follow(ctx, place(after), func(l client.Link, _ error) { links <- l })
	}()
	t.Cleanup(func() { stop(); <-followed })
	return c, links
}

func newClient(t *testing.T, transport client.Transport) *client.Service {
	t.Helper()
	c, err := client.New(client.Options{Transport: transport, User: "zoe", Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		c.Close(over)
	})
	return c
}

func newPost() string { return engagement.NewID() }

func isPost(r client.Request, id string) bool { return strings.HasSuffix(r.Path, "/"+id) }
