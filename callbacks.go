package optimist

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/latch"
	"github.com/optimist-go/optimist/internal/serial"
	"github.com/optimist-go/optimist/internal/stuck"
)

// callbacks are those that wait or run: in order, never two at a time for one entity, each
// queue in a goroutine that exists only while there is something to run. The Manager's
// lock guards them.
type callbacks struct {
	serial.Queues              // the value of a task is the *label of its operation's type
	idle          latch.Signal // that they are empty
	muted         bool         // operations settle without: the step that runs ends a life
}

// callBackLocked has the callbacks of an operation run when it is their turn.
func (m *Manager) callBackLocked(o *engine.Op, all []func()) {
	var keys []engine.Key
	for ent := range o.Entities {
		if k := ent.Key(); !slices.Contains(keys, k) { // two of a group may have become one
			keys = append(keys, k)
		}
	}
	if t, ready := m.callbacks.Add(handleOf(o).label(), all, keys...); ready {
		m.startCallbacks(t)
	}
}

func (m *Manager) startCallbacks(all ...*serial.Task) {
	for _, t := range all {
		go m.runCallbacks(t)
	}
}

// runCallbacks runs a task, and those that become first through its end.
func (m *Manager) runCallbacks(t *serial.Task) {
	foreign.Loop(func() (more bool) {
		m.mu.Lock()
		f := t.Next()
		if f == nil {
			t = m.finishCallbacksLocked(t)
		}
		m.mu.Unlock()
		if f != nil {
			m.contained(Event{Entity: t.Keys[0].String()}, "callback", f)
		}
		return t != nil
	})
}

// finishCallbacksLocked ends a task. It returns one that may run now, or nil, and has others
// run in goroutines of their own.
func (m *Manager) finishCallbacksLocked(t *serial.Task) (next *serial.Task) {
	ready := m.callbacks.Finish(t)
	if len(ready) > 0 {
		next = ready[0]
		m.startCallbacks(ready[1:]...)
	}
	if m.callbacks.Empty() {
		m.callbacks.idle.Give()
	}
	return next
}

// awaitedLocked is closed when no callback runs or waits (nil: none does), and names one that
// does not end.
func (c *callbacks) awaitedLocked() (idle <-chan struct{}, look func() string) {
	if c.Empty() {
		return nil, nil
	}
	return c.idle.Await(), stuck.Watch(c.Running, func(task any) string {
		t := task.(*serial.Task)
		return "a callback of " + t.Keys[0].String() + ", of " + t.Value.(*label).String() + ","
	})
}
