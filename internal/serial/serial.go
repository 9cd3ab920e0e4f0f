// Package serial orders tasks that have entities as keys: of one key never two run at a time, and they
// run in the order in which they were added. A task with several keys waits for its turn
// in each of them, so that two of them never wait for each other.
//
// It runs nothing. [Queues.Add] and [Queues.Finish] say which tasks may run now; the
// caller runs the calls of each of them, in any goroutine, and tells when it has ended. Queues
// are not safe for concurrent use, and neither are tasks.
package serial

import "github.com/optimist-go/optimist/internal/engine"

// Task is some calls to be made one after the other. Add makes it.
type Task struct {
	Keys  []engine.Key
	Value any

	calls   []func() // that have not begun
	begun   uint64
	waiting int // keys in whose queues the task is not the first
}

// Next is the call that has to be made next, or nil.
func (t *Task) Next() (call func()) {
	if len(t.calls) > 0 {
		call, t.calls = t.calls[0], t.calls[1:]
		t.begun++
	}
	return call
}

// Queues holds the tasks that have not ended. The zero Queues is empty.
type Queues struct {
	// of has, for each key, the tasks that have not ended; the first of each may be
	// running. It is nil when there are none, because a map keeps the memory of a burst.
	of map[engine.Key][]*Task
}

// Empty reports whether all tasks have ended.
func (q *Queues) Empty() bool { return len(q.of) == 0 }

// Add adds a task behind all that have one of its keys. Keys are different, and at least
// one. ready says that the task may run now.
func (q *Queues) Add(v any, calls []func(), keys ...engine.Key) (t *Task, ready bool) {
	t = &Task{Keys: keys, Value: v, calls: calls}
	if q.of == nil {
		q.of = make(map[engine.Key][]*Task)
	}
	for _, k := range keys {
		if len(q.of[k]) > 0 {
			t.waiting++
		}
		q.of[k] = append(q.of[k], t)
	}
	return t, t.waiting == 0
}

// Finish removes a task that has run, and returns those that may run now.
func (q *Queues) Finish(t *Task) (ready []*Task) {
	for _, k := range t.Keys {
		rest := q.of[k][1:]
		if len(rest) == 0 {
			delete(q.of, k)
			continue
		}
		q.of[k] = rest
		if rest[0].waiting--; rest[0].waiting == 0 {
			ready = append(ready, rest[0])
		}
	}
	if len(q.of) == 0 {
		q.of = nil
	}
	return ready
}

// Drop forgets all calls that have not begun.
func (q *Queues) Drop() {
	for _, tasks := range q.of {
		for _, t := range tasks {
			t.calls = nil
		}
	}
}

// Running tells each task that runs, with the number of its calls that have begun; one with
// several keys it may tell several times.
func (q *Queues) Running(tell func(task any, begun uint64)) {
	for _, tasks := range q.of {
		for _, t := range tasks {
			if t.waiting == 0 && t.begun > 0 {
				tell(t, t.begun)
			}
		}
	}
}
