package sim

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// sent is the first time an operation left.
type sent struct {
	at  time.Duration
	req request
}

// heard is the first time its client heard that it was done.
type heard struct {
	at     time.Duration
	answer answer
}

// read is the result of a refetch.
type read struct {
	entity string
	call   time.Duration
	ret    time.Duration
	truth  truth
}

func (w *World) heard(r request, a answer) {
	if a.err == nil {
		delete(w.server.denied, r.id)
	}
	if _, again := w.heardOf[deed{r.id, a.era}]; !again && a.err == nil {
		w.heardOf[deed{r.id, a.era}] = heard{w.now(), a}
	}
}

// The model: an entity is a value and a version. A write changes both, or neither when
// it changes nothing; a read finds both. Only events that clients saw go into the
// history: when an operation first left, when its answer came and which state it told.
type state struct {
	value   Post
	there   bool
	version uint64
}

type input struct {
	write bool
	back  bool // the server is restored to the output
	typ   string
	args  Args
}

type output struct {
	known bool
	state
}

func model(there bool) porcupine.Model {
	m := anyPost
	m.Init = func() any { return state{there: there, version: 1} }
	return m
}

var anyPost = porcupine.Model{
	Step: func(s, in, out any) (bool, any) {
		now, i, o := s.(state), in.(input), out.(output)
		if i.back {
			return true, o.state
		}
		if i.write {
			after := effect(i.typ, now.value, i.args)
			there, possible := exists(i.typ, now.there)
			switch {
			case !possible:
				return false, now
			case there != now.there || !equalPosts(after, now.value):
				now = state{after, there, now.version + 1}
			}
		}
		return !o.known || now.equal(o.state), now
	},
	Equal: func(a, b any) bool {
		return a.(state).equal(b.(state))
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

func (s state) equal(t state) bool {
	return s.version == t.version && s.there == t.there && equalPosts(s.value, t.value)
}

// linearizable checks the history of each entity. It runs outside the bubble, for the
// checker's time limit is in real time. unsure: it gave up.
func (w *World) linearizable() (bad []string, unsure int) {
	const end = time.Duration(1 << 60)
	histories := make(map[string][]porcupine.Operation)
	add := func(entity string, in input, call, ret time.Duration, out output) {
		histories[entity] = append(histories[entity], porcupine.Operation{
			ClientId: len(histories[entity]), Input: in, Output: out, Call: int64(call), Return: int64(ret),
		})
	}
	for _, d := range w.server.deeds {
		s := w.sent[d.id]
		h, told := w.heardOf[d]
		for i, entity := range s.req.entities() {
			in := input{write: true, typ: s.req.typ, args: s.req.args}
			if !told {
				last := end
				if ended, ok := w.server.ended[d.era]; ok {
					last = ended
				}
				add(entity, in, s.at, last, output{})
				continue
			}
			t := h.answer.truths[i]
			add(entity, in, s.at, h.at, output{true, state{t.value, t.there, t.version}})
		}
	}
	for _, r := range w.server.back {
		for id, s := range r.posts {
			add(id, input{back: true}, r.at, r.at, output{true, s})
		}
	}
	for _, r := range w.reads {
		add(r.entity, input{}, r.call, r.ret, output{true, state{r.truth.value, r.truth.there, r.truth.version}})
	}
	for _, entity := range sortedKeys(histories) {
		switch porcupine.CheckOperationsTimeout(model(w.stays(entity)), histories[entity], 2*time.Second) {
		case porcupine.Illegal:
			bad = append(bad, fmt.Sprintf("the history of %s has no sequential order", entity))
		case porcupine.Unknown:
			unsure++
		}
	}
	return bad, unsure
}
