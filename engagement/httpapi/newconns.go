package httpapi

import (
	"net"
	"net/http"
	"sync"
)

// newConns are connections on which nothing has come yet, such as browsers open in
// advance. Shutdown would wait five seconds for the first byte of each.
type newConns struct {
	// mu guards the fields below it.
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

// note is for http.Server.ConnState.
func (n *newConns) note(c net.Conn, state http.ConnState) {
	n.mu.Lock()
	tooLate := n.closed && state == http.StateNew
	if state == http.StateNew {
		n.conns[c] = true
	} else {
		delete(n.conns, c)
	}
	n.mu.Unlock()
	if tooLate {
		c.Close()
	}
}

// close closes all, and from now on those that come.
func (n *newConns) close() {
	n.mu.Lock()
	conns := n.conns
	n.closed, n.conns = true, make(map[net.Conn]bool)
	n.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}
