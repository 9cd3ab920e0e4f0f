package optimist

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/stuck"
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

// look has f look at the state under the lock. It reports false when the call has waited in vain;
// see lockOrTell.
func (m *Manager) look(call string, f func()) bool {
	if !m.lockOrTell(call) {
		return false
	}
	defer m.mu.Unlock()
	f()
	return true
}

// lockOrTell is lock for calls that cannot return an error. They tell it by an event,
// and return that they know nothing.
func (m *Manager) lockOrTell(call string) bool {
	err := m.lock()
	if err == nil {
		return true
	}
	m.audience.Tell(Event{Kind: event.Misused, At: time.Now(), Err: errorf.New("%s: %w", call, err)}) // without the lock
	return false
}

// awaited tells, under the lock, how functions of the program are waited for: done is closed when
// they have ended (nil: there are none), and look names one that runs on; see stuck.Watch.
type awaited func() (done <-chan struct{}, look func() string)

// await waits for functions of the program, as awaited tells them under the lock. Inside of a
// function of the program it waits for none that does not end.
func (m *Manager) await(ctx context.Context, inside bool, awaited awaited) error {
	m.mu.Lock()
	done, look := awaited()
	m.mu.Unlock()
	if done == nil {
		return nil
	}
	if !inside {
		look = nil
	}
	return m.awaitProgram(ctx, done, look)
}

// awaitProgram waits for functions of the program outside of the lock. look, if not nil, is
// called under the lock now and then, and names one that has run since it was called last, if
// there is one: that is not waited for any longer.
func (m *Manager) awaitProgram(ctx context.Context, done <-chan struct{}, look func() string) error {
	var looking func() error
	if look != nil {
		looking = func() error {
			m.mu.Lock()
			defer m.mu.Unlock()
			return stuckErr(look())
		}
	}
	return stuck.Await(ctx, done, patience, looking)
}

// stuckErr names a function that runs on; nil: none does.
func stuckErr(name string) error {
	if name == "" {
		return nil
	}
	return errorf.New("%w: %s has run for more than %v; it must not wait for what waits for it", ErrStuck, name, patience)
}

// label is that of the operation's type.
func (h *Handle) label() *label { return &typeOf(&h.op).label }
