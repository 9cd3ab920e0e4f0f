package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
)

// Eras are what happens to the histories of all servers and clients of a run.
type Eras struct{ Restores, Vanished, Again, Told int }

func (s *Eras) add(o Eras) {
	s.Restores += o.Restores
	s.Vanished += o.Vanished
	s.Again += o.Again
	s.Told += o.Told
}

// drawEras has the server restored now and then, in a third of the scripts, and processes killed
// before and after.
func (s *Script) drawEras(r *rand.Rand) {
	if s.Eras = r.IntN(3) == 0; !s.Eras {
		return
	}
	odd := func(most int) time.Duration { return time.Duration(1 + r.IntN(most*1_000_000)) }
	for range 1 + r.IntN(3) {
		at := len(s.Steps)/4 + r.IntN(len(s.Steps)*3/4)
		steps := []Step{{Do: "restore server", N: r.IntN(1000), Wait: odd(700)}}
		if client := r.IntN(s.Clients); r.IntN(2) == 0 {
			kill := Step{Client: client, Do: []string{"kill", "crash before write", "crash after write", "refuse write"}[r.IntN(4)], N: 7 * r.IntN(100), Wait: odd(50)}
			if steps = append(steps, kill); kill.Do != "kill" || r.IntN(2) == 0 {
				slices.Reverse(steps)
			}
		}
		if r.IntN(2) == 0 {
			steps = append(steps, Step{Client: r.IntN(s.Clients), Do: "tell era", N: r.IntN(1000), Wait: odd(900)})
		}
		s.Steps = slices.Insert(s.Steps, at, steps...)
	}
}

// epochs is what a client knows of eras. The journal of a process that died may know the era in which
// it ended, or an earlier one.
type epochs struct {
	met  uint64 // by any process
	kept uint64 // in the journal, or a later one
}

// isOutlived reports whether an answer is of another history than the one that the process knows of.
func (l *life) isOutlived(r request, a answer) bool {
	era := a.tellsEra(r)
	return era == 0 && r.left < l.eraSince || era != 0 && era < l.era
}

// begins handles the word that a new era has begun.
func (x *watch) begins(ev optimist.Event) {
	l, c := x.l, x.l.c
	w := c.w
	era := uint64(0)
	_, number, _ := strings.Cut(fmt.Sprint(ev.Err), "era ")
	if _, err := fmt.Sscan(number, &era); err != nil || !errors.Is(ev.Err, optimist.ErrNewEra) {
		w.fail("%s is told of an era by %v", c, ev.Err)
	}
	if era <= l.era || era > w.server.era {
		w.fail("%s is told that era %d begins in era %d, the server's is %d", c, era, l.era, w.server.era)
	}
	l.era, l.eraSince, c.met = era, ev.At.Sub(w.began), max(c.met, era)
	for f := range x.tokens {
		x.before[f] = true
	}
	clear(x.tokens)
	clear(x.known)
	clear(x.left)
	clear(l.wrote)
	clear(l.read)
	for _, o := range c.ops {
		if o.way.acked && !o.over {
			o.again, o.resent = true, true
		}
		o.way.acked, o.way.ackKept = false, false
	}
	if !w.script.Reads {
		w.refetch(c)
		return
	}
	for id := range l.held {
		if w.stays(id) { // others may be forgotten, when they are not there
			l.owed[id] = owed{l.eraSince, version{era: era}}
		}
	}
}

// meets notes that truth of an era was taken or refused by a process, which knows of that era at
// least. An earlier process may have known of it as well.
func (l *life) meets(era uint64) { l.era = max(l.era, era) }

// sure reports whether it is known which era the process holds.
func (l *life) sure() bool { return l.era >= l.c.met }

// unchangedBy is the truth held, if a read without era and version must not change it; else nil.
func (l *life) unchangedBy(t truth) *optimist.HeldTruth[Post] {
	l.look()
	if t.listed.IsZero() || t.era != 0 || !l.sure() || t.listed.Sub(l.c.w.began) >= l.eraSince {
		return nil
	}
	held := l.posts.Truth(t.entity)
	return &held
}

// vanishes checks that a change is told with its cause when confirmed operations are gone with the
// history that had them, and that it is told once.
func (x *watch) vanishes(id string, ev optimist.Event) {
	l, w, cause := x.l, x.l.c.w, ev.Err
	p, _ := ev.Value.(Post)
	outlived := errors.Is(cause, optimist.ErrNewEra)
	if outlived {
		w.stats.Told++
		if x.left[id] || l.era == 0 {
			w.fail("%s: %s leaves its era twice, in era %d", l.c, id, l.era)
		}
		x.left[id] = true
	} else if cause != nil {
		w.fail("%s: %s changes because of %v", l.c, id, cause)
	}
	if !w.stays(id) || w.script.Faults.Silent > 0 {
		return
	}
	for f := range x.before {
		entity, token, ok := strings.Cut(f, " token ")
		if !ok || entity != id || p.Tokens[token] {
			continue
		}
		if delete(x.before, f); !outlived {
			w.fail("%s: %s no longer shows token %s, which was confirmed in an earlier era, and the cause is %v", l.c, id, token, cause)
		}
	}
}

// vanished reports whether an era began in which the server no longer had an operation.
func (c *Client) vanished(o *op) bool { return c.w.server.vanished[o.id] }

// tellEra has a client ask for the server's era, or hear of an earlier one.
func (l *life) tellEra(n int) {
	w := l.c.w
	w.mu.Lock()
	l.look()
	era := w.server.era
	if n%3 == 0 && era > 1 {
		era--
	}
	w.mu.Unlock()
	if err := l.m.NewEra(era); err != nil && !errors.Is(err, optimist.ErrClosed) {
		w.failed("%s cannot begin era %d: %v", l.c, era, err)
	}
	w.mu.Lock()
	l.look()
	l.meets(era)
	w.mu.Unlock()
}
