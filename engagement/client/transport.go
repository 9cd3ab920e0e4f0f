package client

import (
	"context"
	"errors"
	"time"
)

// Transport reaches the server. Implementations are safe for concurrent use.
type Transport interface {
	// RoundTrip sends one request and returns the whole answer, with any status. An
	// error means that no answer came: [ErrUnreachable] when the request cannot have
	// arrived, any other error when it may have arrived.
	RoundTrip(ctx context.Context, r Request) (Response, error)

	// Stream reads the server's events for a viewer from a [wire.Position] on
	// (empty: from now on) and passes each to take, one at a time, until the stream
	// or ctx ends. It always returns an error with the reason of the end. take does
	// not wait for the network; after the end of ctx, events already received may
	// still be passed to take.
	Stream(ctx context.Context, viewer string, after string, take func(Event)) error
}

// StreamPath returns the path of the stream of events after a position.
func StreamPath(after string) string { return "/v1/events?after=" + after }

// ErrUnreachable is the error of a request that did not reach the server.
var ErrUnreachable = errors.New("the server cannot be reached")

// Request is one request to the server.
type Request struct {
	Method string
	Path   string // with its query
	Key    string // Idempotency-Key; empty for requests that change nothing
	Body   []byte // JSON; nil without one
}

// Response is the answer to a Request.
type Response struct {
	Status     int
	RetryAfter time.Duration // 0: the server did not say
	Body       []byte
}

// Event is one server-sent event.
type Event struct {
	Name string
	ID   string // empty without one
	Data []byte
}
