package httpapi

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// quietConns are idle connections: new ones, such as browsers open in advance, and
// connections between two requests. When there are too many, the one that has been idle
// longest is closed, so that clients cannot use up the file descriptors of the process.
// Shutdown would wait five seconds for the first byte of each new one.
type quietConns struct {
	most int

	// mu guards the fields below it.
	mu     sync.Mutex
	closed bool
	order  list.List                  // of net.Conn, longest quiet first
	places map[net.Conn]*list.Element // in order
}

// note is the function for [http.Server].ConnState.
func (q *quietConns) note(c net.Conn, state http.ConnState) {
	if victim := q.enter(c, state == http.StateNew || state == http.StateIdle); victim != nil {
		victim.Close()
	}
}

// enter records whether the connection is idle, and returns a connection to close; nil:
// none.
func (q *quietConns) enter(c net.Conn, quiet bool) (victim net.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if place, ok := q.places[c]; ok {
		q.order.Remove(place)
		delete(q.places, c)
	}
	switch {
	case !quiet:
		return nil
	case q.closed:
		return c
	}
	q.places[c] = q.order.PushBack(c)
	if len(q.places) <= q.most {
		return nil
	}
	victim = q.order.Remove(q.order.Front()).(net.Conn)
	delete(q.places, victim)
	return victim
}

// close closes all idle connections, and from now on every connection that becomes
// idle.
func (q *quietConns) close() {
	q.mu.Lock()
	conns := q.places
	q.closed, q.places = true, make(map[net.Conn]*list.Element)
	q.order.Init()
	q.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}
