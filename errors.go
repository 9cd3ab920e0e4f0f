package optimist

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/hlc"
	"github.com/optimist-go/optimist/internal/outbox"
)

// Errors that calls return. They are wrapped with the call, the place and the
// remedy; test with errors.Is.
var (
	// ErrInvalid: an argument or definition cannot work. Nothing changed.
	ErrInvalid = engine.ErrInvalid
	// ErrClosed: the manager was closed. Nothing changed.
	ErrClosed = errors.New("optimist: manager is closed")
	// ErrBroken: a function of the program ended its goroutine in the middle of a change;
	// see the package's documentation. The manager does nothing any more.
	ErrBroken = errors.New("optimist: manager is broken")
	// ErrQueueFull: a bound on unsettled operations was reached. Nothing changed.
	ErrQueueFull = engine.ErrQueueFull
	// ErrAbsent: the entity is known not to exist.
	ErrAbsent = engine.ErrAbsent
	// ErrNotLoaded: nothing is known of the entity yet, and the call needs its value, or
	// could not find it out.
	ErrNotLoaded = errors.New("optimist: entity is not loaded")
	// ErrStale: the value read is older than an operation that has settled since, and nothing
	// of it was taken.
	ErrStale = errors.New("optimist: what was read is older than what has settled since")
	// ErrNewEra: the server has begun a new history; see [Manager.NewEra].
	ErrNewEra = engine.ErrNewEra
	// ErrGap: a piece of truth does not follow the truth held; see [Piece].
	ErrGap = engine.ErrGap
	// ErrGuard: the operation's precondition does not hold.
	ErrGuard = engine.ErrGuard
	// ErrDependency: an operation on which this one depends failed.
	ErrDependency = engine.ErrDependency
	// ErrApply: the operation's Apply returned an error or panicked.
	ErrApply = errors.New("optimist: apply failed")
	// ErrSettled: the operation has ended; nothing can be done about it any more.
	ErrSettled = engine.ErrSettled
	// ErrNotParked: only a parked operation can be retried, edited or discarded.
	ErrNotParked = engine.ErrNotParked
	// ErrQuarantined: the operation was left by an earlier life, and this program cannot
	// restore it; all that can be done with it is Discard.
	ErrQuarantined = errors.New("optimist: operation is in quarantine")
	// ErrUnknownOutcome: the server may or may not have the operation.
	ErrUnknownOutcome = engine.ErrUnknownOutcome
	// ErrDeadline: the operation's total deadline passed.
	ErrDeadline = engine.ErrDeadline
	// ErrChangedSince: the slot of the operation no longer holds what it wrote, so that its
	// inverse would undo something else as well.
	ErrChangedSince = engine.ErrChangedSince
	// ErrNoServerID: the server accepted a creation whose id it makes (Mutation.ServerID), and
	// the answer has no Truth.ID. Nobody knows how the entity is called there.
	ErrNoServerID = engine.ErrNoServerID
	// ErrClockDrift: a server's timestamp is too far ahead.
	ErrClockDrift = hlc.ErrDrift
	// ErrStuck: a function of the program has not returned, and a call that waited for it
	// has given up; the error names it. Mostly it waits for that very call: a function that
	// is data (Apply, Guard, Merge rules, Resolve, ...) calls the manager, a closure executes
	// something of its own entity, a callback or closure calls Flush or Close. Or a Send
	// does not heed its context, and Close does not wait for it. Nothing that the call was
	// to do has happened, unless its documentation says so.
	//
	// A call that has no error to return tells it by an event of kind [event.Misused], and says
	// that it knows nothing: View that the entity is not loaded, PendingCount -1, Snapshot
	// a zero At, Forget false, Watch ends, a Handle's methods zero values.
	ErrStuck = errors.New("optimist: a function of the program did not return")
)

// ErrNotOnDisk: operations have ended, and the journal has not taken their ends: a
// restart would send them again. The error says how many, and why. The manager goes on
// trying, unless the journal has failed for good. Package journal declares the other
// errors of journals, such as [journal.ErrFailed].
var ErrNotOnDisk = outbox.ErrNotOnDisk

// OpError is how an operation was refused or ended. It wraps the reason.
type OpError struct {
	ID     string // empty when it was refused before it had one
	Type   string
	Entity string
	Calls  int // attempts that left
	Err    error
}

func (e *OpError) Error() string {
	where := e.Type
	if e.Entity != "" {
		where += " of " + e.Entity
	}
	switch {
	case e.Calls == 1:
		where += ", after 1 call"
	case e.Calls > 1:
		where += errorf.Text(", after %d calls", e.Calls)
	}
	return errorf.Text("%s: %v", where, e.Err)
}

func (e *OpError) Unwrap() error { return e.Err }

// PanicError is a panic in a function of the program, contained. Value is the argument
// of panic, or an error that says that the function ended its goroutine.
type PanicError struct {
	In    string // "apply", "send", "callback", ...
	Value any
}

func (e *PanicError) Error() string { return errorf.Text("panic in %s: %v", e.In, e.Value) }

// publicErr says of a panic that the engine contained where it happened.
func publicErr(err error) error {
	var p *engine.PanicError
	if errors.As(err, &p) {
		return errorf.New("%w: %w", ErrApply, &PanicError{In: "apply", Value: p.Value})
	}
	return err
}

// unknownOutcome says of an operation's error that the server may have it nevertheless.
func unknownOutcome(err error) error {
	if errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	return errorf.New("%w: %w", ErrUnknownOutcome, err)
}

// Class is the meaning of a failed attempt, which decides how to go on.
type Class uint8

const (
	// Transient: it may work next time. Charged to the retry policy. Also the class of an
	// error that nobody classified; but to say Transient is to say that the server has
	// answered.
	Transient Class = iota + 1
	// Overloaded: the server is too busy; like Transient, but never before the
	// RetryAfter that it asked for.
	Overloaded
	// Offline: nobody was reached. Costs no attempt; sending pauses and one
	// operation probes.
	Offline
	// Unauthenticated: the server does not know us. Costs no attempt; sending pauses
	// until RetryNow.
	Unauthenticated
	// Conflicting: the server holds something else. The truth returned beside the error
	// goes to the resolver.
	Conflicting
	// Permanent: it will never work. Not tried again. An error that wraps [ErrUnknownOutcome] as
	// well says that the server cannot tell whether it has the operation, because it has forgotten
	// the key: the outcome is unknown then, and the entity unsure.
	Permanent
	// Unknown: it was sent and no answer came. Tried again with the same key until
	// the outcome is known; never called a failure before. The class of an unclassified error
	// once the context of its Send has ended.
	Unknown
)

func (c Class) String() string {
	names := [...]string{"ok", "transient", "overloaded", "offline", "unauthenticated", "conflict", "permanent", "unknown outcome"}
	if int(c) < len(names) {
		return names[c]
	}
	return errorf.Text("class %d", uint8(c))
}

// SendError is a classified error of a Send function.
type SendError struct {
	Class      Class
	RetryAfter time.Duration // 0: the server did not say
	Err        error
}

func (e *SendError) Error() string { return errorf.Text("%v: %v", e.Class, e.Err) }
func (e *SendError) Unwrap() error { return e.Err }

// Fail classifies the error of a Send function. A nil err stays nil. All classes but
// Offline and Unknown say that somebody has answered.
func Fail(class Class, err error) error {
	if err == nil {
		return nil
	}
	return &SendError{Class: class, Err: err}
}

// StatusError classifies an HTTP status. It is nil for 2xx. retryAfter is the
// Retry-After header as a duration, 0 without one. The whole table:
//
//	below 100           Unknown          no status: a browser says 0 when no answer came
//	401, 407            Unauthenticated
//	408                 Unknown          the server gave up waiting; it may have acted
//	409, 412            Conflicting
//	421, 425, 5xx       Transient        but see the next two lines
//	429, 503            Overloaded
//	502, 504            Unknown          a gateway lost the answer
//	other 4xx, 3xx, 1xx Permanent
//
// A status says that the server is there, unless it is Unknown.
func StatusError(status int, retryAfter time.Duration, err error) error {
	if status >= 200 && status < 300 {
		return nil
	}
	if err == nil {
		err = errorf.New("HTTP status %d", status)
	}
	class := Permanent
	switch {
	case status < 100:
		class = Unknown
	case status == 401, status == 407:
		class = Unauthenticated
	case status == 409, status == 412:
		class = Conflicting
	case status == 429, status == 503:
		class = Overloaded
	case status == 408, status == 502, status == 504:
		class = Unknown
	case status == 421, status == 425, status >= 500:
		class = Transient
	}
	return &SendError{Class: class, RetryAfter: retryAfter, Err: err}
}

// judged is how the manager reads the error of a Send function.
type judged struct {
	class        Class
	retryAfter   time.Duration
	unclassified bool // nobody classified the error
	forgotten    bool // the server cannot tell whether it has the operation
}

// classify reads the error of a Send function whose context was ctx.
func classify(ctx context.Context, err error) judged {
	var s *SendError
	switch {
	case errors.As(err, &s) && s.Class >= Transient && s.Class <= Unknown:
		return judged{class: s.Class, retryAfter: max(s.RetryAfter, 0), forgotten: s.Class == Permanent && errors.Is(err, ErrUnknownOutcome)}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return judged{class: Unknown, unclassified: true}
	}
	return guess(ctx)
}

// guess is the class of an attempt that failed by an error without a class, or by a panic.
// Once its context has ended it is no failure: transports have words of their own for that.
func guess(ctx context.Context) judged {
	if ctx.Err() != nil {
		return judged{class: Unknown, unclassified: true}
	}
	return judged{class: Transient, unclassified: true}
}
