package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist"
)

// drawPages has all entities read in one page where that can be, in a third of the scripts. In some
// of them a page is as large as it may be.
func (s *Script) drawPages(r *rand.Rand) {
	if s.Pages = r.IntN(3) == 0; s.Pages {
		for range r.IntN(4) {
			do := Step{Client: r.IntN(s.Clients), Do: "page", N: r.IntN(1000), Wait: 1}
			s.Steps = slices.Insert(s.Steps, r.IntN(len(s.Steps)), do)
		}
	}
}

// mostInPage is how many truths a page may have.
const mostInPage = 1000

// stranger names one of the entities that fill a large page. Nobody changes them here.
func stranger(n int) string { return fmt.Sprintf("p%03d", n) }

func strangerTitle(id string, version uint64) string { return fmt.Sprint(id, " v", version) }

func isStranger(id string) bool { return id[0] == 'p' }

// strange is a stranger as the server has it: with each large page every second one changes.
func (w *World) strange(id string) truth {
	t := truth{entity: id, there: true, version: 1 + uint64(w.strangers+int(id[len(id)-1]))/2, stamp: stamp{at: 1}, era: w.server.era}
	t.value.Title = strangerTitle(t.entity, t.version)
	return t
}

// fetchPage reads all entities at one moment, and tries until it has them. full: with so many others
// that no more enter in one step.
func (w *World) fetchPage(c *Client, full bool) {
	n := c.fetches
	c.fetches++
	r := w.draw("page", c.number, n)
	there, back := w.latency(r), w.latency(r)
	lost := !w.calm && r.Float64() < w.script.Faults.LostRequest
	began := w.now()
	time.AfterFunc(there, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		var page []truth
		for _, id := range w.entities {
			page = append(page, w.server.posts[id].truth(id))
		}
		if full {
			w.strangers++
			for i := range mostInPage - len(page) {
				page = append(page, w.strange(stranger(i)))
			}
		}
		time.AfterFunc(back, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if lost || c.cut {
				w.fetchPage(c, full)
				return
			}
			for _, t := range page {
				if !isStranger(t.entity) {
					w.reads = append(w.reads, read{t.entity, began, w.now(), t})
				}
			}
			w.deliverPage(c, page)
		})
	})
}

// deliverPage gives a page to the present process of the client. The caller has the World's lock.
func (w *World) deliverPage(c *Client, page []truth) {
	l := c.life
	if l == nil || l.dead {
		return
	}
	w.trace("%s gets a page of %d", c, len(page))
	w.stats.Pages++
	in := make(map[string]optimist.Truth[Post])
	before := make(map[string]optimist.View[Post])
	for _, t := range page {
		in[t.entity] = c.truth(t)
		before[t.entity] = l.posts.View(t.entity)
		if !isStranger(t.entity) {
			l.look()
			l.reads(t)
		}
	}
	l.look()
	l.watch.changes = make(map[string]int)
	w.mu.Unlock()
	torn := l.seesPart(len(page) == mostInPage)
	err := l.posts.ReceivePage(in)
	if torn() {
		w.failed("%s: a part of a page is seen", c)
	}
	w.mu.Lock()
	l.look()
	l.meets(page[0].era)
	if err != nil {
		if !errors.Is(err, optimist.ErrClosed) {
			w.fail("%s cannot receive a page: %v", c, err)
		}
		return
	}
	for _, t := range page {
		now, was := l.posts.View(t.entity), before[t.entity]
		changes := 0
		if now.Presence != was.Presence || !equalPosts(now.Value, was.Value) {
			changes = 1
		}
		if n := l.watch.changes[t.entity]; n != changes && !l.dead {
			w.fail("%s: %d changes of %s are told when a page enters that makes of %v %v", c, n, t.entity, was.Value, now.Value)
		}
		if !isStranger(t.entity) {
			l.holds(t.entity)
			continue
		}
		held := l.posts.Truth(t.entity).Version
		if held > 0 && now.Value.Title != strangerTitle(t.entity, held) || held < t.version && t.era == l.era {
			w.fail("%s shows %q of version %d after a page with %q", c, now.Value.Title, held, t.value.Title)
		}
	}
	l.watch.changes = nil
}

// seesPart looks at two strangers that change together while a large page enters. The function that it
// returns ends that, and reports whether one of them was seen to change alone.
func (l *life) seesPart(large bool) func() bool {
	if !large {
		return func() bool { return false }
	}
	titles := func() (a, b string) {
		views := l.posts.Views(stranger(0), stranger(990))
		a, _ = strings.CutPrefix(views[0].Value.Title, stranger(0))
		b, _ = strings.CutPrefix(views[1].Value.Title, stranger(990))
		return a, b
	}
	var entered, torn atomic.Bool
	var looking sync.WaitGroup
	looking.Go(func() {
		for !entered.Load() {
			if a, b := titles(); a != b {
				torn.Store(true)
			}
		}
	})
	return func() bool {
		entered.Store(true)
		looking.Wait()
		return torn.Load()
	}
}
