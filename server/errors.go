package server

import "time"

// Refusal is an error by which the program refuses an operation. Nothing of the operation
// stays, and its key is free again. The client is answered with a problem (RFC 9457).
type Refusal struct {
	// Status is an HTTP status from 400 to 499.
	Status int
	// Type is the problem's type, a URI reference; empty is that of the status: see
	// [Problem].
	Type string
	// Detail is a sentence for the person who reads it.
	Detail string
	// Field names the argument that is to blame; empty: none is.
	Field string
	// With is added to the problem under its own names, encoded as JSON object; nil: nothing.
	With any
	// RetryAfter is when it may be tried again; 0: not said.
	RetryAfter time.Duration
	// Truth says that the truth of the operation's entities is sent beside the refusal.
	// It always is beside a 404, 409 and 410.
	Truth bool
}

func (e *Refusal) Error() string { return e.Detail }

// Already is the result of a function of the program that found all as it was wanted.
// The operation is confirmed and its key kept. No version grows, and the rest of what
// the function has written is kept.
var Already error = already{}

type already struct{}

func (already) Error() string { return "all is as wanted already" }
