package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
)

// tapOften makes n taps with pauses, each when pace has returned, and waits until all
// are settled.
func (p *person) tapOften(ctx context.Context, n int, think time.Duration, pace func(context.Context) error) error {
	made := make(chan *optimist.Handle, n)
	var promising sync.WaitGroup
	promising.Go(func() { p.promise(ctx, made) })
	defer promising.Wait()
	defer close(made)
	for range n {
		if think > 0 {
			select {
			case <-time.After(time.Duration(rand.ExpFloat64() * float64(think))):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if pace != nil {
			if err := pace(ctx); err != nil {
				return err
			}
		}
		h, err := p.tap(ctx)
		if err != nil {
			return err
		}
		made <- h
	}
	err := p.settle(ctx)
	if err == nil {
		p.tell(note{Kind: noteQuiet, Client: p.number})
	}
	return err
}

// settle waits until all operations are settled. A parked operation may keep others
// waiting: it is given up then.
func (p *person) settle(ctx context.Context) error {
	for {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		err := p.service.Manager().Flush(soon)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := p.giveUp(); err != nil {
			return err
		}
	}
}

// giveUp discards the parked operations: changes of comments, whose slot is the
// comment's id.
func (p *person) giveUp() error {
	for _, e := range p.service.Manager().Snapshot().Entities {
		for _, op := range e.Operations {
			if op.State != optimist.Parked {
				continue
			}
			if err := p.service.Comments.Discard(op.Slot); err != nil {
				return err
			}
			p.parked++
		}
	}
	return nil
}

// promise notes the durable operations, in the order of the taps.
func (p *person) promise(ctx context.Context, made <-chan *optimist.Handle) {
	for h := range made {
		if p.ledger != nil && h.Await(ctx, optimist.Journaled) == nil {
			p.tell(note{Kind: noteDurable, Client: p.number, ID: h.ID()})
		}
	}
}

// tap makes one tap.
func (p *person) tap(ctx context.Context) (*optimist.Handle, error) {
	p.made++
	for {
		began := time.Now()
		h, err := p.act(ctx)
		switch {
		case errors.Is(err, optimist.ErrAbsent) || errors.Is(err, optimist.ErrNotLoaded):
			continue // the creation of its own post has failed just now
		case err != nil:
			return nil, err
		}
		p.tell(note{Kind: noteTapped, Client: p.number, ID: h.ID(), At: began, Took: time.Since(began)})
		return h, nil
	}
}

// act acts like a person: mostly likes, some saves, now and then a comment, which is
// sometimes edited and sometimes deleted. One tap in a hundred writes a post, which
// every other person soon takes back.
func (p *person) act(ctx context.Context) (*optimist.Handle, error) {
	p.forgetGone()
	switch n := p.made % 100; {
	case n == 5:
		return p.writePost(ctx)
	case n == 15 && p.number%2 == 0 && len(p.written) > 0:
		return p.deletePost(ctx)
	}
	post := p.choosePost()
	switch dice := rand.IntN(100); {
	case dice < 60:
		tap, err := p.service.Likes.Toggle(ctx, post)
		if err != nil {
			return nil, err
		}
		return tap.Handle, nil
	case dice < 85:
		tap, err := p.service.Saves.Toggle(ctx, post)
		if err != nil {
			return nil, err
		}
		return tap.Handle, nil
	case dice < 93 || len(p.comments) == 0:
		id, h, err := p.service.Comments.Add(ctx, post, fmt.Sprintf("comment %d", rand.IntN(1000)))
		if err == nil {
			p.comments = append(p.comments, written{post, id})
		}
		return h, err
	case dice < 97:
		c := p.comments[rand.IntN(len(p.comments))]
		return p.service.Comments.Edit(ctx, c.post, c.id, fmt.Sprintf("edited %d", rand.IntN(1000)))
	default:
		i := rand.IntN(len(p.comments))
		c := p.comments[i]
		p.comments = slices.Delete(p.comments, i, i+1)
		return p.service.Comments.Delete(ctx, c.post, c.id)
	}
}

// choosePost returns mostly a shared post, and sometimes one of its own, which may
// still be unsent.
func (p *person) choosePost() string {
	if len(p.written) > 0 && rand.IntN(10) == 0 {
		return p.written[rand.IntN(len(p.written))]
	}
	return p.posts[rand.IntN(len(p.posts))]
}

func (p *person) writePost(ctx context.Context) (*optimist.Handle, error) {
	id, h, err := p.service.Posts.Write(ctx, fmt.Sprintf("post %d of client %d", p.made, p.number))
	if err == nil {
		p.written = append(p.written, id)
	}
	return h, err
}

func (p *person) deletePost(ctx context.Context) (*optimist.Handle, error) {
	return p.service.Posts.Delete(ctx, p.written[rand.IntN(len(p.written))])
}

// forgetGone drops the client's own posts that do not exist, and its comments on
// them.
func (p *person) forgetGone() {
	p.written = slices.DeleteFunc(p.written, p.isGone)
	p.comments = slices.DeleteFunc(p.comments, func(c written) bool { return p.isGone(c.post) })
}

func (p *person) isGone(post string) bool { return p.service.Post(post).Presence != optimist.Present }
