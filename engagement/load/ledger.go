package load

import (
	"context"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journal"
)

// ledger is a client's journal, that tells what is about to stand in it. It is safe
// for concurrent use.
//
// A process may be killed between a write and the note about it. So operations and
// their ends are told before they are written: what is on the disk has been told,
// whenever the kill comes. That they are durable is told afterwards (person.promise):
// what is told durable is on the disk. An operation that was told durable, and of
// whose end nothing was told, is therefore in the journal, and nowhere else.
type ledger struct {
	*filejournal.Journal
	client int
	tell   func(note)

	// mu guards the field below it.
	mu     sync.Mutex
	events *optimist.Subscription // nil: before open
}

// open tells what has been restored, and from now on what changes. Nothing may change
// meanwhile.
func (l *ledger) open(m *optimist.Manager) {
	l.mu.Lock()
	l.events = m.Subscribe(optimist.SubscribeOptions{Buffer: eventBuffer})
	l.mu.Unlock()
	l.say()
}

// Write tells before it writes. The manager publishes the events of what it writes
// before it calls Write.
func (l *ledger) Write(records []journal.Record) error {
	l.say()
	return l.Journal.Write(records)
}

// say tells what has happened until now.
func (l *ledger) say() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		return
	}
	for e := range l.events.All(now) {
		switch n := (note{Client: l.client, ID: e.ID}); e.Kind {
		case optimist.Started:
			n.Kind, n.IDs = noteRestored, unsettled(*e.Snapshot)
			l.tell(n)
		case optimist.OpAccepted:
			n.Kind = noteAccepted
			l.tell(n)
		case optimist.OpSettled:
			n.Kind, n.Successor = noteEnding, e.Successor
			l.tell(n)
		case optimist.Gap:
			n.Kind, n.Count = noteMissed, e.Missed
			l.tell(n)
		}
	}
}

// now has ended: who waits with it gets what is there.
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
