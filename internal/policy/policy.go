// Package policy completes and checks the policies of a program: the fields that it left zero,
// those that contradict each other, and the values that cannot work. Its types are the ones of
// package optimist, where every field is explained.
package policy

import (
	"math"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Policy says how operations of one type are sent.
type Policy struct {
	Debounce     Debounce
	Retry        Retry
	Failure      engine.FailurePolicy
	Cancel       engine.CancelPolicy
	MaxConflicts int
}

// Debounce is when the first attempt of a burst leaves.
type Debounce struct {
	Wait    time.Duration // negative: none
	MaxWait time.Duration
	Leading bool
}

// Retry spaces attempts. A negative field means none.
type Retry struct {
	Max        int
	Base       time.Duration
	Cap        time.Duration
	Jitter     float64
	Timeout    time.Duration
	MaxTimeout time.Duration
	Deadline   time.Duration
	Next       func(n int, err error) (wait time.Duration, again bool)
}

// Forever as Retry.Max never gives up.
const Forever = math.MaxInt

// Default completes the policy of a manager.
var Default = Policy{
	Debounce:     Debounce{Wait: 300 * time.Millisecond, MaxWait: 2 * time.Second},
	Retry:        Retry{Max: 3, Base: time.Second, Cap: 30 * time.Second, Jitter: 0.25, Timeout: 10 * time.Second, MaxTimeout: time.Hour},
	Failure:      engine.Revert,
	Cancel:       engine.LetCallsEnd,
	MaxConflicts: 3,
}

// Over completes a policy from base, whose fields are all set. Of two fields that limit each
// other the one that was given counts, and the other one gives way. Nothing can fold into
// operations without a slot (slotted is false), so that they are not debounced unless their own
// policy says so.
func (p *Policy) Over(base *Policy, slotted bool) *Policy {
	all := *p
	if !slotted && all.Debounce == (Debounce{}) {
		all.Debounce.Wait = -1
	}
	if all.Debounce.Wait == 0 && all.Debounce.MaxWait == 0 {
		all.Debounce.Wait, all.Debounce.MaxWait = base.Debounce.Wait, base.Debounce.MaxWait
		all.Debounce.Leading = all.Debounce.Leading || base.Debounce.Leading
	}
	fill(&all.Debounce.Wait, base.Debounce.Wait)
	fill(&all.Debounce.MaxWait, base.Debounce.MaxWait)
	fill(&all.Retry.Max, base.Retry.Max)
	fill(&all.Retry.Base, base.Retry.Base)
	fill(&all.Retry.Cap, base.Retry.Cap)
	fill(&all.Retry.Jitter, base.Retry.Jitter)
	fill(&all.Retry.Timeout, base.Retry.Timeout)
	fill(&all.Retry.MaxTimeout, base.Retry.MaxTimeout)
	fill(&all.Retry.Deadline, base.Retry.Deadline)
	fill(&all.Failure, base.Failure)
	fill(&all.Cancel, base.Cancel)
	fill(&all.MaxConflicts, base.MaxConflicts)
	if all.Retry.Next == nil {
		all.Retry.Next = base.Retry.Next
	}
	agree(&all.Debounce.Wait, &all.Debounce.MaxWait, p.Debounce.MaxWait)
	agree(&all.Retry.Base, &all.Retry.Cap, p.Retry.Cap)
	if all.Retry.Timeout > 0 && all.Retry.MaxTimeout > 0 {
		agree(&all.Retry.Timeout, &all.Retry.MaxTimeout, p.Retry.MaxTimeout)
	}
	return &all
}

// agree lowers low to a high that was given, and else lifts high to low.
func agree(low, high *time.Duration, given time.Duration) {
	if given > 0 {
		*low = min(*low, *high)
	} else {
		*high = max(*high, *low)
	}
}

func fill[T comparable](field *T, base T) {
	var zero T
	if *field == zero {
		*field = base
	}
}

// Check says why a policy cannot work, or returns nil.
func (p *Policy) Check() error {
	switch r, d := &p.Retry, &p.Debounce; {
	case !(r.Jitter <= 1): // nor is it a number, then
		return errorf.New("%w: Retry.Jitter is a share of the wait and must be at most 1, not %v", engine.ErrInvalid, r.Jitter)
	case r.Base < 0 || r.Cap < 0:
		return errorf.New("%w: Retry.Base and Retry.Cap must not be negative", engine.ErrInvalid)
	case r.Base > 0 && r.Cap > 0 && r.Cap < r.Base:
		return errorf.New("%w: Retry.Cap (%v) must be at least Retry.Base (%v)", engine.ErrInvalid, r.Cap, r.Base)
	case r.Timeout > 0 && r.MaxTimeout > 0 && r.MaxTimeout < r.Timeout:
		return errorf.New("%w: Retry.MaxTimeout (%v) must be at least Retry.Timeout (%v)", engine.ErrInvalid, r.MaxTimeout, r.Timeout)
	case d.MaxWait < 0:
		return errorf.New("%w: Debounce.MaxWait must not be negative", engine.ErrInvalid)
	case d.MaxWait > 0 && d.MaxWait < d.Wait:
		return errorf.New("%w: Debounce.MaxWait (%v) must be at least Debounce.Wait (%v)", engine.ErrInvalid, d.MaxWait, d.Wait)
	case p.Failure > engine.Park:
		return errorf.New("%w: Failure must be Revert, Park or zero, not %d", engine.ErrInvalid, p.Failure)
	case p.Cancel > engine.EndCalls:
		return errorf.New("%w: Cancel must be LetCallsEnd, EndCalls or zero, not %d", engine.ErrInvalid, p.Cancel)
	}
	return nil
}

// Apply writes a complete policy into a type of the engine.
func (p *Policy) Apply(t *engine.Type) {
	t.Debounce = engine.Debounce{
		Wait: engine.Time(p.Debounce.Wait), MaxWait: engine.Time(p.Debounce.MaxWait), Leading: p.Debounce.Leading,
	}
	t.Retry = p.Retry.Schedule()
	t.Deadline = engine.Time(max(p.Retry.Deadline, 0))
	t.MaxConflicts = min(max(p.MaxConflicts, 0), 255)
	t.Failure, t.Cancel = p.Failure, p.Cancel
}

// Schedule is the schedule of complete retries, as the engine has it.
func (r *Retry) Schedule() engine.Retry {
	e := engine.Retry{Max: r.Max, Base: engine.Time(r.Base), Cap: engine.Time(r.Cap), Jitter: max(r.Jitter, 0)}
	switch {
	case r.Max < 0:
		e.Max = 0
	case r.Max == Forever:
		e.Max = -1
	}
	return e
}
