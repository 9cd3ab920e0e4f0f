package engagement

import (
	"context"
	"errors"
)

// Code says for machines what went wrong.
type Code string

// The codes of errors that cross the border of this package.
const (
	// Invalid: a value is out of its bounds.
	Invalid Code = "invalid"
	// Unauthenticated: the session is missing, forged, expired or ended.
	Unauthenticated Code = "unauthenticated"
	// Forbidden: it belongs to somebody else.
	Forbidden Code = "forbidden"
	// NotFound: there is no such thing, and never was.
	NotFound Code = "not_found"
	// Gone: it was deleted.
	Gone Code = "gone"
	// Conflict: a newer operation won, or the id is taken. Not applied, not
	// remembered: the same key may come again.
	Conflict Code = "conflict"
	// KeyReused: the key belongs to an operation with another payload.
	KeyReused Code = "key_reused"
	// InProgress: the first call with the key is still running.
	InProgress Code = "in_progress"
	// KeyExpired: the key is so old that its operation may be forgotten. Not applied, and
	// it never will be.
	KeyExpired Code = "key_expired"
	// Unavailable: not now; nothing is wrong with the request.
	Unavailable Code = "unavailable"
	// Internal: everything else. Its message is not for users.
	Internal Code = "internal"
)

// Error is an error with a code for machines and a message for people.
type Error struct {
	Code    Code
	Message string

	// Field is the part of the operation to blame; empty when none is.
	Field string

	// Winner is the last applied stamp of the slot, when Code is Conflict and a
	// newer operation is the reason. Zero otherwise.
	Winner Stamp

	// Cause is the error underneath, for the log; nil when there is none.
	Cause error
}

func (e *Error) Error() string {
	text := "engagement: " + string(e.Code) + ": " + e.Message
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ErrorCode returns the code of err: "" for nil, Unavailable for a context that
// has ended, Internal for every error that is not of this package.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}
