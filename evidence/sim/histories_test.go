package sim

import (
	"maps"
	"slices"
	"time"
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

// wasIn reports whether an operation was done in the history of an era, or in a later one.
func (s *Server) wasIn(id string, era uint64) bool {
	return s.done[id] != nil || s.gone[id] != 0 && s.gone[id] >= era
}
