package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Options of a Kit. Zero means the default that is named. No field may be negative.
type Options struct {
	// User says who sent the request; "" is nobody, who may read and not act. An error
	// refuses the request: a [*Refusal] as it says, any other with 500. It is required
	// for the handlers.
	User func(*http.Request) (string, error)

	// Truth reads the program's values; see [Truth]. It is required.
	Truth Truths

	// Keep is for how long keys and entries of the feed are kept; 0 means 8 days. It must
	// be longer than the longest time in which a client repeats a request.
	Keep time.Duration

	// Log gets what an operator has to know; nil means slog.Default().
	Log *slog.Logger
}

// Kit carries out operations and tells of them. Make one with [Open]. It is safe for
// concurrent use.
type Kit struct{}

// Open returns a Kit on the database, which it closes with itself. ctx is only about
// opening.
func Open(ctx context.Context, db Database, options Options) (*Kit, error) { panic("later") }

// Close ends all streams and all work, waits for its end, and closes the database.
func (k *Kit) Close() error { panic("later") }

// Apply carries out the operation of that name exactly once: see the guarantees of the
// package. Key and user identify it. The error is a [*Refusal] of the program or of the
// kit itself, or wraps [ErrBusy] or [ErrUnavailable], or is ctx.Err(), or is a fault of
// the program. After all but the first kind the same key may be asked again.
func (k *Kit) Apply(ctx context.Context, name, user, key string, args any) (Outcome, error) {
	panic("later")
}
