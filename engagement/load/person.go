package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
)

// person is one client. Its fields belong to the goroutine that runs it.
type person struct {
	service *client.Service
	ledger  *ledger
	posts   []string
	after   int64
	events  *optimist.Subscription
	seen    events

	taps     []time.Duration // how long each call took to make the change visible
	settling []tapped
	comments []written // its own, that may still be there
}

type tapped struct {
	at     time.Time
	handle *optimist.Handle
}

type written struct{ post, id string }

// events is what a client's manager did.
type events struct {
	taps, calls, sent, retries, conflicts, rollbacks, missed int
	// applied has the operations that the server carried out, as far as the client
	// knows. One that it refused because all was so already had no effect.
	applied   map[string]bool
	alreadySo map[string]bool
	settled   map[string]time.Time
	successor map[string]string
}

func newPerson(ctx context.Context, c *Config, n int) (*person, error) {
	t, err := nethttp.New(c.URL)
	if err != nil {
		return nil, err
	}
	l := newLedger(t)
	user := fmt.Sprintf("load%d", n/c.Devices)
	if _, err := client.SignIn(ctx, l, user); err != nil {
		return nil, err
	}
	s, err := client.New(client.Options{Transport: l, User: user, Policy: c.Policy})
	if err != nil {
		return nil, err
	}
	feed, err := s.Load(ctx, "", min(c.Posts, 100))
	if err != nil {
		return nil, err
	}
	if len(feed.Posts) == 0 {
		return nil, fmt.Errorf("the server has no posts to tap on")
	}
	return &person{
		service: s, ledger: l, posts: feed.Posts, after: feed.After,
		events: s.Manager().Subscribe(optimist.SubscribeOptions{Buffer: 1 << 20}),
		seen:   events{applied: make(map[string]bool), alreadySo: make(map[string]bool), settled: make(map[string]time.Time), successor: make(map[string]string)},
	}, nil
}

// tapOften makes n taps with pauses, and tells each.
func (p *person) tapOften(ctx context.Context, n int, think time.Duration, told func()) error {
	for range n {
		if think > 0 {
			select {
			case <-time.After(time.Duration(rand.ExpFloat64() * float64(think))):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := p.tap(ctx); err != nil {
			return err
		}
		told()
	}
	return nil
}

// tap does what people do: mostly likes, some saves, now and then a comment, which
// is sometimes edited and sometimes deleted.
func (p *person) tap(ctx context.Context) error {
	post := p.posts[rand.IntN(len(p.posts))]
	began := time.Now()
	var h *optimist.Handle
	var err error
	switch dice := rand.IntN(100); {
	case dice < 60:
		var tap *client.LikeTap
		if tap, err = p.service.Likes.Toggle(ctx, post); err == nil {
			h = tap.Handle
		}
	case dice < 85:
		var tap *client.SaveTap
		if tap, err = p.service.Saves.Toggle(ctx, post); err == nil {
			h = tap.Handle
		}
	case dice < 93 || len(p.comments) == 0:
		var id string
		id, h, err = p.service.Comments.Add(ctx, post, fmt.Sprintf("comment %d", rand.IntN(1000)))
		p.comments = append(p.comments, written{post, id})
	default:
		i := rand.IntN(len(p.comments))
		c := p.comments[i]
		if dice < 97 {
			h, err = p.service.Comments.Edit(ctx, c.post, c.id, fmt.Sprintf("edited %d", rand.IntN(1000)))
		} else {
			h, err = p.service.Comments.Delete(ctx, c.post, c.id)
			p.comments = slices.Delete(p.comments, i, i+1)
		}
	}
	if err != nil {
		return err
	}
	p.taps = append(p.taps, time.Since(began))
	p.settling = append(p.settling, tapped{began, h})
	return nil
}

// readEvents takes in all that happened. Everything must have settled.
func (p *person) readEvents() {
	p.events.Close()
	for e := range p.events.All(context.Background()) {
		s := &p.seen
		switch e.Kind {
		case optimist.OpAccepted, optimist.OpJoined:
			s.taps++
		case optimist.OpSent:
			s.calls++
			if e.Attempt <= 1 {
				s.sent++
			}
		case optimist.OpRetrying:
			s.retries++
		case optimist.OpConflicted:
			s.conflicts++
			s.alreadySo[e.ID] = e.Resolution == optimist.AlreadySo
		case optimist.OpsRolledBack:
			s.rollbacks += len(e.Victims)
		case optimist.OpSettled:
			s.settled[e.ID] = e.At
			s.applied[e.ID] = e.Outcome == optimist.Confirmed && !s.alreadySo[e.ID]
			if e.Successor != "" {
				s.successor[e.ID] = e.Successor
			}
		case optimist.Gap:
			s.missed += e.Missed
		}
	}
}

// settleTimes is how long each tap took to be settled, or what took its place.
func (p *person) settleTimes() []time.Duration {
	var out []time.Duration
	for _, t := range p.settling {
		id := t.handle.ID()
		for next, ok := p.seen.successor[id]; ok; next, ok = p.seen.successor[id] {
			id = next
		}
		if at, ok := p.seen.settled[id]; ok {
			out = append(out, at.Sub(t.at))
		}
	}
	return out
}
