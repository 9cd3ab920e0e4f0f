// Package server is the server in the same process that every library of the
// comparison talks to: versions, latencies, faults, and a count of effects.
package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist/bench/internal/model"
)

// Errors of a call.
var (
	ErrBusy     = errors.New("busy")
	ErrRefused  = errors.New("refused")
	ErrNoAnswer = errors.New("no answer")
)

// Truth is the server's state of an entity and its count of changes.
type Truth struct {
	model.State
	Version uint64
}

// Options say how the server behaves. The zero value answers everything at once.
type Options struct {
	// Latencies in milliseconds are used in turn, by the order of calls.
	Latencies []int
	// Storm draws latencies and outcomes as W7 says.
	Storm bool
	// Hold keeps every call until Release.
	Hold bool
}

// Server is safe for concurrent use.
type Server struct {
	opts Options

	mu       sync.Mutex
	calls    int
	entities map[string]Truth
	keys     map[string]*operation
	audit    map[int]int                     // tap -> times that it took effect, under any key
	held     map[string][]chan model.Outcome // by entity, first come first
	holding  bool
}

// operation is the server's record of an idempotency key.
type operation struct {
	n        uint32 // by the order in which keys first arrived
	attempts uint32
	effects  int
}

// New makes a server on which every entity is in its initial state.
func New(opts Options) *Server {
	return &Server{
		opts:     opts,
		entities: map[string]Truth{},
		keys:     map[string]*operation{},
		audit:    map[int]int{},
		held:     map[string][]chan model.Outcome{},
		holding:  opts.Hold,
	}
}

// Call is one request that carries one operation. A key that was applied before is
// answered with the truth and has no second effect; an empty key is never
// recognised.
func (s *Server) Call(ctx context.Context, key, entity string, op model.Op) (Truth, error) {
	s.mu.Lock()
	n := s.calls
	s.calls++
	known := s.operationLocked(key)
	attempt := known.attempts
	known.attempts++
	var wait chan model.Outcome
	if s.holding {
		wait = make(chan model.Outcome, 1)
		s.held[entity] = append(s.held[entity], wait)
	}
	s.mu.Unlock()

	outcome := model.OK
	latency := 0
	switch {
	case wait != nil:
		select {
		case outcome = <-wait:
		case <-ctx.Done():
			return Truth{}, ctx.Err()
		}
	case s.opts.Storm:
		outcome, latency = model.Storm(known.n, attempt), model.StormLatency(known.n, attempt)
	case len(s.opts.Latencies) > 0:
		latency = s.opts.Latencies[n%len(s.opts.Latencies)]
	}
	if latency > 0 {
		time.Sleep(time.Duration(latency) * time.Millisecond)
	}
	return s.settle(known, entity, op, outcome)
}

func (s *Server) operationLocked(key string) *operation {
	if key != "" && s.keys[key] != nil {
		return s.keys[key]
	}
	o := &operation{n: uint32(len(s.keys) + 1)}
	if key != "" {
		s.keys[key] = o
	}
	return o
}

func (s *Server) settle(o *operation, entity string, op model.Op, outcome model.Outcome) (Truth, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch outcome {
	case model.Transient:
		return Truth{}, ErrBusy
	case model.Permanent:
		return Truth{}, ErrRefused
	}
	if o.effects == 0 {
		before := s.truthLocked(entity)
		s.entities[entity] = Truth{State: model.Apply(before.State, op), Version: before.Version + 1}
		o.effects++
		if op.Tap != 0 {
			s.audit[op.Tap]++
		}
	}
	if outcome == model.Lost {
		return Truth{}, ErrNoAnswer
	}
	return s.truthLocked(entity), nil
}

// Truth is the server's state of an entity.
func (s *Server) Truth(entity string) Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.truthLocked(entity)
}

func (s *Server) truthLocked(entity string) Truth {
	if t, ok := s.entities[entity]; ok {
		return t
	}
	return Truth{State: model.Initial(), Version: 1}
}

// Change makes another client's change of an entity.
func (s *Server) Change(entity string, change func(*model.State)) Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.truthLocked(entity)
	change(&t.State)
	t.Version++
	s.entities[entity] = t
	return t
}

// Held reports whether a call of the entity waits for Release.
func (s *Server) Held(entity string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held[entity]) > 0
}

// Release lets the entity's oldest held call end; false if there is none.
func (s *Server) Release(entity string, outcome model.Outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.held[entity]
	if len(waiting) == 0 {
		return false
	}
	if s.held[entity] = waiting[1:]; len(waiting) == 1 {
		delete(s.held, entity)
	}
	waiting[0] <- outcome
	return true
}

// Open answers everything held and holds nothing from now on.
func (s *Server) Open() {
	s.mu.Lock()
	s.holding = false
	entities := slices.Collect(maps.Keys(s.held))
	s.mu.Unlock()
	for _, entity := range entities {
		for s.Release(entity, model.OK) {
		}
	}
}

// Calls is the number of requests so far.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Effects is how often the change of a tap took effect.
func (s *Server) Effects(tap int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.audit[tap]
}

// Duplicates counts the taps whose change took effect more than once.
func (s *Server) Duplicates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, times := range s.audit {
		if times > 1 {
			n++
		}
	}
	return n
}

// Forget drops the server's records, so that they do not count as a client's
// memory.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.audit, s.entities = map[string]*operation{}, map[int]int{}, map[string]Truth{}
}
