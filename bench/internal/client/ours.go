package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// user is the user who taps.
const user = "u1"

// ours uses typed operations as the README shows it: a toggle for the like, and
// one mutation for each change that adds up.
type ours struct {
	server  *server.Server
	manager *optimist.Manager
	posts   *optimist.Store[model.State]
	like    *optimist.Switch[model.State]
	change  *optimist.Action[model.State, model.Op]
}

func newOurs(s *server.Server, o Options) (Client, error) {
	opts := optimist.Options{
		// The workloads go beyond the default bounds of 1,000 and 100,000.
		MaxPerEntity: 20_000,
		MaxPending:   200_000,
	}
	if !o.Debounce {
		opts.Policy.Debounce = optimist.Debounce{Wait: optimist.NoDebounce}
	}
	if o.FastRetry {
		opts.Policy.Retry = optimist.Retry{Base: 10 * time.Millisecond, Cap: 80 * time.Millisecond}
	}
	m, err := optimist.New(opts)
	if err != nil {
		return nil, fmt.Errorf("new manager: %w", err)
	}
	c := &ours{server: s, manager: m}
	c.posts = optimist.NewStore(m, "post", optimist.StoreOptions[model.State]{Equal: model.Equal})
	c.like = optimist.RegisterToggle(c.posts, optimist.Toggle[model.State]{
		Type: "like",
		Get:  func(p model.State, _ string) bool { return p.Liked },
		Set: func(p model.State, _ string, on bool) model.State {
			p.Liked = on
			return p
		},
		Send: func(ctx context.Context, call optimist.Call[optimist.Switched]) (optimist.Truth[model.State], error) {
			return c.send(ctx, call.ID, call.Entity, model.Op{Kind: model.Set, On: call.Args.On})
		},
	})
	c.change = optimist.Register(c.posts, optimist.Mutation[model.State, model.Op]{
		Type:  "change",
		Apply: func(p model.State, op model.Op) (model.State, error) { return model.Apply(p, op), nil },
		Send: func(ctx context.Context, call optimist.Call[model.Op]) (optimist.Truth[model.State], error) {
			return c.send(ctx, call.ID, call.Entity, call.Args)
		},
	})
	return c, m.Err()
}

// send makes the call and classifies its error.
func (c *ours) send(ctx context.Context, key, entity string, op model.Op) (optimist.Truth[model.State], error) {
	t, err := c.server.Call(ctx, key, entity, op)
	switch {
	case err == nil:
		return truth(t), nil
	case errors.Is(err, server.ErrRefused):
		err = optimist.Fail(optimist.Permanent, err)
	case errors.Is(err, server.ErrNoAnswer):
		err = optimist.Fail(optimist.Unknown, err)
	}
	return optimist.Truth[model.State]{}, err
}

func truth(t server.Truth) optimist.Truth[model.State] {
	return optimist.TruthOf(t.State, t.Version)
}

func (c *ours) Load(ids []string) error {
	for _, id := range ids {
		if err := c.Receive(id, c.server.Truth(id)); err != nil {
			return err
		}
	}
	return nil
}

func (c *ours) Tap(id string, op model.Op) (Ticket, error) {
	var h *optimist.Handle
	var err error
	if op.Kind == model.Set {
		h, err = c.like.Set(context.Background(), id, user, op.On)
	} else {
		h, err = c.change.Execute(context.Background(), id, op)
	}
	if err != nil {
		return nil, err
	}
	return (*ticket)(h), nil
}

func (c *ours) View(id string) model.State { return c.posts.View(id).Value }

func (c *ours) Receive(id string, t server.Truth) error { return c.posts.Receive(id, truth(t)) }

func (c *ours) Flush() error { return c.manager.Flush(context.Background()) }

func (c *ours) Close() error {
	// Calls that the server still holds end now; nothing else needs to reach it.
	c.server.Open()
	if err := c.manager.ClearAll(); err != nil {
		return err
	}
	return c.manager.Close(context.Background())
}

type ticket optimist.Handle

func (t *ticket) Done() <-chan struct{} { return (*optimist.Handle)(t).Done() }

func (t *ticket) Fate() Fate {
	r, ended := (*optimist.Handle)(t).Result()
	switch {
	case !ended:
		return Open
	case r.Outcome == optimist.Confirmed:
		return Confirmed
	case r.Outcome == optimist.Superseded:
		return Replaced
	case errors.Is(r.Err, server.ErrRefused):
		return Refused
	}
	return GivenUp
}
