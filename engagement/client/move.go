package client

import (
	"sync"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
)

// Move ends a Service that was made with Options.Later, and returns a Service that goes on
// with its unsettled changes and with the changes that an earlier owner has left in the
// journal j; all of them are stored in j. Operations under way are sent again with the same
// keys. The new Service knows the truths of the old one; call [Service.Restore] on it. When
// j cannot be used, Move closes it and returns the error and a new Service that has
// Options.Later again.
//
// Follow must have returned, and nothing may be changed meanwhile.
func (s *Service) Move(j journal.Journal) (*Service, error) {
	s.Close(ended) // unsettled operations stay in the interim journal
	o := s.options
	o.Journal, o.Later = &bequest{Journal: j, left: s.interim.left()}, false
	next, err := New(o)
	if err != nil {
		o.Journal, o.Later, o.interim = nil, true, s.interim
		var impossible error
		if next, impossible = New(o); impossible != nil {
			return nil, impossible
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.known, next.oldest, next.renewal, next.inherited = s.known, s.oldest, s.renewal, s.truths
	next.from = s.from
	s.places.move(&next.places)
	return next, err
}

// tell has the older comments of a post keep up with its truth, and records it for a later
// Service, which may have to go on with it.
func (s *Service) tell(post string, t optimist.Truth[Post]) {
	s.tellOlder(post, &t)
	if s.interim == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.truths[post]; !ok || t.Version == 0 || !olderTruth(t, old) { // without a version: the server has no such post
		s.truths[post] = t
	}
}

// olderTruth reports whether t is older than u: versions of different eras cannot be
// compared.
func olderTruth(t, u optimist.Truth[Post]) bool {
	return t.Era < u.Era || t.Era == u.Era && t.Version < u.Version
}

// interim is a journal in memory, whose records another journal takes over. Its durability
// says that it keeps nothing. Its sequence numbers begin at the time of its creation, so
// that no other journal has the same numbers, and journals of several pages are ordered by
// the time of opening.
type interim struct {
	base uint64

	// mu guards the field below it.
	mu      sync.Mutex
	records []journal.Record // live, in the order in which they came
}

func newInterim() *interim { return &interim{base: uint64(time.Now().UnixMilli()) << 12} }

func (*interim) Durability() journal.Durability { return journal.DurableNever }

func (*interim) Close() error { return nil }

// Load returns the records and one more, which only says where the sequence numbers begin.
// The manager puts this one into quarantine; Restore discards it.
func (i *interim) Load() ([]journal.Record, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return merged([]journal.Record{{Seq: i.base}}, i.records), nil
}

func (i *interim) Write(records []journal.Record) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range records {
		i.records = without(i.records, r.Seq)
		if !r.Settled {
			r.Data = append([]byte(nil), r.Data...)
			i.records = append(i.records, r)
		}
	}
	return nil
}

// left returns the records of operations, without the header: the other journal has its
// own.
func (i *interim) left() []journal.Record {
	i.mu.Lock()
	defer i.mu.Unlock()
	return without(merged(nil, i.records), 0)
}

// bequest is a journal that takes over the records of an interim journal when it is loaded.
type bequest struct {
	journal.Journal
	left []journal.Record
}

func (b *bequest) Load() ([]journal.Record, error) {
	records, err := b.Journal.Load()
	if err == nil && len(b.left) > 0 {
		err = b.Journal.Write(b.left)
	}
	return merged(records, b.left), err
}

// merged returns both lists, ascending by sequence number. list ascends already.
func merged(list, more []journal.Record) []journal.Record {
	for _, r := range more {
		at := len(list)
		for at > 0 && list[at-1].Seq > r.Seq {
			at--
		}
		list = append(list, r)
		copy(list[at+1:], list[at:])
		list[at] = r
	}
	return list
}

func without(list []journal.Record, seq uint64) []journal.Record {
	kept := list[:0]
	for _, r := range list {
		if r.Seq != seq {
			kept = append(kept, r)
		}
	}
	return kept
}
