package optimist

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/latch"
)

// Handle follows one operation to its end. It settles exactly once. Several calls
// may share a handle: one that wants the same as an unsettled operation
// joins it. [Manager.Operation] finds it by its id. Methods are safe for concurrent use. Those
// of nil and of the zero Handle, which are of no operation, return [ErrInvalid] or zero values.
type Handle struct {
	op engine.Op
	m  *Manager

	// The fields below are guarded by m.mu.
	used    bool // by a batch
	ended   bool // the operation has settled and the state outside was brought along
	durable bool // the journal holds it, or held it
	awaited bool // the call that made it takes it back if it cannot be durable
	server  any  // the state that the server told at the end; nil: none
	more    *handleMore
}

// handleMore holds the fields that few handles need.
type handleMore struct {
	moved     latch.Signal            // given at every stage
	err       error                   // why it ended in failure
	callbacks []func(*Handle, Result) // of calls that joined
	done      chan struct{}           // nil until somebody asks for it
	journal   error                   // why it is not durable
}

// Stage is a point in an operation's life that can be awaited.
type Stage uint8

const (
	// Applied: the change is in the view. True from the start, except for an
	// operation that opted out of optimism.
	Applied Stage = iota
	// Journaled: the journal holds the operation, and it survives as much as the
	// journal's [journal.Durability] says. Never reached without a journal, nor with one
	// that keeps nothing beyond the process.
	Journaled
	// Acknowledged: the server has it.
	Acknowledged
	// Settled: it has ended, one way or another.
	Settled
	// Decided: it has ended, or it is parked, so that the program has to decide about it. Wait
	// with it where a person may leave an operation parked for ever.
	Decided
)

func (s Stage) String() string {
	return [...]string{"applied", "journaled", "acknowledged", "settled", "decided"}[min(s, Decided)]
}

// State is where an operation stands.
type State uint8

const (
	Waiting  State = iota + 1 // for its debounce, its turn, its dependencies or its retry
	InFlight                  // an attempt has left
	Acked                     // the server has it; truth that shows it has not come
	Parked                    // failed; the program decides
	Ended                     // settled
)

func (s State) String() string {
	return [...]string{"none", "waiting", "in flight", "acknowledged", "parked", "ended"}[min(s, Ended)]
}

// ID is the operation's name and its idempotency key: the same on every attempt and
// after a restart.
func (h *Handle) ID() (id string) {
	h.look("Handle.ID", func() { id = h.op.ID(h.m.engine) })
	return id
}

// Type is the operation's type.
func (h *Handle) Type() (name string) {
	h.look("Handle.Type", func() { name = h.op.Type.Name })
	return name
}

// Entity is the (first) entity, such as "post:42".
func (h *Handle) Entity() (name string) {
	switch {
	case h.empty():
	case h.m.naming.Load(): // it may become part of another
		h.look("Handle.Entity", func() { name = h.op.Entity().FullName() })
	default:
		name = h.op.Entity().FullName()
	}
	return name
}

// Timestamp is the hybrid logical time of the tap.
func (h *Handle) Timestamp() Timestamp {
	if h.empty() {
		return 0
	}
	return Timestamp(h.op.Timestamp)
}

// State is where the operation stands now; 0 for a handle of no operation.
func (h *Handle) State() (s State) {
	h.look("Handle.State", func() { s = State(h.op.State()) })
	return s
}

// Result is how the operation ended; ok is false as long as it has not.
func (h *Handle) Result() (r Result, ok bool) {
	h.look("Handle.Result", func() {
		if ok = h.ended; ok {
			r = h.resultLocked()
		}
	})
	return r, ok
}

// Wait waits until the operation has ended, or ctx has. The error is ctx's, or
// wraps ErrClosed when the manager was closed before, or ErrBroken (the journal then
// keeps the operation); how the operation ended is in the result alone. A parked operation
// ends when the program decides about it, and not before: Await with [Decided] returns when it
// is parked as well, and Snapshot says why an operation waits.
func (h *Handle) Wait(ctx context.Context) (Result, error) {
	if err := h.Await(ctx, Settled); err != nil {
		return Result{}, err
	}
	r, _ := h.Result()
	return r, nil
}

// Final is Wait for the end of a tap: where the
// operation was superseded it goes on to the one that took its place, until one has
// ended in another way. Its outcome says whether the last of them was confirmed.
func (h *Handle) Final(ctx context.Context) (Result, error) {
	for {
		r, err := h.Wait(ctx)
		if err != nil || r.Outcome != Superseded {
			return r, err
		}
		h = r.Successor
	}
}

// Await waits until the operation has reached a stage. It returns nil then; an
// error when ctx ended first or the stage can no longer be reached.
func (h *Handle) Await(ctx context.Context, stage Stage) error {
	switch {
	case ctx == nil:
		return errNoContext
	case h.empty():
		return errNoHandle
	}
	for {
		if err := h.m.lock(); err != nil {
			return err
		}
		done, err := h.reachedLocked(stage)
		if done || err != nil {
			h.m.mu.Unlock()
			return err
		}
		if stopped := h.m.stoppedLocked(); stopped != nil {
			h.m.mu.Unlock()
			return errorf.New("%w before operation %s was %v", stopped, h.op.ID(h.m.engine), stage)
		}
		moved := h.moreLocked().moved.Await()
		if h.op.State() == engine.Ended { // the rest waits for closures of the entity
			look := h.m.stuckClosuresLocked(h.op.Entity())
			h.m.mu.Unlock()
			if err := h.m.awaitProgram(ctx, moved, look); err != nil {
				return err
			}
			continue
		}
		h.m.mu.Unlock()
		select {
		case <-moved:
		case <-h.m.stop:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reachedLocked reports whether the operation has reached a stage, or why it never will.
func (h *Handle) reachedLocked(stage Stage) (reached bool, never error) {
	confirmed := h.op.Outcome() == engine.Confirmed
	switch stage {
	case Applied:
		reached = confirmed || !h.op.Type.Pessimistic
	case Journaled:
		if reached = h.durable; !reached {
			never = h.neverDurableLocked()
		}
	case Acknowledged:
		reached = confirmed || h.op.State() == engine.Acked
	case Settled:
		reached = h.ended
	case Decided:
		reached = h.ended || h.op.State() == engine.Parked
	default:
		never = errorf.New("%w: unknown stage %d", ErrInvalid, uint8(stage))
	}
	if !reached && never == nil && h.ended {
		r := h.resultLocked()
		never = errors.Join(errorf.New("%w (%v) without being %v", ErrSettled, r.Outcome, stage), r.Err)
	}
	return reached, never
}

// neverDurableLocked is why the journal will never hold the operation, as far as that is known.
func (h *Handle) neverDurableLocked() error {
	switch {
	case h.m.disk == nil:
		return errorf.New("%w: this manager has no journal, so nothing becomes durable", ErrInvalid)
	case !h.op.Type.Stored:
		return errorf.New("%w: type %q has no Stored, so its operations live in memory", ErrInvalid, h.op.Type.Name)
	case h.more != nil:
		return h.more.journal
	}
	return nil
}

// Done is closed when the operation has ended. It is nil, which is never closed, when the
// call waited in vain; see ErrStuck.
func (h *Handle) Done() (done <-chan struct{}) {
	h.look("Handle.Done", func() {
		more := h.moreLocked()
		if more.done == nil {
			more.done = make(chan struct{})
			if h.ended {
				close(more.done)
			}
		}
		done = more.done
	})
	return done
}

// Cancel takes the operation back: the view is as if it had never been, and
// operations that depend on it go with it. If a call of it is under way the call goes on, unless
// Policy.Cancel says otherwise, and its late answer is taken as truth. When nobody
// answers any more the entity is unsure. It returns ErrSettled when it came too late.
//
// An operation in quarantine is discarded.
func (h *Handle) Cancel() error {
	if h.aside() {
		return h.Discard()
	}
	return h.decide(func() engine.Input { return engine.Cancel{Op: &h.op} })
}

// Retry sends a parked operation again, with the same key and a fresh budget. An
// operation that is not parked gives ErrNotParked.
func (h *Handle) Retry() error {
	return h.decide(func() engine.Input { return &engine.Decide{Op: &h.op} })
}

// SendNow ends the operation's debounce, or its wait for a retry: a person wants it now. It
// keeps its place in the lane, and waits on for all else, such as the network. A parked
// operation gives [ErrInvalid], because its Retry sends it.
func (h *Handle) SendNow() error {
	return h.decide(func() engine.Input { return engine.SendNow{Op: &h.op} })
}

// Discard gives a parked operation up: it is rolled back and ends as Cancelled. An operation in
// quarantine is dropped for good, with those that depend on it.
func (h *Handle) Discard() error {
	if h.aside() {
		return h.m.discardAside(h)
	}
	return h.decide(func() engine.Input { return &engine.Decide{Op: &h.op, Discard: true} })
}

func (h *Handle) moreLocked() *handleMore {
	if h.more == nil {
		h.more = new(handleMore)
	}
	return h.more
}

// movedLocked wakes those who await a stage.
func (h *Handle) movedLocked() {
	if h.more != nil {
		h.more.moved.Give()
	}
}

func handleOf(o *engine.Op) *Handle { return o.Owner.(*Handle) }
