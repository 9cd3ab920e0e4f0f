package load

import (
	"context"
	"fmt"
	"sync"
)

// Trouble is a fault of the servers that is caused several times while clients tap,
// evenly spread over the taps.
type Trouble struct {
	// Name describes the fault in the report, such as "servers killed".
	Name string
	// Times is the number of times that Do is called.
	Times int
	// Early puts the first fault at the first tap. Without it each fault comes in the middle
	// of its share of the taps.
	Early bool
	// Do causes the fault once, and returns when the servers can go on. An error ends the
	// run.
	Do func(context.Context) error
}

// course is one Trouble on its way through a run. It is safe for concurrent use.
//
// Clients tap faster than a server starts. So that the troubles stay spread over the
// taps, no client taps while two of a kind are due and not done; clients in processes of
// their own do not wait, and late troubles come while they settle.
type course struct {
	Trouble
	taps int // of the whole run

	// mu guards the fields below it. changed signals each change of them.
	mu      sync.Mutex
	changed *sync.Cond
	made    int // taps
	done    int // times
}

func newCourse(t Trouble, taps int) *course {
	c := &course{Trouble: t, taps: taps}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// due returns the number of taps after which the trouble comes for the nth time, from 0
// on.
func (c *course) due(n int) int {
	if c.Early {
		return 1 + n*c.taps/c.Times
	}
	return 1 + (2*n+1)*c.taps/(2*c.Times)
}

// tapped is called for every tap.
func (c *course) tapped(made int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = max(c.made, made)
	c.changed.Broadcast()
}

// await waits until ready returns true, or ctx ends. It holds the lock while it calls
// ready.
func (c *course) await(ctx context.Context, ready func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ready() && ctx.Err() == nil {
		c.changed.Wait()
	}
	return ctx.Err()
}

// pace waits until a client may tap.
func (c *course) pace(ctx context.Context) error {
	return c.await(ctx, func() bool { return c.done+1 >= c.Times || c.made < c.due(c.done+1) })
}

// run calls Do each time that it is due, and returns after the last time.
func (c *course) run(ctx context.Context) error {
	for n := range c.Times {
		if err := c.await(ctx, func() bool { return c.made >= min(c.due(n), c.taps) }); err != nil {
			return err
		}
		if err := c.Do(ctx); err != nil {
			return fmt.Errorf("%s, %d of %d: %w", c.Name, n+1, c.Times, err)
		}
		c.mu.Lock()
		c.done++
		c.changed.Broadcast()
		c.mu.Unlock()
	}
	return nil
}

// count returns the number of times that Do was called.
func (c *course) count() TroubleCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	return TroubleCount{Name: c.Name, Times: c.done}
}

// TroubleCount is the number of times that a [Trouble] was caused.
type TroubleCount struct {
	Name  string `json:"name"`
	Times int    `json:"times"`
}
