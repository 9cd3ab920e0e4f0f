package optimist

import (
	"context"
	"reflect"
	"runtime"
	"time"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// A function of the program that calls the manager where it must not would wait for itself.
// So no call of the program waits without end for one running function.

// patience is how long a call waits for one function of the program that runs.
const patience = 5 * time.Second

// label names the owner of a function of the program, for ErrStuck.
type label struct{ kind, name string }

func (l *label) String() string {
	if l == nil {
		return "the program"
	}
	return l.kind + " " + l.name
}

// enterLocked notes whose function is called under the lock now. A function that calls for
// the manager waits for the lock meanwhile, and those who wait look here.
func (m *Manager) enterLocked(whose *label) {
	m.mu.GetOn()
	if m.inside.Load() != whose {
		m.inside.Store(whose)
	}
}

// lock takes the lock for a call of the program. The lock is held for long only while a
// function of the program runs under it, which may wait for this very call.
func (m *Manager) lock() error {
	if m.mu.LockWithin(patience) {
		return nil
	}
	return errorf.New("%w: a function of %s, which the manager calls while it changes its state, has run for more than %v; it must not call the manager",
		ErrStuck, m.inside.Load().String(), patience)
}

// lockToAct is lock for calls that change something: not once the manager has stopped.
func (m *Manager) lockToAct() error {
	if err := m.lock(); err != nil {
		return err
	}
	err := m.stoppedLocked()
	if err != nil {
		m.mu.Unlock()
	}
	return err
}

// lockOrTell is lock for calls that cannot return an error. They tell it by an event,
// and return that they know nothing.
func (m *Manager) lockOrTell(call string) bool {
	err := m.lock()
	if err == nil {
		return true
	}
	m.audience.Tell(Event{Kind: Misused, At: time.Now(), Err: errorf.New("%s: %w", call, err)}) // without the lock
	return false
}

// stuckLocked returns a function that names a function of the program which has run since it
// was called last, or now. running tells the places where one runs, each with a number that
// grows when another one begins there. The lock must be held when either is called. It is not
// generic: names of instances make a page larger.
func stuckLocked(running func(tell func(place any, begun uint64)), name func(place any) string) func() string {
	var before map[any]uint64
	look := func() (stuck string) {
		now := make(map[any]uint64)
		running(func(place any, begun uint64) {
			now[place] = begun
			if was, ok := before[place]; ok && was == begun {
				stuck = name(place)
			}
		})
		before = now
		return stuck
	}
	look()
	return look
}

// await waits for functions of the program, as awaited tells them under the lock. Inside of a
// function of the program it waits for none that does not end.
func (m *Manager) await(ctx context.Context, inside bool, awaited func() (done <-chan struct{}, stuck func() string)) error {
	m.mu.Lock()
	done, stuck := awaited()
	m.mu.Unlock()
	if done == nil {
		return nil
	}
	if !inside {
		stuck = nil
	}
	return m.awaitProgram(ctx, done, stuck)
}

// awaitProgram waits for functions of the program outside of the lock. stuck, if not nil, is
// called under the lock now and then, and names one that has run since it was called last, if
// there is one: that is not waited for any longer.
func (m *Manager) awaitProgram(ctx context.Context, done <-chan struct{}, stuck func() string) error {
	select {
	case <-done:
		return nil
	default:
	}
	var tick <-chan time.Time
	if stuck != nil {
		timer := time.NewTicker(patience)
		defer timer.Stop()
		tick = timer.C
	}
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
		}
		m.mu.Lock()
		name := stuck()
		m.mu.Unlock()
		if name != "" {
			return stuckErr(name)
		}
	}
}

// insideProgram reports whether the caller was called by a function of the program that a
// manager runs: a callback, a closure. A call that waits for them would wait for itself there.
// It looks at the stack, which is slow.
func insideProgram() bool {
	entry := reflect.ValueOf(foreign.Call).Pointer()
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); f.Entry == entry {
				return true
			}
		}
	}
}

func stuckErr(name string) error {
	return errorf.New("%w: %s has run for more than %v; it must not wait for what waits for it", ErrStuck, name, patience)
}

// label is that of the operation's type.
func (h *Handle) label() *label { return &typeOf(&h.op).label }
