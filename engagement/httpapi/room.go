package httpapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// room has place for so many at once, and so many of each owner.
type room struct {
	most     int
	mostEach int
	full     string // says to a client that there are too many
	fullEach string // says to a client that there are too many of theirs

	// mu guards the fields below it.
	mu    sync.Mutex
	total int
	each  map[string]int // never holds a zero
}

// enter takes a place for the owner. Whoever gets no error has to leave.
func (r *room) enter(owner string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total >= r.most {
		return overloaded(r.full)
	}
	if r.each[owner] >= r.mostEach {
		return &refusal{http.StatusTooManyRequests, wire.ProblemRate, r.fullEach, time.Second}
	}
	if r.each == nil {
		r.each = make(map[string]int)
	}
	r.total++
	r.each[owner]++
	return nil
}

func (r *room) leave(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total--
	if r.each[owner]--; r.each[owner] == 0 {
		delete(r.each, owner)
	}
}
