package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// alarm is the Manager's one timer. The Manager's lock guards it.
type alarm struct {
	ring  func()      // the timer's function; it has to call rungLocked
	timer *time.Timer // nil until it is needed
	at    engine.Time // when the timer fires; engine.Never when it will not
	// late counts the ticks that have fired and wait for the lock, while the timer was
	// stopped or set anew.
	late int
	last chan struct{} // closed when none is late; nil: the alarm has not been stopped for good
}

// setLocked has the alarm ring at a time, or not at all.
func (a *alarm) setLocked(at, now engine.Time) {
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

// rungLocked notes that the alarm has rung. It reports whether anybody wants to know.
func (a *alarm) rungLocked() bool {
	if a.late > 0 {
		a.late--
	} else {
		a.at = engine.Never
	}
	if a.last == nil {
		return true
	}
	if a.late == 0 {
		closeOnce(a.last)
	}
	return false
}

// stopLocked stops the alarm for good. The channel is closed when no tick runs.
func (a *alarm) stopLocked() <-chan struct{} {
	if a.at != engine.Never && !a.timer.Stop() {
		a.late++
	}
	a.at = engine.Never
	if a.last == nil {
		a.last = make(chan struct{})
	}
	if a.late == 0 {
		closeOnce(a.last)
	}
	return a.last
}

// closeOnce closes a channel on which nothing is sent, unless it is closed already.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
