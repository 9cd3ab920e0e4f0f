package list_test

import (
	"maps"
	"sync/atomic"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// history is the era of the servers, which are restored from backups together, and the one
// that the client holds, as its indexes were told.
type history struct{ era, held atomic.Uint64 }

func (h *history) now() uint64 { return h.era.Load() }

// restore has the server be as it was once.
func (o *origin[T]) restore(s *shot[T]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held, o.places, o.ranks, o.versions = maps.Clone(s.held), maps.Clone(s.places), maps.Clone(s.ranks), s.version
}

// said is truth of an entity as it was in a shot, with its era.
func (o *origin[T]) said(s *shot[T], id string) optimist.Truth[T] {
	t := optimist.Gone[T](s.places[id])
	if v, there := s.held[id]; there {
		t = optimist.TruthOf(v, s.places[id])
	}
	t.Era = s.era
	return o.placed(t, s.places[id])
}

// backup is what the servers go back to, and what they were before they did.
type backup struct {
	cards, before *shot[card]
	people        *shot[human]
}

// stepOfEras does something with the history of the servers.
func (b *board) stepOfEras(id string) string {
	k := &b.backup
	switch n := b.rnd.IntN(24); {
	case n == 0:
		k.before = b.shot()
		if k.cards == nil { // the servers lose everything
			k.cards, k.people = newOrigin[card](b.rnd, b.history).shot(), newOrigin[human](b.rnd, b.history).shot()
		}
		b.origin.restore(k.cards)
		b.folk.restore(k.people)
		b.era.Add(1)
		if b.rnd.IntN(2) == 0 {
			return "restored"
		}
		b.tell()
		return "restored, told"
	case n < 5:
		k.cards, k.people = b.shot(), b.folk.shot()
		return "backup"
	case n < 8:
		b.tell()
		return "new era"
	case k.before == nil:
		return "none"
	}
	// Somebody has not heard of the restore.
	b.cards.Receive(served(id), b.said(k.before, served(id)))
	return "late " + id
}

// tell has the client know of the history of today.
func (b *board) tell() {
	if err := b.m.NewEra(b.history.now()); err != nil {
		b.Fatal(err)
	}
	b.hasMet(b.history.now())
}

// hasMet checks that indexes were told of an era.
func (b *board) hasMet(era uint64) {
	if held := b.history.held.Load(); held < era {
		b.Fatalf("indexes were told of era %d, and not of %d", held, era)
	}
}

// meet takes up that the server has begun a new history, of which the positions of the one
// before say nothing.
func (p *paper) meet(era uint64) {
	if era <= p.era {
		return
	}
	for i := range p.past {
		c := &p.past[i]
		if c.contained || c.position == 0 || c.position > p.position {
			continue
		}
		c.contained = true
		appears := c.before.Presence == optimist.NotLoaded && !c.shown
		if appears && !c.fresh || c.by == 0 && !c.guessed && (appears || c.before.Position != 0) {
			continue // it tells nothing of those before it
		}
		for j := range p.past[:i] {
			if o := &p.past[j]; o.ID == c.ID && o.position == 0 {
				o.contained = true
			}
		}
	}
	for i := range p.past {
		c := &p.past[i]
		c.beyond = c.beyond || c.position != 0 && p.position != 0 && !c.contained
		c.position = 0
	}
	p.era, p.outlived, p.position, p.appeared = era, true, 0, 0
}

// eraOf is the history of which a page is.
func eraOf(page list.Page[card], f *fetching) uint64 {
	for _, row := range page.Rows {
		if row.Truth.Era != 0 {
			return row.Truth.Era
		}
	}
	return f.era
}
