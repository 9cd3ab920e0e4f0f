package client

import (
	"context"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
)

// Move ends a Service that was made with Options.Later, and returns one that goes on with
// its changes and with those that an earlier owner has left in the journal, which all of
// them are stored in. What was under way is sent again, with the same key. The new Service
// knows what the old one knew; call Restore, as of any. When the journal cannot be used, it
// is closed, the error says why, and the new Service has Options.Later as well.
//
// Follow must have returned, and nothing may be changed meanwhile.
func (s *Service) Move(j optimist.Journal) (*Service, error) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	s.Close(ended) // what is unsettled stays in the interim journal
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
	return next, err
}

// tell notes truth that another Service may have to go on with.
func (s *Service) tell(post string, t optimist.Truth[Post]) {
	if s.interim == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.truths[post]; !ok || t.Version >= old.Version {
		s.truths[post] = t
	}
}

// interim is a journal in memory, whose records another journal takes over. It says that
// it keeps nothing. Its sequence numbers are from the time at which it was made, so that
// they are in no other journal, and in the order in which pages were opened.
type interim struct {
	base uint64

	// mu guards the field below it.
	mu      sync.Mutex
	records []optimist.JournalRecord // live, in the order in which they came
}

func newInterim() *interim { return &interim{base: uint64(time.Now().UnixMilli()) << 12} }

func (*interim) Durability() optimist.Durability { return optimist.DurableNever }

func (*interim) Close() error { return nil }

// Load returns, beside what is there, a record that only says where numbers begin. The
// manager puts it into quarantine; Restore discards it.
func (i *interim) Load() ([]optimist.JournalRecord, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return merged([]optimist.JournalRecord{{Seq: i.base}}, i.records), nil
}

func (i *interim) Write(records []optimist.JournalRecord) error {
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

// left are the records of operations. The header is not: another journal has its own.
func (i *interim) left() []optimist.JournalRecord {
	i.mu.Lock()
	defer i.mu.Unlock()
	return without(merged(nil, i.records), 0)
}

// bequest is a journal that takes records over when it is loaded.
type bequest struct {
	optimist.Journal
	left []optimist.JournalRecord
}

func (b *bequest) Load() ([]optimist.JournalRecord, error) {
	records, err := b.Journal.Load()
	if err == nil && len(b.left) > 0 {
		err = b.Journal.Write(b.left)
	}
	return merged(records, b.left), err
}

// Durability is that of the journal.
func (b *bequest) Durability() optimist.Durability {
	if d, ok := b.Journal.(optimist.JournalDurability); ok {
		return d.Durability()
	}
	return optimist.DurablePower
}

// merged are both, ascending by sequence number. list is so already.
func merged(list, more []optimist.JournalRecord) []optimist.JournalRecord {
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

func without(list []optimist.JournalRecord, seq uint64) []optimist.JournalRecord {
	kept := list[:0]
	for _, r := range list {
		if r.Seq != seq {
			kept = append(kept, r)
		}
	}
	return kept
}
