package sim

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
)

// histories are the eras of the server, which is restored from backups in scripts with Eras.
type histories struct {
	era     uint64 // 0: the server knows no eras
	backups []backup
	past    map[uint64]map[string][]state // the states of the posts in the eras before, by version from 1
	ended   map[uint64]time.Duration      // those eras
	gone    map[string]uint64             // the last era of them that had the operation
	said    map[string]string             // contents of all operations that were ever done
	deeds   []deed
	// vanished are operations that an era began without. They may be done again, also by late copies of requests.
	vanished map[string]bool
	back     []restored
}

// backup is a copy of the server, with its keys.
type backup struct {
	posts map[string]*record
	done  map[string]*answered
	log   []applied
	uses  map[string][]string
}

// deed is that an operation was done in an era. In a later one it may be done again.
type deed struct {
	id  string
	era uint64
}

// restored is that the server began a new era.
type restored struct {
	at    time.Duration
	posts map[string]state
}

// mostBackups are kept, the latest ones.
const mostBackups = 6

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

func (e *record) copy() *record {
	c := *e
	c.stamps, c.contains, c.states = maps.Clone(e.stamps), slices.Clip(e.contains), slices.Clip(e.states)
	return &c
}

func copyPosts(posts map[string]*record) map[string]*record {
	out := make(map[string]*record, len(posts))
	for id, e := range posts {
		out[id] = e.copy()
	}
	return out
}

func copyUses(uses map[string][]string) map[string][]string {
	out := make(map[string][]string, len(uses))
	for use, ids := range uses {
		out[use] = slices.Clip(ids)
	}
	return out
}

// backUp keeps a copy of the server, which is about to do something.
func (s *Server) backUp() {
	if s.era == 0 {
		return
	}
	s.backups = append(s.backups, backup{copyPosts(s.posts), maps.Clone(s.done), slices.Clip(s.log), copyUses(s.uses)})
	if n := len(s.backups); n > mostBackups {
		s.backups = s.backups[n-mostBackups:]
	}
}

// restore begins a new era with an earlier state of the server. Its posts are pushed, perhaps.
func (s *Server) restore(n int) {
	w := s.w
	if len(s.backups) == 0 {
		return
	}
	b := s.backups[n%len(s.backups)]
	past := make(map[string][]state)
	for id, e := range s.posts {
		past[id] = e.states
	}
	s.past[s.era], s.ended[s.era] = past, w.now()
	for id := range s.done {
		s.gone[id] = s.era
		if b.done[id] == nil {
			s.vanished[id] = true
			w.stats.Vanished++
		}
	}
	before := s.posts
	s.posts, s.done, s.log, s.uses = copyPosts(b.posts), maps.Clone(b.done), slices.Clip(b.log), copyUses(b.uses)
	s.era++
	w.stats.Restores++
	now := restored{w.now(), make(map[string]state)}
	for id, e := range s.posts {
		e.era = s.era
		if e.made = before[id].made; e.made > 0 {
			e.made++ // what stood on a post of before stands on another one
		}
		now.posts[id] = state{e.value, e.there, e.version}
	}
	s.back = append(s.back, now)
	w.trace("the server is restored: era %d", s.era)
	if n%2 == 0 {
		for _, id := range w.entities {
			w.push(s.posts[id].truth(id))
		}
	}
}

// had reports which state a post had in an era at a version, if it had one.
func (s *Server) had(id string, era, version uint64) (state, bool) {
	states := s.past[era][id]
	if era == s.era {
		states = s.posts[id].states
	}
	if version == 0 || version > uint64(len(states)) {
		return state{}, false
	}
	return states[version-1], true
}

// inEra is an answer as it leaves the server. What a restored server has, it has in its present era.
func (s *Server) inEra(a answer) answer {
	a.truths, a.before = slices.Clone(a.truths), slices.Clone(a.before)
	for i := range a.truths {
		a.truths[i].era = s.era
	}
	for i := range a.before {
		a.before[i].era = s.era
	}
	return a
}

// tellsEra is the era that an answer names; 0: none.
func (a answer) tellsEra(r request) uint64 {
	if len(a.truths) == 0 || a.err == nil && a.silent && r.typ != pair {
		return 0
	}
	return a.truths[0].era
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

// wasIn reports whether an operation was done in the history of an era, or in a later one.
func (s *Server) wasIn(id string, era uint64) bool {
	return s.done[id] != nil || s.gone[id] != 0 && s.gone[id] >= era
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
