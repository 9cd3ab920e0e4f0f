package engagement

import (
	"context"
	"errors"
)

// Code is the kind of an error, for machines.
type Code string

// The codes of errors that cross the border of this package.
const (
	// Invalid: a value is out of its bounds.
	Invalid Code = "invalid"
	// Unauthenticated: the session is missing, forged, expired or ended.
	Unauthenticated Code = "unauthenticated"
	// Forbidden: it belongs to another user.
	Forbidden Code = "forbidden"
	// NotFound: it does not exist and never did.
	NotFound Code = "not_found"
	// Gone: it was deleted.
	Gone Code = "gone"
	// Conflict: a newer operation won, or the id is taken. The operation was not applied,
	// and its key is free.
	Conflict Code = "conflict"
	// KeyReused: the key belongs to an operation with another payload.
	KeyReused Code = "key_reused"
	// InProgress: the first call with the key is still running.
	InProgress Code = "in_progress"
	// KeyExpired: the key is so old that its operation may be forgotten. The operation
	// was not applied now, and will not be.
	KeyExpired Code = "key_expired"
	// Unavailable: the store cannot do it now; the request is right.
	Unavailable Code = "unavailable"
	// Unsure: whether the operation was carried out is not known; a call with its key tells.
	Unsure Code = "unsure"
	// Internal: every other error. Its message is not for users.
	Internal Code = "internal"
)

// Error is an error with a code for machines and a message for people.
type Error struct {
	Code    Code
	Message string

	// Field is the part of the operation to blame; empty: no single part.
	Field string

	// Winner is the last applied stamp of the slot, when Code is Conflict and a
	// newer operation is the reason. Zero otherwise.
	Winner Stamp

	// Cause is the error underneath, for the log; nil: there is none.
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
