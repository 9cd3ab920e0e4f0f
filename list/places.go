package list

import "github.com/optimist-go/optimist/internal/order"

// ServerOrder has a list take the order of its pages, for servers that rank rows by what a
// client cannot know. A row has the place that the newest page gave it. A row that this client's
// work has put into the list stands at an end until a page has it, or has been read after that
// work settled and does not.
type ServerOrder uint8

const (
	// CreationsFirst puts own rows before all others, the newest first.
	CreationsFirst ServerOrder = iota + 1
	// CreationsLast puts them behind all others, the newest last. Once they are settled they
	// are hidden until the end of the server's rows is loaded.
	CreationsLast
)

// places are the places of rows in the server's order. They have no lock, goroutine or clock.
type places struct {
	order ServerOrder
	// told has the place of every row of the ranges, ascending; first is below and next above all
	// of them.
	told        map[string]int64
	first, next int64
	// made has this client's own rows that no page has placed, by when they came.
	made map[string]int64
	came int64
}

// The first byte of a key.
const (
	placeBefore byte = iota
	placeTold
	placeBehind
	placeNone
)

// key writes the place of a row.
func (p *places) key(key []byte, id string) []byte {
	if at, ok := p.told[id]; ok {
		return appendInt(append(key, placeTold), at)
	}
	came, ok := p.made[id]
	switch {
	case !ok:
		return append(key, placeNone)
	case p.order == CreationsFirst:
		return appendInt(append(key, placeBefore), -came)
	}
	return appendInt(append(key, placeBehind), came)
}

// has reports whether a row has a place.
func (p *places) has(id string) bool {
	_, told := p.told[id]
	_, made := p.made[id]
	return told || made
}

// make gives a row of this client a place at the end for those, if it has none.
func (p *places) make(id string) {
	if !p.has(id) {
		p.came++
		p.made[id] = p.came
	}
}

// whole is the key of a row's entry.
func (p *places) whole(id string) string { return string(append(p.key(nil, id), id...)) }

// ends reports whether a page has the end at which this client's own rows stand.
func (p *places) ends(page *pageTold) bool {
	if p.order == CreationsFirst {
		return page.top
	}
	return page.open
}

// take places the rows of a page. It returns those that have lost their place, and the edge of
// a first page that touches the rows behind it: the former key of its last row.
func (p *places) take(top bool, ids []string) (lost []string, edge string) {
	on := make(map[string]bool, len(ids))
	for _, id := range ids {
		on[id] = true
		delete(p.made, id)
	}
	if !top {
		for _, id := range ids {
			p.told[id] = p.next
			p.next++
		}
		return nil, ""
	}
	cut, touches := int64(0), false
	if len(ids) > 0 {
		cut, touches = p.told[ids[len(ids)-1]]
	}
	for id, at := range p.told { // a row before the cut may be gone, or come further behind
		touches = touches && (at > cut || on[id])
	}
	if touches {
		edge = p.whole(ids[len(ids)-1])
	}
	if !touches {
		for id := range p.told {
			if !on[id] {
				lost = append(lost, id)
			}
		}
		// Those that stay as own rows are among themselves as they were.
		order.By(len(lost), func(i, j int) bool {
			if p.order == CreationsFirst {
				i, j = j, i
			}
			return p.told[lost[i]] < p.told[lost[j]]
		}, func(i, j int) { lost[i], lost[j] = lost[j], lost[i] })
		for _, id := range lost {
			delete(p.told, id)
		}
	}
	p.first -= int64(len(ids))
	for i, id := range ids {
		p.told[id] = p.first + int64(i)
	}
	return lost, edge
}

func newPlaces(order ServerOrder) *places {
	return &places{order: order, told: make(map[string]int64), made: make(map[string]int64)}
}
