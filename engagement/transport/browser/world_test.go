package browser

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// world is a browser with windows, a lock and a channel, and a server with changes of
// posts. Messages arrive at random times; only the messages from one window to another
// stay in order.
type world struct {
	*rand.Rand
	t       *testing.T
	changes []int // the post of each; its position is the index + 1
	forgot  int64 // the server knows positions from here on
	windows []*simulated
	queue   []*simulated // for the lock; the first has it
	names   int
	lossy   bool // the channel loses messages, which no channel does
}

const posts = 4

// simulated is a window, with the messages on their way to it.
type simulated struct {
	*window
	world *world

	program int64                // position that the program has come to
	seen    [posts]int64         // position of the latest change that it was given, by post
	mail    map[string][]message // by sender
	granted bool

	open   bool
	told   int64          // position up to which the server has told
	stream []client.Event // told, and not arrived
	asked  bool           // the server has said hello
}

func (s *simulated) tell(m message) {
	from := s.name
	for _, other := range s.world.windows {
		if other != s && !(s.world.lossy && s.world.IntN(60) == 0) {
			other.mail[from] = append(other.mail[from], m)
		}
	}
}

func (s *simulated) connect(after wire.Position) {
	if s.open {
		s.world.t.Fatal("two streams of one window")
	}
	s.open, s.told, s.stream, s.asked = true, after.Number, nil, false
}

func (s *simulated) disconnect() { s.open, s.stream = false, nil }

func (s *simulated) give(e client.Event) {
	switch e.Name {
	case wire.EventReset:
		s.seen = s.world.latest() // the program reads everything anew
	case wire.EventTruth:
		post, _ := strconv.Atoi(string(e.Data[:1]))
		version, _ := strconv.ParseInt(string(e.Data[2:]), 10, 64)
		s.seen[post] = max(s.seen[post], version)
	}
	if at := positionOf(e); at != none {
		s.program = at.Number
	}
}

// latest is the position of the latest change of each post.
func (w *world) latest() (all [posts]int64) {
	for i, post := range w.changes {
		all[post] = int64(i + 1)
	}
	return all
}

// come opens a window that has read everything, or brings one back.
func (w *world) come(s *simulated) {
	if s == nil {
		s = &simulated{world: w, seen: w.latest(), program: int64(len(w.changes))}
	}
	w.names++
	s.mail, s.granted, s.open = make(map[string][]message), false, false
	s.window = &window{sharing: s, name: fmt.Sprint("w", w.names), viewer: "ada", after: at(s.program)}
	w.windows = append(w.windows, s)
	w.queue = append(w.queue, s)
	s.begin()
}

// leave takes a window away. Its last messages reach some windows and not others.
func (w *world) leave(s *simulated) {
	isIt := func(other *simulated) bool { return other == s }
	w.windows, w.queue = slices.DeleteFunc(w.windows, isIt), slices.DeleteFunc(w.queue, isIt)
	for _, other := range w.windows {
		if mail := other.mail[s.name]; len(mail) > 0 && w.IntN(2) == 0 {
			other.mail[s.name] = mail[:w.IntN(len(mail))]
		}
	}
}

// serve lets the server tell a stream something: hello, or a batch of which the last event
// has the position. As in a browser, the others repeat the last id.
func (w *world) serve(s *simulated) bool {
	end := int64(len(w.changes))
	id := at(s.told).String()
	switch {
	case !s.open:
		return false
	case !s.asked:
		name := wire.EventHello
		if s.told < w.forgot || s.told > end {
			name, s.told = wire.EventReset, end
		}
		s.asked = true
		id = at(s.told).String()
		s.stream = append(s.stream, client.Event{Name: name, ID: id, Data: []byte(`{"after":"` + id + `","viewer":"ada"}`)})
		return true
	case s.told == end:
		return false
	}
	upTo := s.told + 1 + w.Int64N(end-s.told)
	changed := slices.Clone(w.changes[s.told:upTo])
	slices.Sort(changed)
	latest := w.latest()
	for _, post := range slices.Compact(changed) {
		s.stream = append(s.stream, client.Event{Name: wire.EventTruth, ID: id, Data: fmt.Appendf(nil, "%d %d", post, latest[post])})
	}
	s.stream[len(s.stream)-1].ID = at(upTo).String()
	s.told = upTo
	return true
}

// arrive lets one thing arrive at a window.
func (w *world) arrive(s *simulated) bool {
	for _, from := range slices.Sorted(maps.Keys(s.mail)) {
		if mail := s.mail[from]; len(mail) > 0 && w.IntN(2) == 0 {
			s.mail[from] = mail[1:]
			s.hear(mail[0])
			return true
		}
	}
	switch {
	case len(s.stream) > 0:
		e := s.stream[0]
		s.stream = s.stream[1:]
		s.window.take(e)
	case len(w.queue) > 0 && w.queue[0] == s && !s.granted:
		s.granted = true
		s.lead()
	default:
		for _, mail := range s.mail {
			if len(mail) > 0 {
				return true // next time
			}
		}
		return false
	}
	return true
}

// check holds every window to the guarantee.
func (w *world) check() {
	for _, s := range w.windows {
		for i, post := range w.changes[:s.program] {
			if s.seen[post] < int64(i+1) {
				w.t.Fatalf("%s is at %d and was never given change %d", s.name, s.program, i+1)
			}
		}
	}
}
