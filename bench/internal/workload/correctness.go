package workload

import (
	"fmt"
	"strings"
	"time"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// story is one of E1 to E6: two operations on one entity and how the server answers
// them, or (second.Kind 0) one operation and a push under it.
type story struct {
	row           string
	first, second model.Op
	ends          [2]model.Outcome
	read          func(model.State) string
	want          string
}

func count(p model.State) string { return fmt.Sprint(p.Count) }

func list(p model.State) string { return "[" + strings.Join(p.List, " ") + "]" }

func fields(p model.State) string { return fmt.Sprintf("x%d y%d", p.X, p.Y) }

var stories = []story{
	{"E1", addOne, addOne, [2]model.Outcome{model.Permanent, model.OK}, count, "1 → 1"},
	{"E2", addOne, addOne, [2]model.Outcome{model.Permanent, model.Permanent}, count, "1 → 0"},
	{
		"E3", model.Op{Kind: model.Push, Item: "b"}, model.Op{Kind: model.Push, Item: "c"},
		[2]model.Outcome{model.Permanent, model.Permanent}, list, "[a c] → [a]",
	},
	{"E4", addOne, addOne, [2]model.Outcome{model.OK, model.Permanent}, count, "2 → 1"},
	{row: "E5", first: addOne, read: count, want: "11 → 11"},
	{
		"E6", model.Op{Kind: model.Field, Name: "x", N: 5}, model.Op{Kind: model.Field, Name: "y", N: 7},
		[2]model.Outcome{model.Permanent, model.OK}, fields, "x0 y7 → x0 y7",
	},
}

// correctness is E1 to E8: small stories with one right ending each.
func correctness(lib client.Library, _ Sizes) []result.Cell {
	var cells []result.Cell
	for _, st := range stories {
		c := result.Cell{Params: map[string]any{"row": st.row}, Unit: "story", Want: st.want}
		seen, err := st.tell(lib)
		c.Got = strings.Join(seen, " → ")
		c.Right = c.Got == st.want
		if err != nil {
			fail(&c, err)
		}
		cells = append(cells, c)
	}
	for _, variant := range variants(lib) {
		e7 := result.Cell{
			Params: map[string]any{"row": "E7"}, Variant: variant, Unit: "story",
			Want: "server OFF, screen OFF",
		}
		e8 := e7
		e8.Params = map[string]any{"row": "E8"}
		e8.Want = "server OFF, screen OFF, calls 0"
		if err := tapsOf(lib, variant, 4, latencies, false, &e7); err != nil {
			fail(&e7, err)
		}
		if err := tapsOf(lib, variant, 2, []int{5}, true, &e8); err != nil {
			fail(&e8, err)
		}
		cells = append(cells, e7, e8)
	}
	return cells
}

// tell returns the views 30 ms after each of the server's two answers.
func (st story) tell(lib client.Library) (seen []string, err error) {
	s, err := open(lib, server.Options{Hold: true}, client.Options{Debounce: true}, 1)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	id := s.ids[0]
	first, err := s.Tap(id, st.first)
	if err != nil {
		return nil, err
	}
	tickets := []client.Ticket{first}
	if st.second.Kind != 0 {
		second, err := s.Tap(id, st.second)
		if err != nil {
			return nil, err
		}
		tickets = append(tickets, second)
	}
	if err := s.arrived(id); err != nil {
		return nil, err
	}
	time.Sleep(20 * time.Millisecond)
	if st.second.Kind != 0 {
		s.server.Release(id, st.ends[0])
	} else {
		truth := s.server.Change(id, func(p *model.State) { p.Count = 10 })
		if err := s.Receive(id, truth); err != nil {
			return nil, err
		}
	}
	time.Sleep(30 * time.Millisecond)
	seen = append(seen, st.read(s.View(id)))
	if err := s.arrived(id); err != nil {
		return seen, err
	}
	s.server.Release(id, st.ends[1])
	if err := settled(tickets); err != nil {
		return seen, err
	}
	time.Sleep(30 * time.Millisecond)
	return append(seen, st.read(s.View(id))), nil
}

// tapsOf tells E7 and E8: taps on a toggle that ends OFF, and how often the screen
// turned over.
func tapsOf(lib client.Library, variant string, n int, lat []int, noCalls bool, c *result.Cell) error {
	s, err := open(lib, server.Options{Latencies: lat}, client.Options{Debounce: variant == ""}, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	id := s.ids[0]
	flips, shown := 0, false
	look := func() {
		if now := s.View(id).Liked; now != shown {
			shown = now
			flips++
		}
	}
	var tickets []client.Ticket
	for k := 1; k <= n; k++ {
		t, err := s.Tap(id, set(k%2 == 1))
		if err != nil {
			return err
		}
		tickets = append(tickets, t)
		look()
	}
	done := make(chan error, 1)
	go func() { done <- settled(tickets) }()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			ended = true
		case <-time.After(200 * time.Microsecond):
		}
		look()
	}
	time.Sleep(50 * time.Millisecond)
	look()
	on, calls := s.server.Truth(id).Liked, s.server.Calls()
	c.Right = !on && !shown && (!noCalls || calls == 0)
	c.Got = fmt.Sprintf("server %s, screen %s, calls %d, flips %d", word(on), word(shown), calls, flips)
	c.Metrics = map[string]float64{"calls": float64(calls), "flips": float64(flips)}
	return nil
}
