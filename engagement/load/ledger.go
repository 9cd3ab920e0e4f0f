package load

import (
	"context"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journal"
)

// ledger is a client's journal, which notes records before it writes them. It is safe
// for concurrent use.
//
// A process may be killed between a write and the note about it. So operations and
// their ends are noted before they are written: at any kill, all records on the disk
// have been noted. Their durability is noted afterwards (person.promise): operations
// noted as durable are on the disk. An operation that was noted as durable, and whose
// end was not noted, is therefore in the journal.
type ledger struct {
	*filejournal.Journal
	client int
	tell   func(note)

	// mu guards the field below it.
	mu     sync.Mutex
	events *optimist.Subscription // nil: before open
}

// open notes the restored operations, and from now on all changes. No operation may
// change meanwhile.
func (l *ledger) open(m *optimist.Manager) {
	l.mu.Lock()
	l.events = m.Subscribe(optimist.SubscribeOptions{Buffer: eventBuffer})
	l.mu.Unlock()
	l.say()
}

// Write notes the records before it writes them. The manager publishes the events of
// the records before it calls Write.
func (l *ledger) Write(records []journal.Record) error {
	l.say()
	return l.Journal.Write(records)
}

// say notes the events until now.
func (l *ledger) say() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		return
	}
	for e := range l.events.All(now) {
		switch n := (note{Client: l.client, ID: e.ID}); e.Kind {
		case event.Started:
			n.Kind, n.IDs = noteRestored, unsettled(*e.Snapshot)
			l.tell(n)
		case event.Accepted:
			n.Kind = noteAccepted
			l.tell(n)
		case event.Settled:
			n.Kind, n.Successor = noteEnding, e.Successor
			l.tell(n)
		case event.Gap:
			n.Kind, n.Count = noteMissed, e.Missed
			l.tell(n)
		}
	}
}

// now is an ended context: a wait with it returns the present events.
var now = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func unsettled(s optimist.Snapshot) (ids []string) {
	for _, e := range s.Entities {
		for _, op := range e.Operations {
			ids = append(ids, op.ID)
		}
	}
	return ids
}
