package engagement

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Store keeps everything. Package storetest states this contract as tests; each
// implementation passes them.
//
// Methods are safe for concurrent use. Errors are *Error or become Internal at
// the border (ErrorCode); an ended context is reported as its own error. After
// Close every method fails with code Unavailable.
type Store interface {
	Operations
	Truths
	Sessions

	// Audit recomputes every counter from what it counts and returns an error
	// that names the first that is wrong.
	Audit(ctx context.Context) error

	// Forget drops records of operations and entries of the feed that were made longer
	// ago than age, and expired ends of sessions. The newest entry of the feed always
	// stays.
	Forget(ctx context.Context, age time.Duration) error

	// Ready returns nil when reading works, and writing as far as is known: after
	// writing has failed because of the disk, not before it works again.
	Ready(ctx context.Context) error

	// Close finishes what was accepted and releases everything. A second Close
	// does nothing and returns nil.
	Close() error
}

// Operations is the writing half of a Store.
type Operations interface {
	// Apply carries out the operation exactly once.
	//
	// Its record, its effect, the post's counters and version and the entry of the
	// feed are written in one transaction; when Apply has returned nil they
	// survive the death of the process. A key of the user that is known answers
	// without doing anything: Replayed if the payload is the same, else KeyReused.
	// Concurrent calls with one key apply it once. An error with code Unavailable (an
	// ended context, a disk that is full) or Internal leaves open whether it was
	// written: ask again with the same key. Any other means that nothing was written
	// and the key is as free as before.
	Apply(ctx context.Context, op Operation) (Applied, error)
}

// Applied tells of an operation that was applied, now or earlier.
type Applied struct {
	// Already says that all was as wanted when it was applied.
	Already bool
	// Replayed says that it was applied by an earlier call.
	Replayed bool
	// Version is that of the post when it was applied.
	Version uint64
}

// Truths is the reading half of a Store. Each call sees one moment, which is not
// before any Apply that had returned when the call began.
type Truths interface {
	// Truth returns the post as the viewer sees it, also when it is Deleted;
	// NotFound when it never was. The viewer "" is anybody.
	Truth(ctx context.Context, post, viewer string) (Truth, error)

	// Posts returns up to limit posts that are not deleted, newest first, after
	// the given place (the zero cursor: from the newest). The page ends early when
	// PostPage.Add says so.
	Posts(ctx context.Context, viewer string, after wire.Cursor, limit int) (PostPage, error)

	// Comments returns up to limit comments that are not deleted, from before the
	// given place (the zero cursor: from the latest), oldest first, and whether
	// there are older ones. NotFound and Gone are about the post.
	Comments(ctx context.Context, post string, before wire.Cursor, limit int) (comments []Comment, more bool, err error)
}

// Sessions keeps what the server needs to recognise its users.
type Sessions interface {
	// Secret returns the secret of that name. The first call for a name keeps the
	// fresh one that is offered; from then on that one is returned for ever.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)

	// EndSession remembers until the given time, in milliseconds since the Unix
	// epoch, that the session has ended.
	EndSession(ctx context.Context, session string, until int64) error

	// SessionEnded reports whether EndSession was called for the session.
	SessionEnded(ctx context.Context, session string) (bool, error)
}
