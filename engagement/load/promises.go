package load

import "fmt"

// promises checks the journals of the clients. The caller of its methods holds the
// book's lock.
//
// An operation noted as durable must be restored at the next start of the client,
// unless its end was noted; ledger explains why this holds at every moment. The end of
// an operation that another one replaced keeps the promise only when its successor is
// restored or has ended: one write holds both the end of the first and the start of
// the second.
type promises struct {
	of       map[string]*promise // by id
	durable  int                 // operations
	restored int
	broken   int
	unknown  map[string]bool // operations that their client has not made
	details  *details
}

// promise is the record of an operation in a journal.
type promise struct {
	client  int
	durable bool
	ending  bool   // its end is in the journal, or was about to be
	heir    string // the operation that replaced it
}

// accept records an operation that a client has made.
func (p *promises) accept(client int, id string) { p.of[id] = &promise{client: client} }

func (p *promises) makeDurable(id string) {
	if o := p.of[id]; o != nil && !o.durable {
		o.durable = true
		p.durable++
	}
}

func (p *promises) end(id, heir string) {
	if o := p.of[id]; o != nil {
		o.ending, o.heir = true, heir
	}
}

// compare compares the restored operations of a client with the promised ones.
func (p *promises) compare(client int, ids []string) {
	held := make(map[string]bool)
	for _, id := range ids {
		held[id] = true
		if p.knows(client, id) {
			// Its end may have been noted and not written.
			*p.of[id] = promise{client: client, durable: true}
		}
	}
	for id, o := range p.of {
		if o.client != client || !o.durable || held[id] {
			continue
		}
		o.durable = false
		if !p.kept(id, held) {
			p.broken++
			p.details.add("client %d: operation %s was durable and is lost", client, id)
		}
	}
}

// kept reports whether a durable operation or its successor is restored or has ended.
func (p *promises) kept(id string, held map[string]bool) bool {
	for !held[id] {
		o := p.of[id]
		if o == nil || !o.ending {
			return false
		}
		if o.heir == "" {
			return true
		}
		id = o.heir
	}
	return true
}

// knows reports whether the client has made the operation, and counts it if not.
func (p *promises) knows(client int, id string) bool {
	if o := p.of[id]; o != nil && o.client == client {
		return true
	}
	if !p.unknown[id] {
		p.unknown[id] = true
		p.details.add("client %d: it has not made operation %s", client, id)
	}
	return false
}

// details are descriptions for people: the first few of each kind.
type details []string

func (d *details) add(format string, a ...any) {
	if len(*d) < 10 {
		*d = append(*d, fmt.Sprintf(format, a...))
	}
}
