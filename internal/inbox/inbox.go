// Package inbox collects what several goroutines bring, for one of them to hand in.
package inbox

import "sync"

// Inbox collects values of type T. The goroutine that finds it empty waits for the lock of
// the receiver and hands in all that has come meanwhile, so that goroutines which bring
// something at the same time do not queue for that lock one by one. The zero Inbox is empty.
// Its methods are safe for concurrent use.
type Inbox[T any] struct {
	mu   sync.Mutex
	all  []T
	last []T // handed in before: its memory is used again
}

// Put adds a value. It reports whether the caller has to hand in what is in the inbox.
func (b *Inbox[T]) Put(v T) (handIn bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, v)
	return len(b.all) == 1
}

// Take empties the inbox, and returns its values in their order. The slice is good until the
// next Take, and has to be cleared by the caller.
func (b *Inbox[T]) Take() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all, b.last = b.last[:0], b.all
	return b.last
}
