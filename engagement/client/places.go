package client

import (
	"sync"

	"github.com/optimist-go/optimist/engagement/wire"
)

// places says where changes are in the server's feed, so that a total contains each of them
// once. The server tells of a truth only that it was read at a position: its change lies
// before. That is enough for every change, except where nobody knows whether a total
// was counted before or after it; such a change has no place.
type places struct {
	mu     sync.Mutex
	era    int64
	before uint64 // below the first position of the era
	newest uint64 // of all met
	total  uint64 // the newest at which a total was counted
	reads  int    // of totals, under way
}

// ofLocked numbers a position of the server's feed, over all eras; 0: none.
func (p *places) ofLocked(position string) uint64 {
	at, ok := wire.ParsePosition(position)
	switch {
	case !ok || at.Era < p.era:
		return 0
	case at.Era > p.era:
		p.era, p.before = at.Era, p.newest
	}
	n := p.before + 1 + uint64(at.Number)
	p.newest = max(p.newest, n)
	return n
}

// at numbers a position.
func (p *places) at(position string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ofLocked(position)
}

// counted numbers a position at which a total was counted.
func (p *places) counted(position string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.ofLocked(position)
	p.total = max(p.total, n)
	return n
}

// reading notes that a read, perhaps of a total, begins (1) or ends (-1).
func (p *places) reading(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads += by
}

// now is a place before all changes to come.
func (p *places) now() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest
}

// between is the place of a change that came after one place, and is in a truth read at a
// position; 0 if a total may have been counted between the two.
func (p *places) between(after uint64, position string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.ofLocked(position)
	if p.reads > 0 || after < p.total && p.total < n {
		return 0
	}
	return n
}

// move hands all on to another Service.
func (p *places) move(next *places) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next.era, next.before, next.newest, next.total = p.era, p.before, p.newest, p.total
}
