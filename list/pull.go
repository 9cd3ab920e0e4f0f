package list

import "context"

// Pull is Watch for a program that looks by itself, such as a page that paints in frames. next
// returns the splice behind the one that it returned last, the first time a reset, and ok is
// false where there is none now. It does not wait. stop ends it and frees it. next and stop are
// for one goroutine at a time.
func (l *List[T]) Pull() (next func() (s Splice[T], ok bool), stop func()) {
	if !l.made() {
		return func() (s Splice[T], ok bool) { return s, false }, func() {}
	}
	now, end := context.WithCancel(context.Background())
	end()
	l.mu.Lock()
	l.watchers++
	l.mu.Unlock()
	begun, stopped, seen := false, false, uint64(0)
	next = func() (s Splice[T], ok bool) {
		switch {
		case stopped:
			return Splice[T]{}, false
		case !begun:
			begun = true
			l.mu.Lock()
			defer l.mu.Unlock()
			seen = l.last
			return l.resetLocked(), true
		}
		s, seen, ok = l.next(now, seen)
		return s, ok
	}
	stop = func() {
		if !stopped {
			stopped = true
			l.leave()
		}
	}
	return next, stop
}
