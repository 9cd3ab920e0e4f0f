package load

import "fmt"

// promises is what the book holds its clients' journals to. Its methods need the
// book's lock.
//
// Whatever was told durable must be there at the next start of the client, unless its
// end was told; see ledger for why there is no moment at which this is unclear. The
// end of an operation that another replaced keeps the promise only when that other
// one is there or has ended: one write holds the end of the one and the other's start.
type promises struct {
	of       map[string]*promise // by id
	durable  int                 // operations
	restored int
	broken   int
	unknown  map[string]bool // operations that their client has not made
	details  *details
}

// promise is what is known of an operation in a journal.
type promise struct {
	client  int
	durable bool
	ending  bool   // its end is in the journal, or was about to be
	heir    string // what replaced it
}

// accept notes an operation that a client has made.
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

// compare holds what a client has against what it was promised.
func (p *promises) compare(client int, ids []string) {
	held := make(map[string]bool)
	for _, id := range ids {
		held[id] = true
		if p.knows(client, id) {
			// Its end may have been told, and not have come to be written.
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

// kept reports whether what a durable operation wanted is still there, or has ended.
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

// knows reports whether the client has made the operation, and notes if not.
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

// details are what a person reads to find out more: the first few.
type details []string

func (d *details) add(format string, a ...any) {
	if len(*d) < 10 {
		*d = append(*d, fmt.Sprintf(format, a...))
	}
}
