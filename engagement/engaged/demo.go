package engaged

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// clock is the store's clock. It shows the real time, except while the demo's
// past is being written.
type clock struct {
	// mu guards the field below it.
	mu  sync.Mutex
	set time.Time // zero: the real time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set.IsZero() {
		return time.Now()
	}
	return c.set
}

func (c *clock) turnTo(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = t
}

// seed fills a store that has never been used with the demo's posts, by the same
// operations that people make. Any other store stays as it is.
func seed(ctx context.Context, store engagement.Store, clock *clock) error {
	position, err := store.Position(ctx)
	if err != nil || position > 0 {
		return err
	}
	now := time.Now()
	defer clock.turnTo(time.Time{})
	s := seeder{ctx: ctx, store: store, clock: clock}
	for _, p := range demoPosts {
		s.write(now.Add(-p.ago), p)
	}
	return s.err
}

// seeder makes operations until one fails.
type seeder struct {
	ctx   context.Context
	store engagement.Store
	clock *clock
	err   error
}

func (s *seeder) write(at time.Time, p demoPost) {
	post := engagement.NewID()
	s.apply(at, engagement.Operation{Kind: engagement.CreatePost, User: p.author, Post: post, Text: p.text})
	for i, user := range p.likes {
		s.apply(at.Add(time.Duration(3*i+2)*time.Minute), engagement.Operation{Kind: engagement.LikePost, User: user, Post: post})
	}
	for i, user := range p.saves {
		s.apply(at.Add(time.Duration(5*i+4)*time.Minute), engagement.Operation{Kind: engagement.SavePost, User: user, Post: post})
	}
	for i, c := range p.comments {
		s.apply(at.Add(time.Duration(9*i+6)*time.Minute), engagement.Operation{
			Kind: engagement.CreateComment, User: c.author, Post: post, Comment: engagement.NewID(), Text: c.text,
		})
	}
}

func (s *seeder) apply(at time.Time, op engagement.Operation) {
	if s.err != nil {
		return
	}
	op.Key = "demo-" + engagement.NewID()
	op.Stamp = engagement.Stamp{At: wire.NewStamp(at.UnixMilli(), 0), Client: "demo"}
	s.clock.turnTo(at)
	if _, err := s.store.Apply(s.ctx, op); err != nil {
		s.err = fmt.Errorf("%s by %s: %w", op.Kind, op.User, err)
	}
}
