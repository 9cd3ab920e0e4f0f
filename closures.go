package optimist

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/latch"
	"github.com/optimist-go/optimist/internal/replay"
	"github.com/optimist-go/optimist/internal/stuck"
)

// closures carries out, for the imperative door, the engine's decisions about closures.
// A Manager has none until the first closure. The Manager's lock guards the fields below
// executing.
type closures struct {
	m         *Manager
	executing sync.WaitGroup // calls that run closures; none begins once the Manager is closed

	*replay.Book[latch.Turn[label]]
	done latch.Signal // that all tasks are done
}

// closureLog has the closures that were run for one entity.
//
// Closures of one entity run one at a time, by the goroutine that has the turn. The turn is
// not the Manager's lock: a closure may call the manager, except to execute or
// undo something of the same entity, for which it would wait for itself. Who has the turn
// carries out the tasks that have come before it gives the turn back.
type closureLog = replay.Page[latch.Turn[label]]

// imperative is closures to those who must not know them: a program without closures does
// not carry their code.
type imperative interface {
	rewindLocked(*engine.Entity, []engine.Victim)
	adoptLocked(o *engine.Op, state any)
	Settle(o *engine.Op, silent bool)
	Clear() // has operations that settled before end without callbacks
	// readyLocked reports whether closures have to run when the lock is released, and
	// whether that waits for functions of the program.
	readyLocked() (ready, slow bool)
	// unlock releases the Manager's lock and has closures run. When one of them runs for too
	// long it leaves them to the goroutine that has the turn, and says so.
	unlock() error
	tasksLocked() (done <-chan struct{})    // that nothing is due; nil when nothing is
	executesLocked() (done <-chan struct{}) // that no call runs closures any more
	stuckLocked(*engine.Entity) func() string
}

// closuresLocked are the Manager's, which exist from then on.
func (m *Manager) closuresLocked() *closures {
	c, _ := m.closures.(*closures)
	if c == nil {
		c = &closures{m: m, Book: replay.NewBook(latch.NewTurn[label])}
		m.closures = c
	}
	return c
}

func (c *closures) rewindLocked(ent *engine.Entity, victims []engine.Victim) {
	c.Tell(ent.Key(), replay.Task{Rewind: victims})
}

func (c *closures) adoptLocked(o *engine.Op, state any) {
	typ := typeOf(o)
	apply := typ.change
	if typ.adopt != nil {
		apply = func() func() { return typ.adopt(state) }
	}
	c.Tell(o.Entity().Key(), replay.Task{Adopt: o, State: state, Apply: apply})
}

func (c *closures) tasksLocked() <-chan struct{} {
	if c.Idle() {
		return nil
	}
	return c.done.Await()
}

func (c *closures) executesLocked() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		c.executing.Wait()
		close(done)
	}()
	return done
}

func (c *closures) readyLocked() (ready, slow bool) {
	return len(c.Ready()) > 0, slices.ContainsFunc(c.Ready(), func(log *closureLog) bool { return log.Turn.Held() || log.Slow() })
}

func (c *closures) unlock() error {
	logs := c.Serve()
	c.m.mu.Unlock()
	return c.drain(logs)
}

// drain has closures run, also those after one that ends the goroutine.
func (c *closures) drain(logs []*closureLog) (err error) {
	foreign.Finish(func() {
		for len(logs) > 0 {
			log := logs[0]
			logs = logs[1:]
			err = cmp.Or(c.serve(log), err)
		}
	}, func() { c.drain(logs) })
	return err
}

// serve carries out the tasks of a log.
func (c *closures) serve(log *closureLog) error {
	if err := takeTurn(context.Background(), log); err != nil {
		return err
	}
	defer c.leave(log)
	c.work(log)
	return nil
}

// stuckLocked returns a function that names a closure of an entity (nil: of any) which
// has run since it was called last, or now. The lock must be held when it is called.
func (c *closures) stuckLocked(ent *engine.Entity) func() string {
	return stuck.Watch(func(tell func(any, uint64)) {
		for log := range c.Pages {
			if log.Turn.Held() && (ent == nil || ent.Key() == log.Key) {
				begun, _ := log.Turn.Latest()
				tell(log, begun)
			}
		}
	}, func(log any) string { return runningClosure(log.(*closureLog)) })
}

// leaveServed is leave for a caller that joined.
func (c *closures) leaveServed(log *closureLog) {
	c.m.mu.Lock()
	c.Leave(log)
	c.m.mu.Unlock()
	c.leave(log)
}

// leaveUnserved is leaveServed for a caller that did not get the turn.
func (c *closures) leaveUnserved(log *closureLog) {
	c.m.mu.Lock()
	c.Leave(log)
	c.m.mu.Unlock()
	if log.Turn.TryTake() {
		c.leave(log) // nobody else is there to forget an empty log
	}
}

// leave gives the turn back when no task is left, and forgets a log that holds nothing. Then
// it drains the logs of other entities to which its own tasks have led.
func (c *closures) leave(log *closureLog) {
	c.m.mu.Lock()
	if !c.Close(log) {
		c.m.mu.Unlock()
		defer c.leave(log) // also when a closure ends the goroutine
		c.work(log)
		return
	}
	log.Turn.Give()
	c.unlock()
}

// work carries out the tasks, also those after a closure that ends the goroutine. The
// caller has the turn.
func (c *closures) work(log *closureLog) {
	foreign.Finish(func() {
		for c.step(log) {
		}
	}, func() { c.work(log) })
}

// step carries out one act of a log. It reports whether there may be another.
func (c *closures) step(log *closureLog) (more bool) {
	act := log.Next(c.m.opts.MaxPerEntity)
	switch act.Kind {
	case replay.Undo:
		c.undo(log, act.Op, act.Rollback)
	case replay.Apply:
		c.apply(log, act)
	case replay.Adopted:
		c.m.mu.Lock()
		if h := handleOf(act.Op); !h.ended {
			h.server = act.State
		}
		c.m.mu.Unlock()
	case replay.Settled:
		c.m.mu.Lock()
		c.m.completeLocked(handleOf(act.Op), c.Silent(act))
		c.m.mu.Unlock()
	case replay.Nothing:
		return c.take(log)
	}
	return true
}

// take notes that the tasks taken before are done, and takes those that have come. It
// reports whether there are any.
func (c *closures) take(log *closureLog) bool {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	more := c.Take(log)
	if c.Idle() {
		c.done.Give()
	}
	return more
}

func (c *closures) undo(log *closureLog, o *engine.Op, rollback func()) {
	if rollback != nil {
		c.contain(log, o, "rollback", rollback)
	}
}

// apply applies again. An operation that cannot be applied again is rolled back.
func (c *closures) apply(log *closureLog, act replay.Act) {
	err := c.contain(log, act.Op, "apply", func() { log.Applied(act.Apply()) })
	if err != nil && log.Failed() {
		c.m.mu.Lock()
		c.m.stepLocked(time.Now(), engine.Cancel{Op: act.Op, Err: err}) // gives this log a task
		c.m.mu.Unlock()
	}
}

func (c *closures) contain(log *closureLog, o *engine.Op, in string, f func()) error {
	log.Turn.Begin(handleOf(o).label())
	return c.m.contained(Event{Entity: log.Key.String()}, in, f)
}

// runningClosure names the closure that runs.
func runningClosure(log *closureLog) string {
	_, whose := log.Turn.Latest()
	return "a closure of " + log.Key.String() + ", of " + whose.String() + ","
}

// takeTurn waits for the turn, unless one closure has it for too long.
func takeTurn(ctx context.Context, log *closureLog) error {
	if taken, err := log.Turn.Take(ctx, patience); taken || err != nil {
		return err
	}
	return stuckErr(runningClosure(log))
}
