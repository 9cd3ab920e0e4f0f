package httpapi

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// room bounds the number of guests at once, in all and for each owner.
//
// A guest that waits for its client (for a body to arrive, or for an answer or an event
// to be taken) can be sent away, so slow clients do not shut others out. When the room
// is full, a newcomer takes the place of the guest that has waited longest:
//
//   - of the newcomer's own owner, when this owner's share is used up;
//   - else of the owner with the most guests, when it has at least two more than the
//     newcomer's owner;
//   - else of all guests.
//
// In the first and the last case the guest must have waited for the room's patience.
type room struct {
	most     int
	mostEach int
	full     string // message to a client: too many guests
	fullEach string // message to a client: too many guests of its owner

	// patience is the time for which a guest may wait for its client before it can be sent
	// away; 0: for ever.
	patience time.Duration
	now      func() time.Time

	// mu guards the fields below it, and the fields of all guests.
	mu    sync.Mutex
	total int
	each  map[string][]*guest // of each owner; never empty
}

// guest is one place in a room.
type guest struct {
	room  *room
	owner string

	sendAway func()      // ends the wait for the client; nil: the guest does not wait
	since    time.Time   // when the wait began
	gone     atomic.Bool // set before sendAway is called
}

// enter takes a place for the owner. The caller must call leave on the guest.
func (r *room) enter(owner string) (*guest, error) {
	g := &guest{room: r, owner: owner}
	victim, err := r.admit(g)
	if victim != nil {
		victim()
	}
	return g, err
}

// admit lets the guest in or returns the reason why not. The caller calls sendAway, if
// not nil, for the guest that has lost its place.
func (r *room) admit(g *guest) (sendAway func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if own := len(r.each[g.owner]); own >= r.mostEach || r.total >= r.most {
		victim := r.victimLocked(g.owner)
		switch {
		case victim != nil:
			victim.gone.Store(true)
			r.removeLocked(victim)
			sendAway = victim.sendAway
		case own >= r.mostEach:
			return nil, &refusal{http.StatusTooManyRequests, wire.ProblemRate, r.fullEach, time.Second}
		default:
			return nil, overloaded(r.full)
		}
	}
	if r.each == nil {
		r.each = make(map[string][]*guest)
	}
	r.total++
	r.each[g.owner] = append(r.each[g.owner], g)
	return sendAway, nil
}

// victimLocked returns the guest that makes way for a newcomer of the owner; nil: none.
func (r *room) victimLocked(owner string) *guest {
	own := len(r.each[owner])
	if own >= r.mostEach {
		return r.patientLocked(longest(r.each[owner]))
	}
	var oldest, ofLargest *guest
	largest := own + 2
	for _, guests := range r.each {
		g := longest(guests)
		if g == nil {
			continue
		}
		if oldest == nil || g.since.Before(oldest.since) {
			oldest = g
		}
		if n := len(guests); n > largest || n == largest && (ofLargest == nil || g.since.Before(ofLargest.since)) {
			largest, ofLargest = n, g
		}
	}
	if ofLargest != nil {
		return ofLargest
	}
	return r.patientLocked(oldest)
}

// patientLocked returns the guest if it has waited for the room's patience.
func (r *room) patientLocked(g *guest) *guest {
	if g == nil || r.patience == 0 || r.now().Sub(g.since) < r.patience {
		return nil
	}
	return g
}

// longest returns the guest that has waited for its client longest; nil: none waits.
func longest(guests []*guest) (oldest *guest) {
	for _, g := range guests {
		if g.sendAway != nil && (oldest == nil || g.since.Before(oldest.since)) {
			oldest = g
		}
	}
	return oldest
}

func (r *room) removeLocked(g *guest) {
	guests := r.each[g.owner]
	for i := range guests {
		if guests[i] != g {
			continue
		}
		r.total--
		guests[i] = guests[len(guests)-1]
		guests[len(guests)-1] = nil
		if guests = guests[:len(guests)-1]; len(guests) == 0 {
			delete(r.each, g.owner)
		} else {
			r.each[g.owner] = guests
		}
		return
	}
}

// wait records that the guest waits for its client from now on. sendAway ends this
// wait: it may be called at any time, without a lock, also when the wait has just
// ended, and does not block.
func (g *guest) wait(sendAway func()) {
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.sendAway, g.since = sendAway, g.room.now()
}

// work ends the guest's wait. It returns false when the guest was sent away: then its
// connection cannot be used any more.
func (g *guest) work() bool {
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.sendAway = nil
	return !g.gone.Load()
}

// leave gives the place back. A second leave does nothing.
func (g *guest) leave() {
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.sendAway = nil
	g.room.removeLocked(g)
}
