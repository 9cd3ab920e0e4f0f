package server

import "time"

// Refusal is an error by which the program refuses an operation. Nothing of the operation
// stays, and its key is free again. The client is answered with a [Problem] (RFC 9457).
type Refusal struct {
	// Status is an HTTP status from 400 to 499.
	Status int
	// Type is the problem's type, a URI reference; empty means the type for the status: see
	// [Problem].
	Type string
	// Detail is a sentence for the person who reads it.
	Detail string
	// Field names the argument that is to blame; empty: no single argument.
	Field string
	// With is encoded as a JSON object, whose fields are added to the problem; nil adds
	// nothing.
	With any
	// RetryAfter is the time to wait before the next try; 0: not said.
	RetryAfter time.Duration
	// Truth adds the truth of the operation's entities to the answer. A 404, 409 or 410 has
	// it in any case.
	Truth bool
}

func (e *Refusal) Error() string { return e.Detail }

// Already is returned by a function of the program that found the operation's effect
// already there. The operation is confirmed and its key kept. No version grows; rows that
// the function has written stay.
var Already error = already{}

type already struct{}

func (already) Error() string { return "all is as wanted already" }
