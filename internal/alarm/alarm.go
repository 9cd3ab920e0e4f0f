// Package alarm has one timer whose time moves, and whose ticks are taken in order although
// each of them first has to wait for a lock.
//
// All methods are to be called with that lock, which is the caller's.
package alarm

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// Alarm is one timer. New makes one.
type Alarm struct {
	ring  func()
	timer *time.Timer // nil until it is needed
	at    engine.Time // when the timer fires; engine.Never when it will not
	// late counts the ticks that have fired and wait for the lock, while the timer was
	// stopped or set anew.
	late  int
	last  chan struct{} // closed when none is late; nil: the alarm has not been stopped for good
	quiet bool          // last is closed
}

// New returns an alarm that is not set. ring is called in a goroutine of its own, without the
// lock. It has to take it and call [Alarm.Rung].
func New(ring func()) Alarm { return Alarm{ring: ring, at: engine.Never} }

// At is when it will ring, or engine.Never.
func (a *Alarm) At() engine.Time { return a.at }

// Set has the alarm ring at a time, or not at all.
func (a *Alarm) Set(at, now engine.Time) {
	if at == a.at || a.last != nil {
		return
	}
	before := a.at
	a.at = at
	switch {
	case at == engine.Never:
		if !a.timer.Stop() {
			a.late++
		}
	case a.timer == nil:
		a.timer = time.AfterFunc(time.Duration(at-now), a.ring)
	default:
		if !a.timer.Reset(time.Duration(at-now)) && before != engine.Never {
			a.late++
		}
	}
}

// Rung notes that the alarm has rung. It reports whether anybody wants to know.
func (a *Alarm) Rung() bool {
	if a.late > 0 {
		a.late--
	} else {
		a.at = engine.Never
	}
	if a.last == nil {
		return true
	}
	a.hush()
	return false
}

// Stop stops the alarm for good. The channel is closed when no tick runs.
func (a *Alarm) Stop() <-chan struct{} {
	if a.at != engine.Never && !a.timer.Stop() {
		a.late++
	}
	a.at = engine.Never
	if a.last == nil {
		a.last = make(chan struct{})
	}
	a.hush()
	return a.last
}

// hush closes last if no tick is late.
func (a *Alarm) hush() {
	if a.late == 0 && !a.quiet {
		a.quiet = true
		close(a.last)
	}
}
