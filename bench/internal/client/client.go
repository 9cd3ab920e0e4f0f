// Package client adapts this repository's library, and the floor below it, to the
// workloads of the comparison.
package client

import (
	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/server"
)

// Client is one user's program over a server.
type Client interface {
	// Load tells the client the truth of entities.
	Load(ids []string) error
	// Tap changes an entity; the view has changed when it returns.
	Tap(id string, op model.Op) (Ticket, error)
	// View returns the state on the screen.
	View(id string) model.State
	// Receive takes a push of the server.
	Receive(id string, t server.Truth) error
	// Flush waits until everything is settled.
	Flush() error
	Close() error
}

// Ticket follows a tap to its end.
type Ticket interface {
	Done() <-chan struct{}
	// Fate returns the end of the tap, or Open before it.
	Fate() Fate
}

// Fate is the end of a tap.
type Fate uint8

const (
	Open      Fate = iota
	Confirmed      // the server has it
	Refused        // the server will never have it
	GivenUp        // the client stopped trying
	Replaced       // a later tap took its place
)

// Options say how a client behaves.
type Options struct {
	// Debounce is false where a workload sends every tap at once.
	Debounce bool
	// FastRetry shortens the waits between attempts to 10 ms x 2^n.
	FastRetry bool
}

// Library is a library that can be measured.
type Library struct {
	Name, Title, Doc string
	// Variants are other documented ways to use it, for the workloads that tell.
	Variants []string
	New      func(s *server.Server, o Options) (Client, error)
}

// Libraries are those that run in this process.
var Libraries = []Library{
	{Name: "optimist", Title: "optimist", Doc: "README.md", Variants: []string{NoDebounce}, New: newOurs},
	{Name: "floor-go", Title: "floor (Go)", Doc: "bench/internal/client/floor.go", New: newFloor},
}

// NoDebounce is the variant that sends every tap as soon as its turn comes.
const NoDebounce = "no debounce"
