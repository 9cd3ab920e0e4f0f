package list_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// spine is the order of a list that takes the order of its pages, as a person would keep it.
type spine struct {
	order  list.ServerOrder
	placed []string             // by pages, from the top on
	out    map[string]time.Time // those of them behind a page that had the end, and when that began
	made   []string             // own rows that no page has placed, in the order in which they came
	top    time.Time            // when the newest first page began; zero: there is none
	end    time.Time            // when the page with the end began; zero: it is not loaded
	seen   int                  // of the oracle's past
}

// ranked is the place of a row at the server.
func ranked(s *shot[card], id string) string { return fmt.Sprintf("%04d %s", s.ranks[id], id) }

// at is the place of a row: its kind, and its number among these.
func (s *spine) at(id string) (kind, number int) {
	if i := slices.Index(s.placed, id); i >= 0 {
		return 1, i
	}
	i := slices.Index(s.made, id)
	switch {
	case i < 0:
		return 3, 0
	case s.order == list.CreationsFirst:
		return 0, -i
	}
	return 2, i
}

func (s *spine) less(a, b list.Row[card]) int {
	kindA, numberA := s.at(a.ID)
	kindB, numberB := s.at(b.ID)
	return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(numberA, numberB))
}

func (s *spine) drop(from *[]string, ids ...string) {
	*from = slices.DeleteFunc(*from, func(id string) bool { return slices.Contains(ids, id) })
}

// knows reports whether a row that its work has not put into the list is known.
func (s *spine) knows(id string, truth optimist.HeldTruth[card], held bool) bool {
	var began time.Time
	switch kind, _ := s.at(id); {
	case kind == 0:
		began = s.top
	case kind == 1:
		var out bool
		if began, out = s.out[id]; !out {
			return true
		}
	case kind == 2:
		began = s.end
	}
	return !began.IsZero() && (held || truth.Since.After(began))
}

// put reports whether an entity is in the list on account of unsettled work alone.
func (b *board) put(w *watched, c toldChange) bool {
	_, ok := b.rowOf(w, c)
	return ok && c.After.Pending > 0 && (c.truth.Presence != optimist.Present || !w.where(c.ID, c.truth.Value))
}

// follow takes up what the oracle was told.
func (b *board) follow(w *watched) {
	s := w.paper.spine
	for _, c := range b.oracle.past[s.seen:] {
		s.make(c.ID, b.put(w, c.toldChange))
		if _, ok := b.rowOf(w, c.toldChange); !ok && c.After.Pending == 0 {
			s.drop(&s.made, c.ID)
		}
	}
	s.seen = len(b.oracle.past)
}

// make gives an own row a place at the end for those, if it has none.
func (s *spine) make(id string, own bool) {
	if kind, _ := s.at(id); own && kind == 3 {
		s.made = append(s.made, id)
	}
}

// begin takes up what there was when the list was made.
func (b *board) begin(w *watched) {
	for _, id := range b.oracle.busy {
		w.paper.spine.make(id, b.put(w, b.oracle.now[id]))
	}
}

// rank has the naive list take a page in the server's order.
func (b *board) rank(w *watched, f *fetching, page list.Page[card], ids []string) {
	p, s := w.paper, w.paper.spine
	b.follow(w)
	s.drop(&s.made, ids...)
	var lost []string
	first := f.after == list.After[card]{}
	switch {
	case first:
		n := len(ids)
		cut := -1
		if n > 0 {
			cut = slices.Index(s.placed, ids[n-1])
		}
		touches := cut >= 0
		for _, id := range s.placed[:cut+1] {
			touches = touches && slices.Contains(ids, id)
		}
		rest := slices.Clone(s.placed[cut+1:])
		if !touches {
			rest, lost = nil, s.placed
			s.out, s.end = nil, time.Time{}
		}
		s.drop(&rest, ids...)
		s.drop(&lost, ids...)
		s.placed, s.top = append(slices.Clone(ids), rest...), f.began
		if page.End {
			s.out = make(map[string]time.Time)
			for _, id := range rest {
				s.out[id] = f.began
			}
		}
	default:
		s.drop(&s.placed, ids...)
		s.placed = append(s.placed, ids...)
	}
	for _, id := range ids {
		delete(s.out, id)
	}
	if page.End {
		s.end = f.began
	}
	busy := func(id string) bool { return b.oracle.now[id].After.Pending > 0 }
	if s.order == list.CreationsFirst {
		slices.Reverse(lost)
	}
	for _, id := range lost {
		if _, _, ok := b.candidate(w, id); ok && p.shown[id] && busy(id) {
			s.make(id, true)
		}
	}
	s.made = slices.DeleteFunc(s.made, func(id string) bool {
		here := page.End
		if s.order == list.CreationsFirst {
			here = first
		}
		return here && !busy(id) && !b.oracle.now[id].truth.Since.After(f.began)
	})
	for id := range p.shown { // a page has left it out
		if _, _, ok := b.candidate(w, id); !ok || !busy(id) || slices.Contains(ids, id) {
			continue
		}
		kind, _ := s.at(id)
		if _, out := s.out[id]; out && first || kind == 0 && first || kind == 2 && page.End {
			p.held[id] = true
		}
	}
}
