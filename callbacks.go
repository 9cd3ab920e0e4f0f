package optimist

import (
	"context"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/serial"
)

// entityKey names an entity, also after the engine has forgotten it.
type entityKey struct {
	space *engine.Space
	id    string
}

func (k entityKey) name() string {
	if k.space.Name == "" {
		return k.id
	}
	return k.space.Name + ":" + k.id
}

func keyOf(ent *engine.Entity) entityKey { return entityKey{ent.Space(), ent.ID()} }

// callbacks are those that wait or run: in order, never two at a time for one entity, each
// queue in a goroutine that exists only while there is something to run. The Manager's
// lock guards them.
type callbacks struct {
	serial.Queues[entityKey, *settlement]
	idle  signal // that they are empty
	muted bool   // operations settle without: the step that runs ends a life
}

// settlement is the callbacks of one operation that has ended.
type settlement struct {
	rest    []func()
	whose   *label
	begun   int // callbacks
	dropped bool
}

type callbackTask = serial.Task[entityKey, *settlement]

// callBackLocked has the callbacks of an operation run when it is their turn.
func (m *Manager) callBackLocked(o *engine.Op, all []func()) {
	var keys []entityKey
	for ent := range o.Entities {
		keys = append(keys, keyOf(ent))
	}
	if t, ready := m.callbacks.Add(&settlement{rest: all, whose: handleOf(o).label()}, keys...); ready {
		m.startCallbacks(t)
	}
}

func (m *Manager) startCallbacks(all ...*callbackTask) {
	for _, t := range all {
		go m.runCallbacks(t)
	}
}

// runCallbacks runs a task, and those that become first through its end.
func (m *Manager) runCallbacks(t *callbackTask) {
	foreign.Loop(func() (more bool) {
		f := m.nextCallback(t)
		if f == nil {
			t = m.finishCallbacks(t)
			return t != nil
		}
		m.contained(Event{Entity: t.Keys[0].name()}, "callback", f)
		return true
	})
}

// nextCallback returns the callback that runs next, or nil.
func (m *Manager) nextCallback(t *callbackTask) func() {
	m.mu.Lock()
	s := t.Value
	var f func()
	if !s.dropped && len(s.rest) > 0 {
		f, s.rest = s.rest[0], s.rest[1:]
		s.begun++
	}
	m.mu.Unlock()
	return f
}

// finishCallbacks ends a task. It returns one that may run now, or nil, and has others run
// in goroutines of their own.
func (m *Manager) finishCallbacks(t *callbackTask) (next *callbackTask) {
	m.mu.Lock()
	ready := m.callbacks.Finish(t)
	if len(ready) > 0 {
		next = ready[0]
		m.startCallbacks(ready[1:]...)
	}
	if m.callbacks.Empty() {
		m.callbacks.idle.giveLocked()
	}
	m.mu.Unlock()
	return next
}

// dropLocked forgets the callbacks that have not begun.
func (c *callbacks) dropLocked() {
	for t := range c.All {
		t.Value.dropped = true
	}
}

// waitForCallbacks waits until no callback runs or waits. Inside of a function of the program
// it waits for none that does not end.
func (m *Manager) waitForCallbacks(ctx context.Context, inside bool) error {
	m.mu.Lock()
	if m.callbacks.Empty() {
		m.mu.Unlock()
		return nil
	}
	idle := m.callbacks.idle.awaitLocked()
	var look func() string
	if inside {
		look = m.callbacks.stuckLocked()
	}
	m.mu.Unlock()
	return m.awaitProgram(ctx, idle, look)
}

// stuckLocked returns a function that names a callback which has run since it was called
// last, or now. The lock must be held when it is called.
func (c *callbacks) stuckLocked() func() string {
	var before map[*callbackTask]int
	look := func() (name string) {
		now := make(map[*callbackTask]int)
		for t, ready := range c.All {
			if !ready || t.Value.begun == 0 {
				continue
			}
			now[t] = t.Value.begun
			if begun, ok := before[t]; ok && begun == t.Value.begun {
				name = "a callback of " + t.Keys[0].name() + ", of " + t.Value.whose.String() + ","
			}
		}
		before = now
		return name
	}
	look()
	return look
}

// signal tells all who wait for one thing. They share its channel, so that one who gives
// up leaves nothing behind. The Manager's lock guards it.
type signal struct{ given chan struct{} } // nil: nobody has waited since it was given

func (s *signal) awaitLocked() <-chan struct{} {
	if s.given == nil {
		s.given = make(chan struct{})
	}
	return s.given
}

func (s *signal) giveLocked() {
	if s.given != nil {
		close(s.given)
		s.given = nil
	}
}
