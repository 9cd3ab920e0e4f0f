// Package deadline has the context of a call whose time begins late and moves: it is the
// program's progress that decides how long the call may last.
//
// # Guarantees
//
//   - A [Context] is a [context.Context]. Its channel and its timer are made only for those
//     that ask for them, because most calls end long before their deadline.
//   - Contexts derived from it cost no goroutine that waits.
//   - It ends once, for the first reason. Its deadline never passes without an end: who asks
//     then is told so.
//
// # Not guaranteed
//
// It has no values; a type that embeds it may have some. All methods are safe for concurrent
// use.
package deadline

import (
	"context"
	"sync"
	"time"
)

// Limits bound a call.
type Limits struct {
	Until   time.Time     // it ends then in any case; zero: there is no such time
	Timeout time.Duration // it ends after so long without progress; 0 or less: never for that
	Longest time.Duration // progress extends it so far, at least to Timeout; 0 or less: to Until
}

// betweenTold is the least time between two reports that are to be told.
const betweenTold = 100 * time.Millisecond

// Context is the context of one call. The zero Context has no deadline until [Context.Begin].
type Context struct {
	// mu guards all fields.
	mu     sync.Mutex
	limits Limits
	began  time.Time // zero: its time has not begun
	end    time.Time // zero: it has none
	err    error
	done   chan struct{}
	timer  *time.Timer          // fires at the deadline, or at an earlier one and is set again
	after  map[*func()]struct{} // to be run when the context ends; see AfterFunc

	reported *reported // nil: no progress
}

// reported is the progress of a call.
type reported struct {
	done, total int64
	told        time.Time // when a report was to be told last
	lasts       bool      // it has gone on beyond its first timeout
}

// Begin starts the time of the call. Its error says that it was ended before.
func (c *Context) Begin(now time.Time, limits Limits) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.limits, c.end = now, limits, limits.Until
	if limits.Timeout > 0 {
		c.end = sooner(limits.Until, now.Add(limits.Timeout))
	}
	return c.err
}

// sooner is the earlier of two times, of which the first may be none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Times are when the call began (zero: it has not), and when it has to end (zero: never).
func (c *Context) Times() (began, end time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began, c.end
}

// Deadline is part of context.Context.
func (c *Context) Deadline() (time.Time, bool) {
	_, end := c.Times()
	return end, !end.IsZero()
}

// Value is part of context.Context.
func (*Context) Value(any) any { return nil }

// Done is part of context.Context.
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		switch {
		case c.err != nil:
			close(c.done)
		case !c.end.IsZero():
			c.timer = time.AfterFunc(time.Until(c.end), c.timeUp)
		}
	}
	return c.done
}

// AfterFunc calls run in a goroutine of its own when the context ends, or at once when
// it has ended. The stop function reports whether it has prevented that. Package context
// asks for this method: contexts derived from this one then need no goroutine that waits.
func (c *Context) AfterFunc(run func()) (stop func() bool) {
	c.Done() // sets the timer
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go run()
	} else {
		if c.after == nil {
			c.after = make(map[*func()]struct{})
		}
		c.after[&run] = struct{}{}
	}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.after[&run]
		delete(c.after, &run)
		return waits
	}
}

// timeUp ends the context, unless progress has moved its deadline since the timer was set.
func (c *Context) timeUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if rest := time.Until(c.end); rest > 0 {
		c.timer.Reset(rest)
		return
	}
	c.endHeld(context.DeadlineExceeded)
}

// Err is part of context.Context.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(time.Now())
	return c.err
}

// look ends the context when its deadline has passed. The caller has c.mu.
func (c *Context) look(now time.Time) {
	if !c.end.IsZero() && !now.Before(c.end) {
		c.endHeld(context.DeadlineExceeded)
	}
}

// End ends the context; the first reason stays.
func (c *Context) End(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endHeld(err)
}

// endHeld is End for a caller that has c.mu.
func (c *Context) endHeld(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	for run := range c.after {
		go (*run)()
	}
	c.after = nil
}

// Report notes how far the call has come: done of total (0: not known), in units of its own.
// The timeout begins anew. tell says that the report is to be told, which the first is and
// later ones are now and then; lasts, once, that the call goes on beyond its timeout. After
// the end a report does nothing.
func (c *Context) Report(now time.Time, done, total int64) (tell, lasts bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.look(now); c.err != nil {
		return false, false
	}
	if tell = c.reported == nil; tell {
		c.reported = new(reported)
	}
	r := c.reported
	r.done, r.total = done, total
	if tell = tell || now.Sub(r.told) >= betweenTold; tell {
		r.told = now
	}
	timeout := c.limits.Timeout
	if timeout <= 0 {
		return tell, false
	}
	latest := c.limits.Until
	if c.limits.Longest > 0 {
		latest = sooner(latest, c.began.Add(max(c.limits.Longest, timeout)))
	}
	c.end = sooner(latest, now.Add(timeout))
	lasts = !r.lasts && now.Sub(c.began) >= timeout
	r.lasts = r.lasts || lasts
	return tell, lasts
}

// Reported is the latest report; zeros without one.
func (c *Context) Reported() (done, total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reported == nil {
		return 0, 0
	}
	return c.reported.done, c.reported.total
}
