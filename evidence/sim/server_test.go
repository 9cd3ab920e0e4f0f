package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
)

// Server is the one that all clients talk to. It never fails by itself. The World's
// lock guards it.
type Server struct {
	w     *World
	posts map[string]*record
	done  map[string]*answered // by operation id; the window outlasts the run
	log   []applied
	ever  map[string]bool // everything that was ever true: see facts
	uses  map[string][]string
	// refused says when the server last refused an operation, or called it a conflict. It keeps no
	// key of it, so that a request which had left before may be done after all: it is belated.
	refused map[string]time.Duration
	belated map[string]bool
	// denied are operations that were done although every answer said that they were not.
	denied map[string]bool
	histories
}

// record is one entity.
type record struct {
	value    Post
	there    bool
	made     int // how often it was made
	version  uint64
	stamps   map[string]stamp // of slots, for the last writer
	last     stamp
	contains []string
	states   []state // by version, from 1
	era      uint64
}

type stamp struct {
	at optimist.Timestamp
	by string
}

// before reports whether s loses against t.
func (s stamp) before(t stamp) bool { return s.at < t.at || s.at == t.at && s.by <= t.by }

// answered is an operation that the server has applied.
type answered struct{ answer answer }

// applied is one effect.
type applied struct {
	id     string
	client *Client
	req    request
}

// request is a request of a client.
type request struct {
	id     string
	typ    string
	entity string
	args   Args
	at     optimist.Timestamp
	by     string
	base   uint64
	client *Client
	hitch  hitch
	left   time.Duration
}

// entities names those that the operation changes.
func (r request) entities() []string { return entitiesOf(r.typ, r.entity, r.args) }

func entitiesOf(typ, entity string, a Args) []string {
	if typ == pair {
		return []string{entity, a.Other}
	}
	return []string{entity}
}

// answer is an answer of the server.
type answer struct {
	err    error
	truths []truth // one for each entity
	// How much of it this copy tells.
	versionOnly, silent, lags bool

	before []truth // the state before the write, one for each entity
	era    uint64  // in which it was done
}

// truth is the state of an entity at one moment.
type truth struct {
	entity   string
	there    bool
	value    Post
	version  uint64
	stamp    stamp
	contains []string
	era      uint64
	listed   time.Time // when the read without version began that found it; zero: it has one
}

var (
	errPoison   = errors.New("the server refuses this for good")
	errGone     = errors.New("there is no such post")
	errTaken    = errors.New("there is such a post already")
	errMissing  = errors.New("there is no such comment")
	errConflict = errors.New("the server holds something later")
	errBusy     = errors.New("the server is busy")
	errSession  = errors.New("the session has ended")
)

func newServer(w *World) *Server {
	s := &Server{w: w, posts: make(map[string]*record), done: make(map[string]*answered), ever: make(map[string]bool), refused: make(map[string]time.Duration), belated: make(map[string]bool), denied: make(map[string]bool), uses: make(map[string][]string)}
	s.past, s.ended, s.gone, s.said, s.vanished = make(map[uint64]map[string][]state), make(map[uint64]time.Duration), make(map[string]uint64), make(map[string]string), make(map[string]bool)
	if w.script.Eras {
		s.era = 1
	}
	long := stamp{at: optimist.TimestampOf(time.Now().Add(-time.Hour))}
	for _, id := range w.entities {
		there := w.stays(id)
		s.posts[id] = &record{there: there, version: 1, last: long, stamps: make(map[string]stamp), states: []state{{there: there, version: 1}}, era: s.era}
		s.ever[id+" title "] = there
	}
	return s
}

// handle is the server at work on one request.
func (s *Server) handle(r request) answer {
	if a, late := s.expired(r); late {
		return a
	}
	content := fmt.Sprint(r.typ, r.entity, r.args)
	if said, ok := s.said[r.id]; ok && said != content {
		s.w.fail("operation %s was sent as %q, and before as %q", s.w.name(r.id), content, said)
	}
	if before := s.done[r.id]; before != nil {
		s.w.stats.Deduplicated++
		return before.answer
	}
	switch {
	case s.w.now() < r.client.loggedOutUntil:
		return answer{err: optimist.Fail(optimist.Unauthenticated, errSession)}
	case r.hitch.late:
	case r.hitch.busy && r.hitch.retryAfter > 0:
		return answer{err: &optimist.SendError{Class: optimist.Overloaded, RetryAfter: r.hitch.retryAfter, Err: errBusy}}
	case r.hitch.busy:
		return answer{err: optimist.Fail(optimist.Transient, errBusy)}
	}
	if r.args.Broken {
		return answer{err: optimist.Fail(optimist.Transient, errBusy)}
	}
	if r.args.Poison {
		return answer{err: optimist.Fail(optimist.Permanent, errPoison)}
	}
	s.madeTwice(r)
	for _, id := range r.entities() {
		if refusal := s.posts[id].refuses(r); refusal != nil {
			a := answer{err: optimist.Fail(optimist.Permanent, refusal)}
			if r.typ != pair && r.hitch.tells {
				a.truths = []truth{s.posts[id].truth(id)}
			}
			return a
		}
	}
	e := s.posts[r.entity]
	mine := stamp{r.at, r.by}
	slot := slotOf(r.typ, r.args)
	_, there := e.value.Comments[r.args.Key]
	switch {
	case r.typ == edit && !there:
		return answer{err: optimist.Fail(optimist.Permanent, errMissing)}
	case r.typ != like && r.typ != star && r.typ != title:
	case mine.before(e.stampOf(slot)), r.typ == title && s.w.script.Strict && r.base != e.version:
		t := e.truth(r.entity)
		t.stamp = e.stampOf(slot)
		s.w.stats.Conflicts++
		return answer{err: optimist.Fail(optimist.Conflicting, errConflict), truths: []truth{t}}
	}
	done := s.apply(r, content, slot, mine)
	if r.hitch.late {
		return answer{err: optimist.Fail(optimist.Transient, errBusy)}
	}
	return done
}

// refuses is why something cannot be done to a post that is there, or is not.
func (e *record) refuses(r request) error {
	switch _, possible := exists(r.typ, e.there); {
	case r.typ == erase && !e.there && !r.hitch.lenient, !possible && r.typ != write:
		return errGone
	case !possible:
		return errTaken
	}
	return nil
}

func (e *record) stampOf(slot string) stamp {
	if s, ok := e.stamps[slot]; ok {
		return s
	}
	return stamp{at: 1}
}

func (s *Server) apply(r request, content, slot string, mine stamp) answer {
	s.backUp()
	out := answer{era: s.era}
	for _, id := range r.entities() {
		e := s.posts[id]
		out.before = append(out.before, e.truth(id))
		after := effect(r.typ, e.value, r.args)
		there, _ := exists(r.typ, e.there)
		changed := there != e.there || !equalPosts(after, e.value)
		if there != e.there {
			e.stamps = make(map[string]stamp)
		}
		if there && !e.there {
			e.made++
			s.w.namesNote(id, r.id)
			s.w.stats.Written++
		}
		if changed {
			e.value, e.there = after, there
			e.version++
			e.states = append(e.states, state{e.value, e.there, e.version})
		}
		e.last = mine
		if slot != "" {
			e.stamps[slot] = mine
		}
		e.contains = append(e.contains, r.id)
		out.truths = append(out.truths, e.truth(id))
		for _, f := range facts(id, r.typ, r.args) {
			s.ever[f] = true
		}
		if changed {
			s.w.push(e.truth(id))
		}
	}
	if at, ok := s.refused[r.id]; ok && r.left < at {
		s.belated[r.id] = true
	}
	if s.belated[r.id] || r.hitch.late {
		s.denied[r.id] = true
	}
	for _, use := range usesOf(r.typ, r.args) {
		s.uses[use] = append(s.uses[use], r.id)
	}
	s.done[r.id], s.said[r.id] = &answered{out}, content
	s.deeds = append(s.deeds, deed{r.id, s.era})
	s.log = append(s.log, applied{r.id, r.client, r})
	s.w.stats.Effects++
	return out
}

// facts are the consequences of an operation for an entity.
func facts(entity, typ string, a Args) []string {
	switch typ {
	case like, star:
		return []string{fmt.Sprint(entity, " ", a.Key, " ", a.On)}
	case title, write:
		return []string{entity + " title " + a.Text}
	case visit, pair:
		return []string{entity + " token " + a.Key}
	case create, edit:
		return []string{entity + " comment " + a.Key + " " + a.Text}
	}
	return nil
}

// usesOf names the effects that an operation may have only once, under any id.
func usesOf(typ string, a Args) []string {
	if a.Back { // it may be done again, after a redo
		return nil
	}
	switch typ {
	case title, write:
		return []string{"title " + a.Text}
	case visit, pair:
		return []string{"token " + a.Key}
	case create:
		return []string{"create " + a.Key, "text " + a.Text}
	case edit:
		return []string{"text " + a.Text}
	}
	return nil
}

func (e *record) truth(id string) truth {
	return truth{entity: id, there: e.there, value: e.value, version: e.version, stamp: e.last, contains: e.contains, era: e.era}
}
