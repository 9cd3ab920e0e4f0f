package latch

import (
	"context"
	"sync/atomic"
	"time"
)

// Turn is a lock for which one waits as long as its holder gets on. Each piece of work of the
// holder is by an O, of which those who wait in vain are told. NewTurn makes one.
type Turn[O any] struct {
	held  chan struct{} // capacity 1; holding a value in it is having the turn
	begun atomic.Uint64 // pieces of work
	by    atomic.Pointer[O]
}

// NewTurn returns a turn that nobody has.
func NewTurn[O any]() Turn[O] { return Turn[O]{held: make(chan struct{}, 1)} }

// Take waits for the turn. It gives up when ctx ends, or one piece of work lasts longer than
// patience.
func (t *Turn[O]) Take(ctx context.Context, patience time.Duration) (taken bool, err error) {
	if t.TryTake() {
		return true, nil
	}
	timer := time.NewTicker(patience)
	defer timer.Stop()
	for begun := t.begun.Load(); ; {
		select {
		case t.held <- struct{}{}:
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timer.C:
		}
		before := begun
		if begun = t.begun.Load(); begun == before {
			return false, nil
		}
	}
}

// TryTake takes the turn if nobody has it.
func (t *Turn[O]) TryTake() bool {
	select {
	case t.held <- struct{}{}:
		return true
	default:
		return false
	}
}

// Give gives the turn back.
func (t *Turn[O]) Give() { <-t.held }

// Held reports whether somebody has the turn.
func (t *Turn[O]) Held() bool { return len(t.held) > 0 }

// Begin notes that work begins. The caller has the turn.
func (t *Turn[O]) Begin(by *O) {
	t.by.Store(by)
	t.begun.Add(1)
}

// Latest is how many pieces of work have begun, and by whom the latest is.
func (t *Turn[O]) Latest() (begun uint64, by *O) { return t.begun.Load(), t.by.Load() }
