package engagement

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Store is the storage of the application. Package storetest states this contract
// as tests; each implementation passes them.
//
// Methods are safe for concurrent use. Errors are [*Error] or count as [Internal]
// (see [ErrorCode]); an ended context is reported as its own error. After Close
// every method fails with code Unavailable.
type Store interface {
	Operations
	Truths
	Sessions

	// Audit recomputes every counter from the counted records and returns an error
	// that names the first wrong counter.
	Audit(ctx context.Context) error

	// Forget drops records of operations and entries of the feed older than age, and
	// expired ends of sessions. The newest entry of the feed always stays.
	Forget(ctx context.Context, age time.Duration) error

	// Ready returns nil when reading works and the last write did not fail because of
	// the disk. After such a failure Ready returns an error until writing works
	// again.
	Ready(ctx context.Context) error

	// Close finishes accepted operations and releases all resources. A second Close
	// does nothing and returns nil.
	Close() error
}

// Operations is the writing half of a Store.
type Operations interface {
	// Apply carries out the operation exactly once.
	//
	// Its record, its effect, the post's counters and version and the entry of the
	// feed are written in one transaction; when Apply has returned nil they survive
	// the death of the process. A known key of the user has no second effect: the
	// answer is Replayed if the payload is the same, else the error is KeyReused.
	// Concurrent calls with one key apply it once. An error with code Unavailable (an
	// ended context, a disk that is full) or Internal leaves open whether the
	// operation was written: call Apply again with the same key. After any other
	// error nothing was written and the key is free.
	Apply(ctx context.Context, op Operation) (Applied, error)
}

// Applied is the result of an operation that was applied, now or earlier.
type Applied struct {
	// Already says that the operation found its effect there already.
	Already bool
	// Replayed says that an earlier call applied the operation.
	Replayed bool
	// Version is the version of the post after the operation.
	Version uint64
}

// Truths is the reading half of a Store. Each call sees one moment, which contains
// every Apply that had returned when the call began.
type Truths interface {
	// Truth returns the post as the viewer sees it, also when it is Deleted; NotFound
	// when it never existed. The viewer "" stands for a visitor who is not signed in.
	Truth(ctx context.Context, post, viewer string) (Truth, error)

	// Posts returns up to limit posts of the selection that are not deleted, in its order,
	// after the given place (the zero cursor: from the first, with the total). The page
	// ends early when PostPage.Add says so.
	Posts(ctx context.Context, viewer string, of wire.Selection, after wire.Cursor, limit int) (PostPage, error)

	// Comments returns up to limit comments that are not deleted, from before the
	// given place (the zero cursor: from the latest). NotFound and Gone are about the post.
	Comments(ctx context.Context, post string, before wire.Cursor, limit int) (CommentPage, error)
}

// Sessions keeps the records by which the server recognises its users.
type Sessions interface {
	// Secret returns the secret of that name. The first call for a name stores fresh;
	// all calls return the stored secret.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)

	// EndSession records that the session has ended. The record stays until the given
	// time, in milliseconds since the Unix epoch.
	EndSession(ctx context.Context, session string, until int64) error

	// SessionEnded reports whether EndSession was called for the session.
	SessionEnded(ctx context.Context, session string) (bool, error)
}
