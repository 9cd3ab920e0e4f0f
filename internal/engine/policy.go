package engine

import "errors"

// ErrDeadline: an operation's total deadline passed.
var ErrDeadline = errors.New("the operation's deadline has passed")

// Debounce delays the first attempt so that a burst of taps becomes one.
// Durations; Wait of 0 or less: none.
type Debounce struct {
	Wait    Time // after the latest tap
	MaxWait Time // after the burst's first tap; at least Wait
	Leading bool // a tap with nothing unsettled in its slot goes at once
}

func (d Debounce) due(now, burst Time, idle bool) Time {
	if d.Wait <= 0 || d.Leading && idle {
		return now
	}
	return min(now.plus(d.Wait), burst.plus(max(d.MaxWait, d.Wait)))
}

// Retry spaces attempts: the nth wait is Base x 2^(n-1), at most Cap, of which the
// share Jitter (0 to 1) is random.
type Retry struct {
	Max    int // retries after the first attempt; negative: without end
	Base   Time
	Cap    Time
	Jitter float64
}

// Delay is the wait after the nth charged attempt (1 is the first), never before
// what the server asked for.
func (r Retry) Delay(n int, after Time, random uint64) Time {
	d := r.Cap
	if shift := n - 1; shift < 40 && r.Base<<shift>>shift == r.Base {
		d = min(d, r.Base<<shift)
	}
	share := float64(random>>11) / (1 << 53)
	jitter := Time(float64(d) * r.Jitter * share)
	if after > 0 {
		return max(after, d-jitter).plus(Time(float64(after) * r.Jitter * share / 4))
	}
	return d - jitter
}

// Class says what a failed attempt means.
type Class uint8

const (
	OK              Class = iota
	Transient             // try again
	Overloaded            // try again when the server says
	Offline               // nobody was reached; costs no attempt
	Unauthenticated       // somebody was reached who did not know us; costs no attempt
	Conflict              // the server holds something else
	Permanent             // it will never work
	UnknownOutcome        // sent, no answer
)

// Verdict is a resolver's decision.
type Verdict struct {
	Decision Decision
	Merged   *Op // fresh, for MergeBoth
	Err      error
}

// Decision is what to do about a conflict.
type Decision uint8

const (
	FailIt Decision = iota
	KeepMine
	TakeTheirs
	MergeBoth
)

// ConflictInfo is what a resolver sees.
type ConflictInfo struct {
	Op            *Op
	Base          any // truth held when the attempt left for the server
	BasePresence  Presence
	BaseVersion   uint64
	Mine          any // what the operation makes of Base
	Theirs        Truth
	Client        string // ours, for ties
	Err           error
	TheirsIsKnown bool
}

// MineIsLater reports whether the operation is the last writer: later stamp, or
// the greater client id at the same stamp.
func (c *ConflictInfo) MineIsLater() bool {
	if c.Op.Stamp != c.Theirs.At {
		return c.Op.Stamp > c.Theirs.At
	}
	return c.Client > c.Theirs.By
}

func lastWriterWins(c *ConflictInfo) Verdict {
	switch {
	case !c.TheirsIsKnown:
		return Verdict{Decision: FailIt, Err: c.Err}
	case c.Theirs.At == 0 || !c.MineIsLater():
		return Verdict{Decision: TakeTheirs}
	default:
		return Verdict{Decision: KeepMine}
	}
}

// Merged is what becomes of an operation that has not left and a newer one of its
// slot.
type Merged struct {
	Verdict MergeVerdict
	Args    any // of the survivor; for TakeOlder and TakeNewer
}

// MergeVerdict says which of two operations survives.
type MergeVerdict uint8

const (
	Replace    MergeVerdict = iota // the newer, as it is
	TakeOlder                      // an operation of the older's type with Args
	TakeNewer                      // an operation of the newer's type with Args
	Annihilate                     // neither: they undo each other
	Separate                       // both, in order
)
