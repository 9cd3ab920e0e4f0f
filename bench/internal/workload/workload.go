// Package workload runs the workloads of WORKLOADS.md on a client in this process.
package workload

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// Names are all workloads, in the order in which they are reported.
var Names = []string{"W1", "W2", "W3", "W4", "W5", "W6", "W7", "E"}

// Errors of Run.
var (
	ErrUnknown = errors.New("unknown workload or form")
	ErrStuck   = errors.New("not finished in time")
)

//go:embed sizes.json
var sizesJSON []byte

// Sizes are how much of a workload one form runs. Budgets are milliseconds.
type Sizes struct {
	Pending    []int `json:"pending"`
	Chain      []int `json:"chain"`
	Entities   int   `json:"entities"`
	Rounds     int   `json:"rounds"`
	Operations int   `json:"operations"`
	Warmup     int   `json:"warmup"`
	Budget     int   `json:"budget"`
	Taps       taps  `json:"taps"`
}

// taps is a number in one workload and a list in another.
type taps []int

func (t *taps) UnmarshalJSON(data []byte) error {
	var one int
	if json.Unmarshal(data, &one) == nil {
		*t = taps{one}
		return nil
	}
	return json.Unmarshal(data, (*[]int)(t))
}

// SizesOf reads the sizes of a workload in a form, full or quick. The rivals'
// runner reads the same file.
func SizesOf(workload, form string) (Sizes, error) {
	var all map[string]map[string]Sizes
	if err := json.Unmarshal(sizesJSON, &all); err != nil {
		return Sizes{}, fmt.Errorf("sizes.json: %w", err)
	}
	s, ok := all[workload][form]
	if !ok {
		return Sizes{}, fmt.Errorf("%w: %q in form %q", ErrUnknown, workload, form)
	}
	return s, nil
}

// Run runs one workload on one library.
func Run(lib client.Library, workload, form string) ([]result.Cell, error) {
	sizes, err := SizesOf(workload, form)
	if err != nil {
		return nil, err
	}
	runs := map[string]func(client.Library, Sizes) []result.Cell{
		"W1": tapLatency, "W2": throughput, "W3": bursts, "W4": chains,
		"W5": pushes, "W6": memory, "W7": storm, "E": correctness,
	}
	return runs[workload](lib, sizes), nil
}

// session is one client and its server.
type session struct {
	client.Client
	server *server.Server
	ids    []string
}

// open makes a session whose client knows the truth of that many entities.
func open(lib client.Library, so server.Options, co client.Options, entities int) (*session, error) {
	s := &session{server: server.New(so)}
	c, err := lib.New(s.server, co)
	if err != nil {
		return nil, err
	}
	s.Client = c
	s.ids = make([]string, entities)
	for i := range s.ids {
		s.ids[i] = fmt.Sprintf("e%d", i)
	}
	return s, c.Load(s.ids)
}

// arrived waits until a call of the entity stands before the held server.
func (s *session) arrived(id string) error {
	return waitFor(3*time.Second, "a call of "+id, func() bool { return s.server.Held(id) })
}

// flush waits for everything, but not for ever.
func (s *session) flush() error {
	done := make(chan error, 1)
	go func() { done <- s.Flush() }()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%w: flush", ErrStuck)
	}
}

// settled waits for the ends of taps, debounces included.
func settled(tickets []client.Ticket) error {
	deadline := time.After(30 * time.Second)
	for _, t := range tickets {
		if t == nil {
			continue // the floor tells nothing
		}
		select {
		case <-t.Done():
		case <-deadline:
			return fmt.Errorf("%w: an operation is unsettled", ErrStuck)
		}
	}
	return nil
}

func waitFor(limit time.Duration, what string, ok func() bool) error {
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s", ErrStuck, what)
		}
	}
	return nil
}

// micros are the microseconds since start.
func micros(start time.Time) float64 { return float64(time.Since(start)) / 1e3 }

// fail turns a cell into the report of an error.
func fail(c *result.Cell, err error) {
	c.Right = false
	c.Error = err.Error()
}

func set(on bool) model.Op { return model.Op{Kind: model.Set, On: on} }

var addOne = model.Op{Kind: model.Add, N: 1}

func ref(v float64) *float64 { return &v }
