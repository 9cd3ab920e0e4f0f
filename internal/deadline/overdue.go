package deadline

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// Overdue says, once, that a call runs on although its time is over and its program was given
// some patience more. Its caller holds a lock.
type Overdue struct {
	call     *Context
	patience time.Duration
	at       engine.Time // when to look; engine.Never: it was told
}

// Depart notes that the call departs now. Its time may begin later, and move.
func (c *Context) Depart(now engine.Time, patience time.Duration) Overdue {
	end := c.limits.Until
	if c.limits.Timeout > 0 {
		end = Later(now, c.limits.Timeout)
	}
	return Overdue{call: c, patience: patience, at: Later(end, patience)}
}

// At is when to look, or engine.Never.
func (o *Overdue) At() engine.Time { return o.at }

// Look says whether it is to be told now, for how long the call has run then, and what its time
// was.
func (o *Overdue) Look(now engine.Time) (tell bool, ran, limit time.Duration) {
	if o.at > now {
		return false, 0, 0
	}
	began, end := o.call.Times()
	if began == 0 || Later(end, o.patience) > now { // it waits before its begin, or it got more time
		o.at = Later(now, o.patience)
		return false, 0, 0
	}
	o.at = engine.Never
	return true, time.Duration(now - began), time.Duration(end - began)
}
