// Package model is the model of WORKLOADS.md: one kind of entity, four kinds of
// operation, and the faults drawn for them. The rivals' runner has the same.
package model

import "slices"

// State is an entity as a client or the server sees it. List is never changed in
// place.
type State struct {
	Liked bool
	Count int
	X, Y  int
	List  []string
}

// Initial is the state in which every entity begins.
func Initial() State { return State{List: []string{"a"}} }

// Equal reports whether two states look the same to a person.
func Equal(a, b State) bool {
	return a.Liked == b.Liked && a.Count == b.Count && a.X == b.X && a.Y == b.Y && slices.Equal(a.List, b.List)
}

// Kind is the kind of an operation.
type Kind uint8

const (
	Set   Kind = iota + 1 // Liked becomes On
	Add                   // Count grows by N
	Push                  // Item is added to List
	Field                 // X or Y, as Name says, becomes N
)

// Op is a change that a user made.
type Op struct {
	Kind Kind
	// Tap numbers it, for the server's audit of effects; 0 is not audited. No
	// library uses it.
	Tap  int
	On   bool
	N    int
	Item string
	Name string
}

// Apply returns the state after op; s is left alone.
func Apply(s State, op Op) State {
	switch op.Kind {
	case Set:
		s.Liked = op.On
	case Add:
		s.Count += op.N
	case Push:
		s.List = append(slices.Clone(s.List), op.Item)
	case Field:
		if op.Name == "x" {
			s.X = op.N
		} else {
			s.Y = op.N
		}
	}
	return s
}

// Draw is a number in [0, 1) that depends on nothing but its arguments.
func Draw(stream, op, attempt uint32) float64 {
	x := stream*0x9e3779b1 + op*0x85ebca6b + attempt*0xc2b2ae35
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	x *= 0xc2b2ae35
	x ^= x >> 16
	return float64(x) / (1 << 32)
}

// Outcome is the end of an attempt to reach the server.
type Outcome uint8

const (
	OK        Outcome = iota // applied and answered
	Transient                // not applied, "busy"
	Permanent                // not applied, "refused"
	Lost                     // applied, and the answer never arrives
)

// Storm draws the fate of an attempt in W7: 5 % of the operations are refused for
// good; of the attempts of the others 30 % fail, and 5 % are applied but never
// answered.
func Storm(op, attempt uint32) Outcome {
	if Draw(1, op, 0) < 0.05 {
		return Permanent
	}
	switch u := Draw(2, op, attempt); {
	case u < 0.30:
		return Transient
	case u < 0.35:
		return Lost
	}
	return OK
}

// StormLatency draws the milliseconds that an attempt takes in W7.
func StormLatency(op, attempt uint32) int { return int(Draw(3, op, attempt) * 6) }
