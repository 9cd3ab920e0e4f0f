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
)

// closures carries out, for the imperative door, the engine's decisions about closures.
// A Manager has none until the first closure. The Manager's lock guards the fields below
// executing.
type closures struct {
	m         *Manager
	executing sync.WaitGroup // calls that run closures; none begins once the Manager is closed

	logs map[entityKey]*closureLog
	most int // len(logs) at most, since the map was made
	// ready are the logs that got tasks under the lock; unlock drains them.
	ready     []*closureLog
	due       int    // tasks that have still to be carried out
	done      signal // that there are none
	clearings int    // counts ClearAll
}

// closureLog holds the closures that were run for one entity. It exists while
// something in it may still have to be undone.
//
// Closures of one entity run one at a time, by the goroutine that has the turn. The turn is
// not the Manager's lock: a closure may call the manager, except to execute or
// undo something of the same entity, for which it would wait for itself. Who has the turn
// carries out the tasks that have come before it gives the turn back.
type closureLog struct {
	key  entityKey
	turn latch.Turn[label]

	// Touched only by who has the turn.
	replay.Log
	taken int // tasks that the Log was told last

	// Guarded by the Manager's lock.
	tasks []replay.Task // that the Log was not told yet
	users int           // executions that hold or await the turn
}

// imperative is closures to those who must not know them: a program without closures does
// not carry their code.
type imperative interface {
	rewindLocked(*engine.Entity, []engine.Victim)
	adoptLocked(o *engine.Op, state any)
	settleLocked(h *Handle, silent bool)
	clearedLocked()
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
		c = &closures{m: m, logs: make(map[entityKey]*closureLog)}
		m.closures = c
	}
	return c
}

// joinLocked finds or makes the log of an entity, for a caller that has to leave it.
func (c *closures) joinLocked(key entityKey) *closureLog {
	c.executing.Add(1)
	log := c.logLocked(key)
	log.users++
	return log
}

func (c *closures) logLocked(key entityKey) *closureLog {
	log := c.logs[key]
	if log == nil {
		log = &closureLog{key: key, turn: latch.NewTurn[label]()}
		c.logs[key] = log
		c.most = max(c.most, len(c.logs))
	}
	return log
}

func (c *closures) rewindLocked(ent *engine.Entity, victims []engine.Victim) {
	c.tellLocked(ent, replay.Task{Rewind: victims})
}

func (c *closures) adoptLocked(o *engine.Op, state any) {
	typ := typeOf(o)
	apply := typ.change
	if typ.adopt != nil {
		apply = func() func() { return typ.adopt(state) }
	}
	c.tellLocked(o.Entity(), replay.Task{Adopt: o, State: state, Apply: apply})
}

func (c *closures) settleLocked(h *Handle, silent bool) {
	t := replay.Task{Settle: &h.op, Heir: h.op.Successor(), Mark: c.clearings}
	if silent {
		t.Mark = -1 // of none
	}
	c.tellLocked(h.op.Entity(), t)
}

func (c *closures) tellLocked(ent *engine.Entity, t replay.Task) {
	log := c.logLocked(keyOf(ent))
	if len(log.tasks) == 0 {
		c.ready = append(c.ready, log)
	}
	log.tasks = append(log.tasks, t)
	c.due++
}

// clearedLocked has operations that settled before end without callbacks.
func (c *closures) clearedLocked() { c.clearings++ }

// tasksDoneLocked notes that n tasks have been carried out.
func (c *closures) tasksDoneLocked(n int) {
	if c.due -= n; c.due == 0 {
		c.done.giveLocked()
	}
}

func (c *closures) tasksLocked() <-chan struct{} {
	if c.due == 0 {
		return nil
	}
	return c.done.awaitLocked()
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
	return len(c.ready) > 0, slices.ContainsFunc(c.ready, func(log *closureLog) bool {
		return log.turn.Held() || slices.ContainsFunc(log.tasks, func(t replay.Task) bool { return t.Settle == nil })
	})
}

func (c *closures) unlock() error {
	logs := c.ready
	c.ready = nil
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
	if err := log.takeTurn(context.Background()); err != nil {
		return err
	}
	defer c.leave(log)
	c.work(log)
	return nil
}

// stuckLocked returns a function that names a closure of an entity (nil: of any) which
// has run since it was called last, or now. The lock must be held when it is called.
func (c *closures) stuckLocked(ent *engine.Entity) func() string {
	return stuckLocked(func(yield func(*closureLog, uint64) bool) {
		for _, log := range c.logs {
			if !log.turn.Held() || ent != nil && keyOf(ent) != log.key {
				continue
			}
			if begun, _ := log.turn.Latest(); !yield(log, begun) {
				return
			}
		}
	}, (*closureLog).running)
}

// leaveServed is leave for a caller that joined.
func (c *closures) leaveServed(log *closureLog) {
	c.m.mu.Lock()
	log.users--
	c.m.mu.Unlock()
	c.leave(log)
}

// leaveUnserved is leaveServed for a caller that did not get the turn.
func (c *closures) leaveUnserved(log *closureLog) {
	c.m.mu.Lock()
	log.users--
	c.m.mu.Unlock()
	if log.turn.TryTake() {
		c.leave(log) // nobody else is there to forget an empty log
	}
}

// leave gives the turn back when no task is left, and forgets a log that holds nothing. Then
// it drains the logs of other entities to which its own tasks have led.
func (c *closures) leave(log *closureLog) {
	c.m.mu.Lock()
	if len(log.tasks) > 0 {
		c.m.mu.Unlock()
		defer c.leave(log) // also when a closure ends the goroutine
		c.work(log)
		return
	}
	if log.Empty() && log.users == 0 && c.logs[log.key] == log {
		delete(c.logs, log.key)
		if len(c.logs) == 0 && c.most > 1024 {
			c.logs, c.most = make(map[entityKey]*closureLog), 0 // a map keeps the memory of a burst
		}
	}
	log.turn.Give()
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
		c.m.completeLocked(handleOf(act.Op), act.Mark != c.clearings)
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
	c.tasksDoneLocked(log.taken)
	log.Tell(log.tasks)
	log.taken, log.tasks = len(log.tasks), nil
	return log.taken > 0
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
	log.turn.Begin(handleOf(o).label())
	return c.m.contained(Event{Entity: log.key.name()}, in, f)
}

// running names the closure that runs.
func (log *closureLog) running() string {
	_, whose := log.turn.Latest()
	return "a closure of " + log.key.name() + ", of " + whose.String() + ","
}

// takeTurn waits for the turn, unless one closure has it for too long.
func (log *closureLog) takeTurn(ctx context.Context) error {
	if taken, err := log.turn.Take(ctx, patience); taken || err != nil {
		return err
	}
	return stuckErr(log.running())
}
