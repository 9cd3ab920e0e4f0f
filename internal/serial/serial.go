// Package serial orders tasks that have keys: of one key never two run at a time, and they
// run in the order in which they were added. A task with several keys waits for its turn
// in each of them, so that two of them never wait for each other.
//
// It runs nothing. [Queues.Add] and [Queues.Finish] say which tasks may run now; the
// caller runs each of them, in any goroutine, and tells when it has ended. Queues are
// not safe for concurrent use.
package serial

// Task is one thing to run. Add makes it.
type Task[K comparable, V any] struct {
	Keys  []K
	Value V

	waiting int // keys in whose queues the task is not the first
}

// Queues holds the tasks that have not ended. The zero Queues is empty.
type Queues[K comparable, V any] struct {
	// of has, for each key, the tasks that have not ended; the first of each may be
	// running. It is nil when there are none, because a map keeps the memory of a burst.
	of map[K][]*Task[K, V]
}

// Empty reports whether all tasks have ended.
func (q *Queues[K, V]) Empty() bool { return len(q.of) == 0 }

// Add adds a task behind all that have one of its keys. Keys are different, and at least
// one. ready says that the task may run now.
func (q *Queues[K, V]) Add(v V, keys ...K) (t *Task[K, V], ready bool) {
	t = &Task[K, V]{Keys: keys, Value: v}
	if q.of == nil {
		q.of = make(map[K][]*Task[K, V])
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
func (q *Queues[K, V]) Finish(t *Task[K, V]) (ready []*Task[K, V]) {
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

// All calls yield for each task, once for each of its keys, and says whether the task may
// run or is running.
func (q *Queues[K, V]) All(yield func(t *Task[K, V], ready bool) bool) {
	for _, tasks := range q.of {
		for _, t := range tasks {
			if !yield(t, t.waiting == 0) {
				return
			}
		}
	}
}
