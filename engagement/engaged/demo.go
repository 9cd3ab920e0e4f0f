package engaged

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// clock is the store's clock while the demo's past is being written. At other times it
// shows the zero time, so that the store uses its database's clock.
type clock struct {
	// mu guards the field below it.
	mu  sync.Mutex
	set time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

func (c *clock) turnTo(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = t
}

// demoPlan is the name under which the store keeps the beginning of the demo, in
// milliseconds since the Unix epoch, or notADemo.
const (
	demoPlan = "demo"
	notADemo = "no"
)

// seed fills a store that has never been used with the demo's posts, by the same
// operations that people make. It does not change any other store.
//
// After a failure the next seed goes on: all keys, ids and times follow from the time
// of the beginning, so that existing posts and comments are not made twice. The last
// post is made last of all; its existence tells that the demo is complete.
func seed(ctx context.Context, store engagement.Store, clock *clock) error {
	page, err := store.Posts(ctx, "", wire.Selection{}, wire.Cursor{}, 1)
	if err != nil {
		return err
	}
	plan := notADemo
	if at, ok := wire.ParsePosition(page.After); ok && at.Number == 0 {
		plan = strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	kept, err := store.Secret(ctx, demoPlan, []byte(plan))
	if err != nil || string(kept) == notADemo {
		return err
	}
	begun, err := strconv.ParseInt(string(kept), 10, 64)
	if err != nil {
		return err
	}
	defer clock.turnTo(time.Time{})
	s := seeder{ctx: ctx, store: store, clock: clock, begun: begun}
	if _, err := store.Truth(ctx, s.post(len(demoPosts)-1), ""); engagement.ErrorCode(err) != engagement.NotFound {
		return err
	}
	for n := range demoPosts {
		s.write(n)
	}
	return s.err
}

// seeder makes operations until one fails.
type seeder struct {
	ctx   context.Context
	store engagement.Store
	clock *clock
	begun int64 // as demoPlan
	made  int   // operations so far
	err   error
}

// id returns an id for a place in the order of the demo. kind distinguishes posts and
// comments.
func (s *seeder) id(kind, place int) string {
	return fmt.Sprintf("%08x-%04x-7%03x-8000-%012x", s.begun>>16, s.begun&0xffff, kind, place)
}

func (s *seeder) post(n int) string { return s.id(0, n) }

func (s *seeder) write(n int) {
	p, post := demoPosts[n], s.post(n)
	at := time.UnixMilli(s.begun).Add(-p.ago)
	s.apply(at, engagement.Operation{Kind: engagement.CreatePost, User: p.author, Post: post, Text: p.text})
	for i, user := range p.likes {
		s.apply(at.Add(time.Duration(3*i+2)*time.Minute), engagement.Operation{Kind: engagement.LikePost, User: user, Post: post})
	}
	for i, user := range p.saves {
		s.apply(at.Add(time.Duration(5*i+4)*time.Minute), engagement.Operation{Kind: engagement.SavePost, User: user, Post: post})
	}
	for i, c := range p.comments {
		s.apply(at.Add(time.Duration(9*i+6)*time.Minute), engagement.Operation{
			Kind: engagement.CreateComment, User: c.author, Post: post, Comment: s.id(1, s.made), Text: c.text,
		})
	}
}

func (s *seeder) apply(at time.Time, op engagement.Operation) {
	if s.err != nil {
		return
	}
	op.Key = "demo-" + strconv.Itoa(s.made)
	s.made++
	op.Stamp = engagement.Stamp{At: wire.NewStamp(at.UnixMilli(), 0), Client: "demo"}
	s.clock.turnTo(at)
	if _, err := s.store.Apply(s.ctx, op); err != nil {
		s.err = fmt.Errorf("%s by %s: %w", op.Kind, op.User, err)
	}
}
