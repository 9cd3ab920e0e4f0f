package audience

import "slices"

// Watcher is told that the thing watched may look different. Its capacity is 1, so that
// waking never waits, and one who was woken looks at the latest.
type Watcher chan struct{}

// Watchers are those of one thing. The zero Watchers is none. Its methods are called under a
// lock of the caller.
type Watchers struct{ all []Watcher }

// Join adds a watcher.
func (w *Watchers) Join() Watcher {
	one := make(Watcher, 1)
	w.all = append(w.all, one)
	return one
}

// Leave removes a watcher, and reports whether it was the last one.
func (w *Watchers) Leave(one Watcher) (last bool) {
	w.all = slices.DeleteFunc(w.all, func(other Watcher) bool { return other == one })
	return len(w.all) == 0
}

// Wake wakes all.
func (w *Watchers) Wake() {
	for _, one := range w.all {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}
