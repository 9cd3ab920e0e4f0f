package server

import (
	"context"
	"sync"
	"time"
)

// flight is an operation that is being carried out in this process.
type flight struct {
	// ctx is the context of the request. A flight whose ctx has ended before the work
	// begins is not carried out.
	ctx       context.Context
	operation *operation
	key       Key
	age       time.Duration // of the key; see WithKeyAge
	args      any
	entities  []string // distinct, at least one

	// landed is closed when the fields below it have their final values.
	landed  chan struct{}
	outcome Outcome
	err     error
}

// op returns the operation as the program sees it, before entities are locked.
func (f *flight) op() Op {
	op := Op{Name: f.operation.name, Key: f.key.Key, User: f.key.User, Args: f.args}
	for _, id := range f.entities {
		op.Entities = append(op.Entities, Entity{ID: id})
	}
	return op
}

// joined waits for f and returns the result for a later request with the same key.
// settled is false when f was not carried out: the key is free again.
func (f *flight) joined(ctx context.Context, later *flight) (outcome Outcome, err error, settled bool) {
	select {
	case <-f.landed:
	case <-ctx.Done():
		return Outcome{}, ctx.Err(), true
	}
	if f.err != nil {
		return Outcome{}, nil, false
	}
	outcome, err = replay(f.key, later.key, f.outcome)
	return outcome, err, true
}

// replay answers a request whose key was carried out before.
func replay(first, later Key, outcome Outcome) (Outcome, error) {
	if first.Fingerprint != later.Fingerprint {
		return Outcome{}, &Refusal{Status: 422, Type: ProblemKeyReused, Detail: "this key belongs to another operation"}
	}
	outcome.Replayed = true
	return outcome, nil
}

// flights are the flights of this process, by key: a repeated request joins the
// first one.
type flights struct {
	// mu guards the field below it.
	mu    sync.Mutex
	byKey map[flightKey]*flight // not landed
}

type flightKey struct{ user, key string }

// enter returns f, or the earlier flight with the same key that has not landed.
func (s *flights) enter(f *flight) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := flightKey{f.key.User, f.key.Key}
	if first := s.byKey[name]; first != nil {
		return first
	}
	if s.byKey == nil {
		s.byKey = make(map[flightKey]*flight)
	}
	s.byKey[name] = f
	return f
}

// land ends the flight.
func (s *flights) land(f *flight, outcome Outcome, err error) {
	s.mu.Lock()
	delete(s.byKey, flightKey{f.key.User, f.key.Key})
	s.mu.Unlock()
	f.outcome, f.err = outcome, err
	close(f.landed)
}
