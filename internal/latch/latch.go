// Package latch has a mutex for which one can wait with an end. Its fast path is that of
// sync.Mutex: one atomic operation. Goroutines wait for it at a channel, so that
// testing/synctest sees them wait.
package latch

import (
	"sync/atomic"
	"time"
)

// Mutex is a lock. New makes one. It is not reentrant.
type Mutex struct {
	state atomic.Int32
	// hurried counts goroutines that have waited for long. While there are any, the lock
	// is handed over instead of set free, so that no newcomer takes it.
	hurried atomic.Int32
	passed  atomic.Uint32 // how often it was given back while somebody may have waited, and GetOn

	wake chan struct{} // capacity 1: it was free a moment ago
	hand chan struct{} // the receiver holds the lock
}

// The values of state. A wanted lock is held, and somebody may wait for it.
const (
	free int32 = iota
	held
	wanted
)

const (
	spins = 100 // looks before a wait; most holders need the lock for less than a microsecond
	long  = time.Millisecond
)

// New returns a lock that nobody holds.
func New() Mutex {
	return Mutex{wake: make(chan struct{}, 1), hand: make(chan struct{})}
}

// Lock takes the lock, and waits for it without limit.
func (m *Mutex) Lock() {
	if !m.state.CompareAndSwap(free, held) {
		m.wait(0)
	}
}

// LockWithin takes the lock. It gives up, and returns false, when for as long as patience
// the lock was not given back while it waited, and its holder did not get on.
func (m *Mutex) LockWithin(patience time.Duration) bool {
	return m.state.CompareAndSwap(free, held) || m.wait(patience)
}

// Unlock gives the lock back.
func (m *Mutex) Unlock() {
	if !m.state.CompareAndSwap(held, free) {
		m.release()
	}
}

// GetOn notes that the holder of the lock gets on with work that takes time.
func (m *Mutex) GetOn() {
	if m.state.Load() == wanted {
		m.passed.Add(1)
	}
}

func (m *Mutex) release() {
	m.passed.Add(1)
	if m.hurried.Load() > 0 {
		select {
		case m.hand <- struct{}{}:
			return // it is held still, by another
		default:
		}
	}
	if m.state.Swap(free) == free {
		panic("latch: unlock of what is not locked")
	}
	select {
	case m.wake <- struct{}{}:
	default: // somebody is being woken already
	}
}

// wait takes the lock, or gives up after patience (0: never).
func (m *Mutex) wait(patience time.Duration) bool {
	for range spins {
		if m.state.Load() == free && m.state.CompareAndSwap(free, held) {
			return true
		}
	}
	if m.state.Swap(wanted) == free {
		return true
	}
	var over <-chan time.Time
	if patience > 0 {
		timer := time.NewTicker(patience)
		defer timer.Stop()
		over = timer.C
	}
	began, hurried, passed := time.Now(), false, m.passed.Load()
	for {
		select {
		case <-m.wake:
		case <-m.hand:
			return true
		case <-over:
			now := m.passed.Load()
			if now == passed {
				return false
			}
			passed = now
		}
		if m.state.Swap(wanted) == free {
			return true
		}
		if !hurried && time.Since(began) > long {
			hurried = true
			m.hurried.Add(1)
			defer m.hurried.Add(-1)
		}
	}
}
