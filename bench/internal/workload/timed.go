package workload

import (
	"fmt"
	"runtime"
	"time"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// tapLatency is W1: a tap with other entities pending, until the view has changed.
func tapLatency(lib client.Library, sizes Sizes) []result.Cell {
	var cells []result.Cell
	for _, pending := range sizes.Pending {
		c := result.Cell{Params: map[string]any{"pending": pending}, Unit: "us", Right: true}
		if err := tapsBeside(lib, sizes, pending, &c); err != nil {
			fail(&c, err)
		}
		cells = append(cells, c)
	}
	return cells
}

func tapsBeside(lib client.Library, sizes Sizes, pending int, c *result.Cell) error {
	n := sizes.Warmup + sizes.Taps[0]
	s, err := open(lib, server.Options{Hold: true}, client.Options{Debounce: true}, pending+n)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, id := range s.ids[:pending] {
		if _, err := s.Tap(id, set(true)); err != nil {
			return err
		}
	}
	runtime.GC()
	values := make([]float64, 0, n)
	for _, id := range s.ids[pending:] {
		start := time.Now()
		if _, err := s.Tap(id, set(true)); err != nil {
			return err
		}
		liked := s.View(id).Liked
		values = append(values, micros(start))
		if !liked {
			c.Right = false
		}
	}
	c.Reached = pending
	c.Metrics = map[string]float64{"cached": float64(len(s.ids))}
	c.Summarise(values[sizes.Warmup:])
	return nil
}

// throughput is W2: rounds of taps over many entities until every one is settled.
func throughput(lib client.Library, sizes Sizes) []result.Cell {
	c := result.Cell{
		Params: map[string]any{"entities": sizes.Entities, "rounds": sizes.Rounds}, Unit: "us/tap",
	}
	if err := tapUntilSettled(lib, sizes, &c); err != nil {
		fail(&c, err)
	}
	return []result.Cell{c}
}

func tapUntilSettled(lib client.Library, sizes Sizes, c *result.Cell) error {
	s, err := open(lib, server.Options{}, client.Options{}, sizes.Entities)
	if err != nil {
		return err
	}
	defer s.Close()
	runtime.GC()
	start := time.Now()
	for r := range sizes.Rounds {
		for _, id := range s.ids {
			if _, err := s.Tap(id, set(r%2 == 0)); err != nil {
				return err
			}
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	took := micros(start)
	wrong := 0
	for _, id := range s.ids {
		if !model.Equal(s.View(id), s.server.Truth(id).State) {
			wrong++
		}
	}
	taps := sizes.Entities * sizes.Rounds
	c.Reached, c.N, c.Mean = taps, taps, ref(took/float64(taps))
	c.Metrics = map[string]float64{
		"calls": float64(s.server.Calls()), "taps_per_s": float64(taps) / (took / 1e6),
	}
	c.Right = wrong == 0
	c.Got = fmt.Sprintf("%d of %d views differ from the server", wrong, sizes.Entities)
	return nil
}

// chains is W4: a chain of unsettled operations on one entity whose first fails.
func chains(lib client.Library, sizes Sizes) []result.Cell {
	var cells []result.Cell
	for _, length := range sizes.Chain {
		c := result.Cell{Params: map[string]any{"chain": length}, Unit: "us"}
		if err := failFirst(lib, length, &c); err != nil {
			fail(&c, err)
		}
		cells = append(cells, c)
	}
	return cells
}

func failFirst(lib client.Library, length int, c *result.Cell) error {
	s, err := open(lib, server.Options{Hold: true}, client.Options{}, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	id := s.ids[0]
	first, err := s.Tap(id, addOne)
	if err != nil {
		return err
	}
	for range length - 1 {
		if _, err := s.Tap(id, addOne); err != nil {
			return err
		}
	}
	if err := s.arrived(id); err != nil {
		return err
	}
	runtime.GC()
	done := first.Done()
	start := time.Now()
	s.server.Release(id, model.Permanent)
	<-done
	view := s.View(id)
	c.Value = ref(micros(start))
	c.Reached = length
	c.Right = view.Count == length-1
	c.Want, c.Got = fmt.Sprint(length-1), fmt.Sprint(view.Count)
	return nil
}

// pushes is W5: the server speaks about entities that have an operation pending.
func pushes(lib client.Library, sizes Sizes) []result.Cell {
	n := sizes.Entities
	c := result.Cell{Params: map[string]any{"pushes": n, "pending": n}, Unit: "us", Want: "11"}
	if err := pushUnderPending(lib, n, &c); err != nil {
		fail(&c, err)
	}
	return []result.Cell{c}
}

func pushUnderPending(lib client.Library, n int, c *result.Cell) error {
	s, err := open(lib, server.Options{Hold: true}, client.Options{}, n)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, id := range s.ids {
		if _, err := s.Tap(id, addOne); err != nil {
			return err
		}
	}
	runtime.GC()
	values := make([]float64, 0, n)
	for _, id := range s.ids {
		truth := s.server.Change(id, func(p *model.State) { p.Count = 10 })
		start := time.Now()
		if err := s.Receive(id, truth); err != nil {
			return err
		}
		values = append(values, micros(start))
	}
	right := 0
	for _, id := range s.ids {
		if s.View(id).Count == 11 {
			right++
		}
	}
	c.Reached = n
	c.Summarise(values)
	c.Right = right == n
	c.Got = fmt.Sprintf("%d of %d views show 11; the first shows %d", right, n, s.View(s.ids[0]).Count)
	return nil
}

// memory is W6: heap per pending operation, and the rest after settling.
func memory(lib client.Library, sizes Sizes) []result.Cell {
	n := sizes.Operations
	c := result.Cell{Params: map[string]any{"operations": n}, Unit: "bytes/op", Right: true}
	if err := heapPerOp(lib, sizes, &c); err != nil {
		fail(&c, err)
	}
	return []result.Cell{c}
}

func heapPerOp(lib client.Library, sizes Sizes, c *result.Cell) error {
	n := sizes.Operations
	s, err := open(lib, server.Options{Hold: true}, client.Options{Debounce: true}, n+sizes.Warmup)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, id := range s.ids[n:] {
		if _, err := s.Tap(id, set(true)); err != nil {
			return err
		}
	}
	for _, id := range s.ids[n:] {
		if err := s.arrived(id); err != nil {
			return err
		}
		s.server.Release(id, model.OK)
	}
	before := heap()
	for _, id := range s.ids[:n] {
		if _, err := s.Tap(id, set(true)); err != nil {
			return err
		}
	}
	full := heap()
	c.Reached = n
	c.Value = ref((full - before) / float64(n))
	s.server.Open()
	if err := s.flush(); err != nil {
		return err
	}
	time.Sleep(400 * time.Millisecond) // the floor's timers
	s.server.Forget()
	c.Metrics = map[string]float64{"left_bytes_per_op": (heap() - before) / float64(n)}
	runtime.KeepAlive(s)
	return nil
}

func heap() float64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
