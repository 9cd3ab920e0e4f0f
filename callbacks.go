package optimist

import (
	"context"

	"github.com/optimist-go/optimist/internal/engine"
)

// callback is what a call that shares a handle wants to have run at the end.
type callback func(Result)

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

// callbackQueue runs callbacks in order, never two at a time for one entity, each
// queue in a goroutine that exists only while there is something to run. The
// Manager's lock guards it.
type callbackQueue struct {
	// queues holds, per entity, what waits; the first of each may be running.
	queues map[entityKey][]*callbackTask
	idle   signal // that queues is empty
}

// callbackTask is the callbacks of one operation. It runs when it is first in the
// queue of each of its entities; waiting counts those in which it is not.
type callbackTask struct {
	call    func(callback)
	all     []callback
	keys    []entityKey
	whose   *label
	begun   int // of all
	waiting int
	dropped bool
}

func (q *callbackQueue) addLocked(m *Manager, o *engine.Op, call func(callback), all []callback) {
	t := &callbackTask{call: call, all: all, whose: handleOf(o).label()}
	for ent := range o.Entities {
		t.keys = append(t.keys, keyOf(ent))
	}
	if q.queues == nil {
		q.queues = make(map[entityKey][]*callbackTask)
	}
	for _, k := range t.keys {
		if len(q.queues[k]) > 0 {
			t.waiting++
		}
		q.queues[k] = append(q.queues[k], t)
	}
	if t.waiting == 0 {
		go m.runCallbacks(t)
	}
}

// runCallbacks runs a task, and those that become first through its end.
func (m *Manager) runCallbacks(t *callbackTask) {
	defer func() {
		if t != nil {
			go m.runCallbacks(t) // a callback ended this goroutine: the rest runs in another
		}
	}()
	for t != nil {
		for len(t.all) > 0 {
			c := t.all[0]
			t.all = t.all[1:]
			m.mu.Lock()
			dropped := t.dropped
			t.begun++
			m.mu.Unlock()
			if dropped {
				break
			}
			m.contained(Event{Entity: t.keys[0].name()}, "callback", func() { t.call(c) })
		}
		m.mu.Lock()
		next := m.callbacks.finishLocked(t)
		m.mu.Unlock()
		t = nil
		for _, n := range next {
			if t == nil {
				t = n
			} else {
				go m.runCallbacks(n)
			}
		}
	}
}

func (q *callbackQueue) finishLocked(t *callbackTask) (next []*callbackTask) {
	for _, k := range t.keys {
		rest := q.queues[k][1:]
		if len(rest) == 0 {
			delete(q.queues, k)
			continue
		}
		q.queues[k] = rest
		if rest[0].waiting--; rest[0].waiting == 0 {
			next = append(next, rest[0])
		}
	}
	if len(q.queues) == 0 {
		q.queues = nil // a map keeps the memory of a burst
		q.idle.giveLocked()
	}
	return next
}

// dropLocked forgets the callbacks that have not begun.
func (q *callbackQueue) dropLocked() {
	for _, tasks := range q.queues {
		for _, t := range tasks {
			t.dropped = true
		}
	}
}

// waitForCallbacks waits until no callback runs or waits. Inside of a function of the program
// it waits for none that does not end.
func (m *Manager) waitForCallbacks(ctx context.Context, inside bool) error {
	q := &m.callbacks
	m.mu.Lock()
	if len(q.queues) == 0 {
		m.mu.Unlock()
		return nil
	}
	idle := q.idle.awaitLocked()
	var look func() string
	if inside {
		look = q.stuckLocked()
	}
	m.mu.Unlock()
	return m.awaitProgram(ctx, idle, look)
}

// stuckLocked returns a function that names a callback which has run since it was called
// last, or now. The lock must be held when it is called.
func (q *callbackQueue) stuckLocked() func() string {
	var before map[*callbackTask]int
	look := func() (name string) {
		now := make(map[*callbackTask]int)
		for _, tasks := range q.queues {
			t := tasks[0]
			if t.waiting > 0 || t.begun == 0 {
				continue
			}
			now[t] = t.begun
			if begun, ok := before[t]; ok && begun == t.begun {
				name = "a callback of " + t.keys[0].name() + ", of " + t.whose.String() + ","
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
