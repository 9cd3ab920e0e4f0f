package sim

import (
	"errors"
	"maps"
	"math/rand/v2"

	"github.com/optimist-go/optimist"
)

// drawPieces has the feed say only what has changed, in a third of the scripts.
func (s *Script) drawPieces(r *rand.Rand) {
	if r.IntN(3) == 0 {
		s.Pieces = []float64{0.3, 0.8, 1}[r.IntN(3)]
		if r.IntN(4) == 0 { // pieces must not be put on predictions
			s.Faults.Silent, s.Faults.Contains, s.Faults.Lists = 0.4, true, 0
		}
	}
}

// feed delivers the nth push to a client: whole, or the piece of it that changed in the last few
// versions.
func (w *World) feed(c *Client, t truth, n int) func() {
	r := w.draw("piece", c.number, n)
	follows, states := t.version-1, w.server.posts[t.entity].states
	if r.IntN(4) == 0 { // one piece for several changes
		follows -= uint64(r.IntN(3))
	}
	if r.Float64() >= w.script.Pieces || isNote(t.entity) || follows < 1 || follows >= t.version || !t.there || !states[follows-1].there {
		return func() { w.deliver(c, t, "push") }
	}
	p := optimist.Piece[Post]{Follows: follows, Version: t.version, Change: difference(states[follows-1].value, t.value)}
	return func() { w.deliverPiece(c, t, p) }
}

// difference returns the function that makes a post of another one, and leaves alone the rest of
// any.
func difference(from, to Post) func(Post) Post {
	return func(p Post) Post {
		if from.Title != to.Title {
			p.Title = to.Title
		}
		p.Flags, p.Tokens = patched(p.Flags, from.Flags, to.Flags), patched(p.Tokens, from.Tokens, to.Tokens)
		p.Comments = patched(p.Comments, from.Comments, to.Comments)
		return p
	}
}

func patched[V comparable](m, from, to map[string]V) map[string]V {
	if maps.Equal(from, to) {
		return m
	}
	m = maps.Clone(m)
	for k := range from {
		if _, stays := to[k]; !stays {
			delete(m, k)
		}
	}
	for k, v := range to {
		if was, ok := from[k]; !ok || was != v {
			m = with(m, k, v)
		}
	}
	return m
}

// deliverPiece gives a piece to the present process of the client. When it does not fit, the program
// reads, unless the library does.
func (w *World) deliverPiece(c *Client, t truth, p optimist.Piece[Post]) {
	w.mu.Lock()
	l := c.life
	if l == nil || l.dead || c.cut {
		w.mu.Unlock()
		return
	}
	whole := c.truth(t)
	p.At, p.By, p.Contains, p.Era = whole.At, whole.By, whole.Contains, whole.Era
	w.trace("%s gets a piece of %s: v%d to v%d", c, t.entity, p.Follows, p.Version)
	l.look()
	era := l.era
	held := l.posts.Truth(t.entity)
	fits := held.Version == p.Follows && held.Presence == optimist.Present && !held.Predicted && p.Era == era
	_, listed := l.listed[t.entity]
	w.mu.Unlock()
	err := l.posts.ReceivePiece(t.entity, p)
	w.mu.Lock()
	defer w.mu.Unlock()
	l.look()
	l.meets(t.era)
	switch {
	case err == nil:
		if l.reads(t); fits {
			w.stats.Fitted++
		}
	case errors.Is(err, optimist.ErrGap):
		w.stats.Gaps++
		if fits && l.sure() && !listed {
			w.fail("%s: the piece of %s from version %d to %d is refused, and version %d is held", c, t.entity, p.Follows, p.Version, held.Version)
		}
		if p.Version <= held.Version && p.Era <= era {
			w.fail("%s: the piece of %s that makes version %d is refused, and version %d was held", c, t.entity, p.Version, held.Version)
		}
		if w.script.Reads {
			l.owed[t.entity] = owed{w.now(), version{p.Era, p.Version}}
		} else {
			w.fetch(c, t.entity)
		}
	case !errors.Is(err, optimist.ErrClosed):
		w.fail("%s cannot receive a piece: %v", c, err)
	}
	l.holds(t.entity)
}
