package engine

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

// Delay is the wait after the nth charged attempt (1 is the first), never shorter
// than the server asked for.
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

// Class is the meaning of an attempt's end.
type Class uint8

const (
	OK              Class = iota
	Transient             // try again
	Overloaded            // try again when the server says
	Offline               // nobody was reached; costs no attempt
	Unauthenticated       // somebody was reached who did not know us; costs no attempt
	Conflicting           // the server holds something else
	Permanent             // it will never work
	Unknown               // sent, no answer
)

// Decision is a resolver's answer.
type Decision struct {
	Choice Choice
	Merged *Op // fresh, for Merge
	Err    error
}

// Choice is the way out of a conflict.
type Choice uint8

const (
	Fail Choice = iota
	KeepMine
	TakeTheirs
	Merge
)

// Conflict is the view that a resolver gets.
type Conflict struct {
	Op           *Op
	Entity       *Entity
	Base         any // truth held when the attempt left for the server
	BasePresence Presence
	BaseVersion  uint64
	Mine         any    // Base with the operation applied
	Theirs       Truth  // NotLoaded: the server did not say
	MineBy       string // ours, for ties
	Err          error
	Rest         []Conflict // of a group: the same for its other entities
}

// MineIsLater reports whether the operation is the last writer: the later timestamp, or
// the greater client id at the same one. Not when the server told no time.
func MineIsLater(mineAt, theirsAt Timestamp, mineBy, theirsBy string) bool {
	switch {
	case theirsAt == 0:
		return false
	case mineAt != theirsAt:
		return mineAt > theirsAt
	}
	return mineBy > theirsBy
}

// LastWriterWins is the choice about a conflict without a resolver.
func LastWriterWins(theirs Presence, mineIsLater bool) Choice {
	switch {
	case theirs == NotLoaded:
		return Fail
	case mineIsLater:
		return KeepMine
	}
	return TakeTheirs
}

// FailurePolicy is the fate of an operation that failed for good.
type FailurePolicy uint8

const (
	Revert FailurePolicy = iota + 1 // it is rolled back
	Park                            // it waits for a person
)

// CancelPolicy is the fate of a call under way when its operation leaves the view.
type CancelPolicy uint8

const (
	LetCallsEnd CancelPolicy = iota + 1 // its answer is taken as truth
	EndCalls                            // it is told to end
)

// Merged is the result of merging two operations of one slot, the first not yet sent.
type Merged struct {
	Rule    MergeRule
	Args    any  // of the survivor; for TakeFirst, and for TakeSecond if Changed
	Changed bool // TakeSecond: the second gets Args, else it is as it was
}

// Of is the result of a rule that was given copies of the arguments of two operations, of which
// second is the second one. They are a and b now. A rule of another number is TakeSecond.
func (r MergeRule) Of(second *Op, a, b any) Merged {
	switch r {
	case TakeFirst:
		return Merged{Rule: TakeFirst, Args: a}
	case Annihilate, Separate:
		return Merged{Rule: r}
	}
	same := second.Type.SameArgs
	return Merged{Rule: TakeSecond, Args: b, Changed: same == nil || !same(second.Args, b)} // else as without a rule
}

// MergeRule says which of two operations survives.
type MergeRule uint8

const (
	TakeSecond MergeRule = iota // the second takes the place of the first
	TakeFirst                   // an operation of the first's type with Args
	Annihilate                  // neither: they undo each other
	Separate                    // both, in order
)
