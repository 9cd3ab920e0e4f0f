package optimist

import (
	"cmp"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/policy"
	"github.com/optimist-go/optimist/journal"
)

// Options are a Manager's settings. The zero value works. A negative duration or
// count means "none" wherever none makes sense.
type Options struct {
	// ClientID names this client among those of the same user. It breaks ties
	// between equal timestamps and starts every operation id. Empty: random for each
	// manager (or the journal's, when there is one). At most 64 bytes.
	ClientID string

	// Policy is for operations that do not bring their own; its zero fields have the
	// defaults documented there.
	Policy Policy

	// MaxInFlight caps the calls under way, shared fairly among lanes. 0: 8.
	MaxInFlight int
	// MaxPerEntity bounds the unsettled operations of one entity. 0: 1,000.
	MaxPerEntity int
	// MaxPending bounds the unsettled operations of all entities. 0: 100,000.
	MaxPending int
	// ProbeAfter is how many lanes in a row may stay without an answer before
	// one operation probes and the others wait behind it. 0: 8.
	ProbeAfter int
	// MaxDrift is how far ahead of the wall clock this client's clock follows a server's
	// timestamps. One further ahead is an event of kind [event.ClockDrift]; only operations on the
	// truth that bears it are later than it. 0: 5 min.
	MaxDrift time.Duration

	// Journal makes operations durable: a [journal.Journal], such as filejournal's. Nil:
	// they live in memory only. The manager owns it from New on, and closes it, also when
	// New fails.
	Journal journal.Journal
	// JournalFailure chooses how to go on when the journal fails.
	JournalFailure JournalFailure
}

// JournalFailure is how a manager goes on once its journal has failed. Either way
// the failure is an event, and no handle claims to be durable that is not.
type JournalFailure uint8

const (
	// GoOnInMemory accepts and sends as if there were no journal.
	GoOnInMemory JournalFailure = iota
	// RefuseNew refuses new operations with the journal's error; those accepted
	// before go on in memory.
	RefuseNew
)

// Policy says how operations of one type are sent. Each zero field takes the
// manager's, and that one's zero fields the default written here.
type Policy struct {
	// Debounce delays the first attempt so that a burst of taps becomes one call.
	// Operations without a slot, groups among them, are not debounced unless their own
	// type says so, whatever the manager's policy: nothing can fold into them.
	Debounce Debounce
	// Retry says how often and when to try again.
	Retry Retry
	// Failure is the end of an operation that failed for good. 0: Revert.
	Failure FailurePolicy
	// Cancel is the fate of a call under way when its operation is taken back.
	// 0: LetCallsEnd.
	Cancel CancelPolicy
	// MaxConflicts is how often an operation that met a conflict is sent again.
	// 0: 3. Negative: never. At most 255.
	MaxConflicts int
}

// Debounce is when the first attempt of a burst leaves.
type Debounce struct {
	// Wait is the time after the latest tap. 0: 300 ms, or MaxWait if that is shorter.
	// [NoDebounce], or any negative time: none.
	Wait time.Duration
	// MaxWait caps the delay, counted from the burst's first tap. 0: 2 s, or Wait
	// if that is longer. Set beside Wait it must not be shorter.
	MaxWait time.Duration
	// Leading sends a tap at once when nothing of its slot is unsettled; taps during
	// its flight are debounced, and sent only if they end on something else. It does not
	// bound the rate of calls: taps that each come after the call before has returned are
	// each sent at once.
	Leading bool
}

// NoDebounce as Debounce.Wait sends at once.
const NoDebounce time.Duration = -1

// Retry spaces attempts: the nth retry waits Base x 2^(n-1), at most Cap.
type Retry struct {
	// Max is the number of retries after the first attempt. 0: 3. Negative: none.
	Max int
	// Base is the first wait. 0: 1 s, or Cap if that is shorter.
	Base time.Duration
	// Cap is the longest wait. 0: 30 s, or Base if that is longer. Set beside Base it
	// must not be shorter.
	Cap time.Duration
	// Jitter is the random share of each wait, up to 1. 0: 0.25. Negative: none.
	Jitter float64
	// Timeout bounds one attempt, through the context of Send, or the time between two
	// reports of its progress (Call.Progress). 0: 10 s, or MaxTimeout if that is shorter.
	// Negative: none.
	Timeout time.Duration
	// MaxTimeout bounds one attempt that reports progress. 0: 1 h, or Timeout if that is
	// longer. Negative: none. Set beside Timeout it must not be shorter.
	MaxTimeout time.Duration
	// Deadline bounds all attempts together, from the first tap of the burst on, the
	// time offline included, but not the time during which no process ran; it ends an
	// attempt under way. 0: that of the manager, which has none by default. Negative: none.
	Deadline time.Duration
	// Next replaces the schedule: whether and when to try again after the nth
	// attempt that counts (1 is the first) failed with err. It is called without any
	// lock held. It alone says when to give up: Max and the other fields of the schedule are
	// asked only where it panics. Nil: the schedule above.
	Next func(n int, err error) (wait time.Duration, again bool)
}

// Forever as Retry.Max never gives up.
const Forever = policy.Forever

// FailurePolicy is the end of an operation that failed for good. Zero is the
// manager's, as every field of a Policy.
type FailurePolicy = engine.FailurePolicy

const (
	// Revert undoes it; operations after it stay, rebased.
	Revert = engine.Revert
	// Park keeps it applied and marked as failed, until the program retries, edits or
	// discards it, or a newer operation of its slot takes its place. Operations of its slot
	// that cannot, because its outcome is unknown, and those that depend on it wait for that,
	// and so do operations that must not overtake these; others of their lanes go on.
	Park = engine.Park
)

// CancelPolicy is the fate of a call under way when its operation is taken back: by
// Cancel or RollbackAll, with an operation on which it depends, or because its guard no
// longer holds. Zero is the manager's.
type CancelPolicy = engine.CancelPolicy

const (
	// LetCallsEnd lets the call go on to its end, and takes its answer as truth. Later
	// operations of its lane wait for it.
	LetCallsEnd = engine.LetCallsEnd
	// EndCalls ends the context of Send, as an upload needs it. Its lane is free, and its
	// place among the calls under way, as soon as Send returns. The request may have left
	// or still be on its way, so that it arrives after the lane's next one: choose it only
	// where the server orders by version, and refuses operations that were sent on an older one, or
	// where the order does not matter.
	EndCalls = engine.EndCalls
)

// given is the policy as package policy completes and checks it.
func (p *Policy) given() *policy.Policy {
	return &policy.Policy{
		Debounce: policy.Debounce(p.Debounce), Retry: policy.Retry(p.Retry), Failure: p.Failure, Cancel: p.Cancel, MaxConflicts: p.MaxConflicts,
	}
}

func (o Options) withDefaults() Options {
	o.MaxInFlight = cmp.Or(o.MaxInFlight, 8)
	o.MaxPerEntity = cmp.Or(o.MaxPerEntity, 1000)
	o.MaxPending = cmp.Or(o.MaxPending, 100_000)
	o.ProbeAfter = cmp.Or(o.ProbeAfter, 8)
	o.MaxDrift = cmp.Or(o.MaxDrift, 5*time.Minute)
	return o
}

func (o *Options) validate() error {
	switch {
	case len(o.ClientID) > 64:
		return errorf.New("%w: ClientID has %d bytes, at most 64 are allowed", ErrInvalid, len(o.ClientID))
	case o.MaxInFlight < 0:
		return errorf.New("%w: MaxInFlight must be at least 1, not %d", ErrInvalid, o.MaxInFlight)
	case o.MaxPerEntity < 0 || o.MaxPending < 0:
		return errorf.New("%w: MaxPerEntity and MaxPending must be at least 1", ErrInvalid)
	case o.ProbeAfter < 0:
		return errorf.New("%w: ProbeAfter must be at least 1, not %d", ErrInvalid, o.ProbeAfter)
	case o.MaxDrift < 0:
		return errorf.New("%w: MaxDrift must not be negative", ErrInvalid)
	case o.JournalFailure > RefuseNew:
		return errorf.New("%w: JournalFailure must be GoOnInMemory or RefuseNew", ErrInvalid)
	}
	return o.Policy.given().Check()
}
