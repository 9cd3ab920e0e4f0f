package fanout

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// world is a feed, its log, and streams that read it at random.
type world struct {
	t       *testing.T
	random  *rand.Rand
	feed    []string // the entity of each entry
	log     *Log[int]
	readTo  int // up to where the log has read
	begun   []string
	reading int // up to where the round in hand reads; 0: none
	streams map[*client]bool
}

// client is a stream, and the versions that its client knows.
type client struct {
	viewer string
	place  Place
	cursor int
	known  map[string]int // the entry up to which the client knows the entity
}

// marked viewers have something of their own of every entity.
func marked(viewer string) bool { return strings.HasPrefix(viewer, "m") }

func (w *world) text(upTo int, viewer string) string {
	if marked(viewer) {
		return fmt.Sprintf("%d %s", upTo, viewer)
	}
	return fmt.Sprintf("%d ", upTo)
}

// land reads like the real reader: the present state of the entities of the entries.
func (w *world) land() {
	var frames []*Frame
	seen := make(map[string]bool)
	for _, entity := range w.feed[w.readTo:w.reading] {
		if seen[entity] {
			continue
		}
		seen[entity] = true
		f := &Frame{Entity: entity, Plain: []byte(w.text(len(w.feed), "")), Own: make(map[string][]byte)}
		for _, viewer := range w.begun {
			if marked(viewer) {
				f.Own[viewer] = []byte(w.text(len(w.feed), viewer))
			}
		}
		frames = append(frames, f)
	}
	w.log.Land(w.reading, frames)
	w.readTo, w.reading = w.reading, 0
}

func (w *world) enter() {
	c := &client{viewer: []string{"", "a", "b", "m1", "m2", "m3"}[w.random.IntN(6)], known: make(map[string]int)}
	w.log.Enter(c.viewer)
	c.cursor = w.readTo - w.random.IntN(min(w.readTo, 20)+1)
	for i, entity := range w.feed[:c.cursor] {
		c.known[entity] = i + 1
	}
	w.streams[c] = true
}

// step has the client go on by one step.
func (w *world) step(c *client) {
	if c.place == 0 {
		if c.place, _ = w.log.Join(c.cursor, c.viewer); c.place == 0 {
			to := min(c.cursor+10, len(w.feed)) // by itself
			for _, entity := range w.feed[c.cursor:to] {
				c.known[entity] = len(w.feed)
			}
			c.cursor = to
			return
		}
	}
	frames, place, cursor, ok := w.log.Take(nil, c.place, 3)
	if !ok {
		c.place = 0
		return
	}
	told := make(map[string]bool)
	for _, f := range frames {
		number, viewer, _ := strings.Cut(string(f.For(c.viewer)), " ")
		upTo, _ := strconv.Atoi(number)
		if marked(c.viewer) && viewer != c.viewer || !marked(c.viewer) && viewer != "" {
			w.t.Fatalf("%q is shown what is for %q", c.viewer, viewer)
		}
		if told[f.Entity] {
			w.t.Fatalf("%s is told twice at once", f.Entity)
		}
		told[f.Entity] = true
		c.known[f.Entity] = max(c.known[f.Entity], upTo)
	}
	c.place, c.cursor = place, cursor
}

// check holds of a client that stands at the end of the feed.
func (w *world) check(c *client) {
	for i, entity := range w.feed {
		if c.known[entity] < i+1 {
			w.t.Fatalf("%q at %d knows %s up to %d: it missed entry %d", c.viewer, c.cursor, entity, c.known[entity], i+1)
		}
	}
}

func TestStreamsMissNothingAtAnyPace(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		bounds := Bounds{Rounds: 1 + random.IntN(20), Frames: 1 + random.IntN(30), Bytes: 1 + random.IntN(500)}
		w := &world{t: t, random: random, streams: make(map[*client]bool)}
		w.log = New(bounds, func(c, other int) bool { return c >= other })
		w.log.Break(0)
		for range 1500 {
			switch n := random.IntN(100); {
			case n < 30:
				w.feed = append(w.feed, fmt.Sprint("e", random.IntN(12)))
			case n < 45 && w.reading == 0 && w.readTo < len(w.feed), n == 45 && w.reading != 0: // or once more
				w.begun, w.reading = w.log.Begin(), min(len(w.feed), w.readTo+8)
			case n < 60 && w.reading != 0:
				w.land()
			case n < 64 && len(w.streams) < 10:
				w.enter()
			case n == 64:
				for c := range w.streams {
					w.log.Leave(c.viewer)
					delete(w.streams, c)
					break
				}
			case n == 65 && random.IntN(20) == 0:
				w.log.Break(len(w.feed))
				w.readTo, w.reading = len(w.feed), 0
			default:
				for c := range w.streams {
					if random.IntN(3) == 0 {
						w.step(c)
					}
				}
			}
		}
		for w.readTo < len(w.feed) {
			w.begun, w.reading = w.log.Begin(), len(w.feed)
			w.land()
		}
		for c := range w.streams {
			for steps := 0; c.place == 0 || c.cursor < len(w.feed); steps++ {
				if steps > 10_000 {
					t.Fatalf("seed %d: a stream does not come to the end", seed)
				}
				w.step(c)
			}
			w.check(c)
		}
		w.checkSums()
	}
}

// checkSums holds at all times.
func (w *world) checkSums() {
	frames, bytes := 0, 0
	for _, r := range w.log.rounds {
		for _, f := range r.frames {
			if w.log.in[f.Entity] != r.number {
				w.t.Fatalf("%s is in round %d and said to be in %d", f.Entity, r.number, w.log.in[f.Entity])
			}
			frames++
			bytes += f.size()
		}
	}
	if frames != w.log.frames || bytes != w.log.bytes || frames != len(w.log.in) {
		w.t.Fatalf("%d frames of %d bytes, counted as %d of %d, and %d entities", frames, bytes, w.log.frames, w.log.bytes, len(w.log.in))
	}
	if b := w.log.bounds; len(w.log.rounds) > 2 && (frames > b.Frames || bytes > b.Bytes || len(w.log.rounds) > b.Rounds+1) {
		w.t.Fatalf("%d rounds, %d frames, %d bytes are beyond %+v", len(w.log.rounds), frames, bytes, b)
	}
}

func TestAStreamIsToldOnlyTheLatestOfEachEntity(t *testing.T) {
	l := New(Bounds{Rounds: 1000, Frames: 10, Bytes: 1000}, func(c, other int) bool { return c >= other })
	l.Break(0)
	l.Enter("ada")
	place, ok := l.Join(0, "ada")
	if !ok {
		t.Fatal("a stream at the end finds no place")
	}
	for i := range 500 {
		l.Begin()
		l.Land(i+1, []*Frame{{Entity: "hot", Plain: fmt.Append(nil, i)}})
	}
	frames, _, cursor, ok := l.Take(nil, place, 64)
	if !ok || cursor != 500 || len(frames) != 1 || string(frames[0].Plain) != "499" {
		t.Fatalf("%v, %v frames up to %v", ok, len(frames), cursor)
	}
}
