package sqlite

import (
	"sync"
	"time"
)

// beat is the time between two calls of wake without a reason.
const beat = time.Second

// watches are the goroutines that wake watchers.
type watches struct {
	// mu guards the fields below it.
	mu     sync.Mutex
	closed bool
	all    map[*watch]bool
}

// watch is one goroutine that calls one wake.
type watch struct {
	told  chan struct{} // has room for one value: wake is to be called
	quit  chan struct{} // closed to end the goroutine
	ended chan struct{} // closed by the goroutine when it has ended
}

// Tell implements [server.Database].
func (d *Database) Tell() {
	d.watches.mu.Lock()
	defer d.watches.mu.Unlock()
	for w := range d.watches.all {
		select {
		case w.told <- struct{}{}:
		default: // wake will be called already
		}
	}
}

// Watch implements [server.Database]. stop must not be called from within wake.
func (d *Database) Watch(wake func()) (stop func()) {
	w := &watch{told: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	if !d.watches.add(w) {
		return func() {}
	}
	go w.run(wake)
	return func() {
		d.watches.remove(w)
		<-w.ended
	}
}

func (w *watch) run(wake func()) {
	defer close(w.ended)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-w.told:
		case <-ticker.C:
		case <-w.quit:
			return
		}
		wake()
	}
}

func (s *watches) add(w *watch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.all == nil {
		s.all = make(map[*watch]bool)
	}
	s.all[w] = true
	return true
}

func (s *watches) remove(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[w] {
		delete(s.all, w)
		close(w.quit)
	}
}

// close ends all goroutines, and waits for their end.
func (s *watches) close() {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all = nil
	for w := range all {
		close(w.quit)
	}
	s.mu.Unlock()
	for w := range all {
		<-w.ended
	}
}
