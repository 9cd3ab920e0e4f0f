package workload

import (
	"fmt"
	"time"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// latencies let later answers overtake earlier ones.
var latencies = []int{60, 10, 40, 5}

// variants are the usual way to use a library, and its others.
func variants(lib client.Library) []string { return append([]string{""}, lib.Variants...) }

// bursts is W3: a burst of taps on one toggle while answers overtake each other.
func bursts(lib client.Library, sizes Sizes) []result.Cell {
	var cells []result.Cell
	for _, variant := range variants(lib) {
		for _, n := range sizes.Taps {
			if variant != "" && n > 100 {
				continue
			}
			c := result.Cell{Params: map[string]any{"taps": n}, Variant: variant, Unit: "calls"}
			if err := burst(lib, variant, n, &c); err != nil {
				fail(&c, err)
			}
			cells = append(cells, c)
		}
	}
	return cells
}

func burst(lib client.Library, variant string, n int, c *result.Cell) error {
	s, err := open(lib, server.Options{Latencies: latencies}, client.Options{Debounce: variant == ""}, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	id := s.ids[0]
	var tickets []client.Ticket
	for k := 1; k <= n; k++ {
		t, err := s.Tap(id, set(k%2 == 1))
		if err != nil {
			return err
		}
		tickets = append(tickets, t)
		time.Sleep(time.Millisecond)
	}
	if err := settled(tickets); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	want := n%2 == 1
	got, view := s.server.Truth(id).Liked, s.View(id).Liked
	c.Value = ref(float64(s.server.Calls()))
	c.Metrics = map[string]float64{"calls": *c.Value}
	c.Right = got == want && view == want
	c.Want = word(want)
	c.Got = fmt.Sprintf("server %s, screen %s", word(got), word(view))
	return nil
}

func word(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// storm is W7: many taps through a bad network; the final states of the screen and
// the server.
func storm(lib client.Library, sizes Sizes) []result.Cell {
	c := result.Cell{
		Params: map[string]any{"entities": sizes.Entities, "rounds": sizes.Rounds}, Unit: "entities",
		Want: "no view differs from the server, nothing happens twice",
	}
	if err := tapInStorm(lib, sizes, &c); err != nil {
		fail(&c, err)
	}
	return []result.Cell{c}
}

// tapped is a tap whose end will be looked at.
type tapped struct {
	entity string
	op     model.Op
	ticket client.Ticket
}

func tapInStorm(lib client.Library, sizes Sizes, c *result.Cell) error {
	s, err := open(lib, server.Options{Storm: true}, client.Options{Debounce: true, FastRetry: true}, sizes.Entities)
	if err != nil {
		return err
	}
	defer s.Close()
	start := time.Now()
	var all []tapped
	var tickets []client.Ticket
	for r := range sizes.Rounds {
		for _, id := range s.ids {
			op := set(r%4 == 0)
			if r%2 == 1 {
				op = addOne
			}
			op.Tap = len(all) + 1
			t, err := s.Tap(id, op)
			if err != nil {
				return err
			}
			all, tickets = append(all, tapped{id, op, t}), append(tickets, t)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if err := settled(tickets); err != nil {
		return err
	}
	took := time.Since(start)
	time.Sleep(100 * time.Millisecond)
	diverged := 0
	for _, id := range s.ids {
		if !model.Equal(s.View(id), s.server.Truth(id).State) {
			diverged++
		}
	}
	missing, lost := s.losses(all)
	duplicates := s.server.Duplicates()
	c.Reached = len(all)
	c.Value = ref(float64(diverged))
	c.Metrics = map[string]float64{
		"diverged": float64(diverged), "duplicates": float64(duplicates), "missing": float64(missing),
		"last_intent_lost": float64(lost), "calls": float64(s.server.Calls()), "settled_ms": float64(took.Milliseconds()),
	}
	c.Right = diverged == 0 && duplicates == 0
	c.Got = fmt.Sprintf("%d of %d views differ, %d effects twice, %d additions missing, %d last taps lost",
		diverged, len(s.ids), duplicates, missing, lost)
	return nil
}

// losses counts the additions that the server did not refuse and yet never took,
// and the entities that do not end on their last toggle that it did not refuse.
func (s *session) losses(all []tapped) (missing, lost int) {
	want := map[string]bool{}
	for _, t := range all {
		if t.ticket != nil && t.ticket.Fate() == client.Refused {
			continue
		}
		if t.op.Kind == model.Set {
			want[t.entity] = t.op.On
		} else if s.server.Effects(t.op.Tap) == 0 {
			missing++
		}
	}
	for id, on := range want {
		if s.server.Truth(id).Liked != on {
			lost++
		}
	}
	return missing, lost
}
