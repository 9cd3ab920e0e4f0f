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
// It has one value, its call. All methods are safe for concurrent use.
package deadline

import (
	"context"
	"sync"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// Limits bound a call.
type Limits struct {
	Until   engine.Time   // it ends then in any case; engine.Never: there is no such time
	Timeout time.Duration // it ends after so long without progress; 0 or less: never for that
	Longest time.Duration // progress extends it so far, at least to Timeout; 0 or less: to Until
}

// betweenTold is the least time between two reports that are to be told.
const betweenTold = engine.Time(1e8) // a tenth of a second

// Key is under which a Context has its Call.
type Key struct{}

// Context is the context of one call. [New] makes one, which has no deadline until
// [Context.Begin].
type Context struct {
	call   any
	epoch  time.Time // engine time 0
	limits Limits

	// mu guards the fields below.
	mu    sync.Mutex
	began engine.Time // 0: its time has not begun
	end   engine.Time // engine.Never: it has none
	err   error
	done  chan struct{}
	timer *time.Timer          // fires at the deadline, or at an earlier one and is set again
	after map[*func()]struct{} // to be run when the context ends; see AfterFunc

	reported *reported // nil: no progress
}

// reported is the progress of a call.
type reported struct {
	done, total int64
	told        engine.Time // when a report was to be told last
	lasts       bool        // it has gone on beyond its first timeout
}

// New returns the context of a call, which is its value for [Key]. epoch is the engine's time 0.
func New(call any, epoch time.Time, limits Limits) Context {
	return Context{call: call, epoch: epoch, limits: limits, end: engine.Never}
}

// Begin starts the time of the call. Its error says that it was ended before.
func (c *Context) Begin(now engine.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.end = now, c.limits.Until
	if timeout := c.limits.Timeout; timeout > 0 {
		c.end = min(c.end, Later(now, timeout))
	}
	return c.err
}

// Later is a time after another.
func Later(t engine.Time, d time.Duration) engine.Time {
	if d > 0 && t > engine.Never-engine.Time(d) {
		return engine.Never
	}
	return t + engine.Time(d)
}

func (c *Context) now() engine.Time { return engine.Time(time.Since(c.epoch)) }

// Times are when the call began (0: it has not), and when it has to end (engine.Never: it does
// not).
func (c *Context) Times() (began, end engine.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began, c.end
}

// Deadline is part of context.Context.
func (c *Context) Deadline() (time.Time, bool) {
	_, end := c.Times()
	if end == engine.Never {
		return time.Time{}, false
	}
	return c.epoch.Add(time.Duration(end)), true
}

// Value is part of context.Context.
func (c *Context) Value(key any) any {
	if key == (Key{}) {
		return c.call
	}
	return nil
}

// Done is part of context.Context.
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		switch {
		case c.err != nil:
			close(c.done)
		case c.end != engine.Never:
			c.timer = time.AfterFunc(time.Duration(c.end-c.now()), c.timeUp)
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
	if rest := c.end - c.now(); rest > 0 {
		c.timer.Reset(time.Duration(rest))
		return
	}
	c.endHeld(context.DeadlineExceeded)
}

// Err is part of context.Context.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(c.now())
	return c.err
}

// look ends the context when its deadline has passed. The caller has c.mu.
func (c *Context) look(now engine.Time) {
	if now >= c.end {
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
func (c *Context) Report(now engine.Time, done, total int64) (tell, lasts bool) {
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
	if tell = tell || now >= r.told+betweenTold; tell {
		r.told = now
	}
	timeout := c.limits.Timeout
	if timeout <= 0 {
		return tell, false
	}
	c.end = min(c.limits.Until, Later(now, timeout))
	if c.limits.Longest > 0 {
		c.end = min(c.end, Later(c.began, max(c.limits.Longest, timeout)))
	}
	lasts = !r.lasts && now >= Later(c.began, timeout)
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
