package optimist

import (
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// A function that is data runs under the lock, on the goroutine that makes a step. When
// it ends that goroutine (runtime.Goexit, as t.FailNow does it), nobody can finish the
// step: its callers are ended as well. Deferred functions clean up on the way out. A caller
// of stepLocked must therefore not defer the release of the lock: breakLocked has released
// it then. Outside of a step foreign.Finish releases it.

// breakLocked gives the manager up, and releases the lock: it is in the middle of a
// change that nobody can finish.
func (m *Manager) breakLocked() {
	m.lost = errorf.New("%w: a function of the program ended its goroutine in the middle of a change: %w", ErrBroken, foreign.ErrEnded)
	m.courier.HandedIn()
	m.silenceLocked()
	m.publishLocked(Event{Kind: event.CallbackPanicked, Err: m.lost})
	m.endIndexesLocked(m.lost)
	closeOnce(m.stop)
	m.unlock()
}

// silenceLocked ends the timer, all calls and all waits for sending, for good. The channel is
// closed when no tick runs.
func (m *Manager) silenceLocked() (ticked <-chan struct{}) {
	m.abandonLocked()
	m.loads.bell.Give()
	if m.reader != nil {
		m.reader.halt()
	}
	return m.alarm.Stop()
}

// closeOnce closes a channel on which nothing is sent, unless it is closed already.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// phase is how far Close has come. It only grows.
type phase uint8

const (
	running phase = iota
	closing       // nothing is accepted any more
	halted        // nothing leaves, and nothing is timed
	stopped       // nothing runs any more
)

// pastLocked returns ErrClosed if Close has come to a phase, the reason if the manager is broken,
// and nil otherwise.
func (m *Manager) pastLocked(p phase) error {
	switch {
	case m.lost != nil:
		return m.lost
	case m.phase >= p:
		return ErrClosed
	}
	return nil
}

// stoppedLocked is why the manager does nothing any more, or nil.
func (m *Manager) stoppedLocked() error { return m.pastLocked(stopped) }

func (m *Manager) stoppedErr() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stoppedLocked()
}
