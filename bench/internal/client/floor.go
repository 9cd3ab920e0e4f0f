package client

import (
	"context"
	"sync"
	"time"

	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// floor is the least work of any library: a mutex, a map write, and a timer that
// is set again by every tap (or, without debounce, a goroutine for the call).
// Nothing is ever rolled back, ordered or retried.
type floor struct {
	server   *server.Server
	debounce bool
	calls    sync.WaitGroup

	mu    sync.Mutex
	posts map[string]*floorPost
}

type floorPost struct {
	state model.State
	last  model.Op
	timer *time.Timer
}

func newFloor(s *server.Server, o Options) (Client, error) {
	return &floor{server: s, debounce: o.Debounce, posts: map[string]*floorPost{}}, nil
}

func (c *floor) Load(ids []string) error {
	for _, id := range ids {
		c.posts[id] = &floorPost{state: c.server.Truth(id).State}
	}
	return nil
}

func (c *floor) Tap(id string, op model.Op) (Ticket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.posts[id]
	p.state, p.last = model.Apply(p.state, op), op
	switch {
	case !c.debounce:
		c.calls.Go(func() { c.send(id, op) })
	case p.timer == nil:
		p.timer = time.AfterFunc(300*time.Millisecond, func() { c.send(id, p.last) })
	default:
		p.timer.Reset(300 * time.Millisecond)
	}
	return nil, nil
}

// send drops the answer: the floor knows nothing of rollback.
func (c *floor) send(id string, op model.Op) {
	_, _ = c.server.Call(context.Background(), "", id, op)
}

func (c *floor) View(id string) model.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posts[id].state
}

func (c *floor) Receive(id string, t server.Truth) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts[id].state = t.State
	return nil
}

func (c *floor) Flush() error {
	c.calls.Wait()
	return nil
}

func (c *floor) Close() error {
	c.mu.Lock()
	for _, p := range c.posts {
		if p.timer != nil {
			p.timer.Stop()
		}
	}
	c.mu.Unlock()
	c.server.Open()
	return nil
}
