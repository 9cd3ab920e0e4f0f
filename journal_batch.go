package optimist

import (
	"slices"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/journal"
)

// journalBatch is what one Write makes durable.
type journalBatch struct {
	entries []journalEntry
	header  *header     // goes behind them; nil: none
	waiting []*diskWait // for it

	records []written    // of the entries, and what the journal refused before
	ops     []*engine.Op // that are durable with it
	failed  []*engine.Op // whose arguments cannot be encoded
	bad     error        // why
}

// run writes until nothing is left.
func (w *journalWriter) run(m *Manager) {
	m.mu.Lock()
	w.runLocked(m)
}

// runLocked is what the writer's goroutine does. It releases the lock.
func (w *journalWriter) runLocked(m *Manager) {
	b, writing, ended := &w.batch, false, false
	defer func() {
		if ended {
			return
		}
		inHand := writing
		go func() { // what was called ended this goroutine: the rest runs in another
			m.mu.Lock()
			if inHand {
				b.ops = b.firsts()
				w.tellLocked(m, b, &PanicError{In: "the journal", Value: foreign.ErrEnded})
			}
			w.runLocked(m)
		}()
	}()
	for len(w.queue) > 0 || w.header {
		*b = w.takeLocked(m)
		if w.dead { // what came while the write that failed was under way
			b.ops = b.firsts()
			w.tellLocked(m, b, w.failed)
			continue
		}
		writing = true
		m.mu.Unlock()
		err := w.write(m, b)
		m.mu.Lock()
		writing = false
		w.tellLocked(m, b, err)
		if ready, _ := m.rewindsLocked(); ready {
			m.unlock()
			m.mu.Lock()
		}
	}
	w.writing = false
	w.queue, w.spare, w.batch = nil, nil, journalBatch{}
	w.answerLocked(w.waiting, w.failed)
	w.waiting = nil
	m.armLocked(time.Now()) // what was refused is written again
	ended = true
	m.mu.Unlock()
}

// takeLocked takes what is to be written next.
func (w *journalWriter) takeLocked(m *Manager) journalBatch {
	b := journalBatch{entries: w.queue, waiting: w.waiting}
	b.records = append(make([]written, 0, len(w.unsaid)+len(w.queue)+1), w.unsaid...)
	if w.header {
		b.header = &header{client: w.client, clock: m.clock.last, seq: m.engine.LastSeq()}
		w.clock = b.header.clock
	}
	w.queue, w.spare, w.unsaid, w.waiting, w.header = w.spare[:0], nil, nil, nil, false
	return b
}

// write makes the records and has the journal write them, without the lock.
func (w *journalWriter) write(m *Manager, b *journalBatch) error {
	for _, e := range b.entries {
		r, err := w.record(m, e)
		if err != nil { // merged arguments that cannot be encoded
			b.bad = err
			b.failed = append(b.failed, e.op)
			continue
		}
		wr := written{Record: r}
		if e.first {
			wr.first = e.op
			b.ops = append(b.ops, e.op)
		}
		b.records = append(b.records, wr)
	}
	if b.header != nil {
		b.records = append(b.records, written{Record: journal.Record{Data: b.header.encode()}})
	}
	records := make([]journal.Record, len(b.records))
	for i := range b.records {
		records[i] = b.records[i].Record
	}
	var err error
	if p := contain("the journal", func() { err = w.j.Write(records) }); p != nil {
		return p
	}
	return sound("the journal", err)
}

// firsts are the operations that wait for a batch.
func (b *journalBatch) firsts() (ops []*engine.Op) {
	for _, e := range b.entries {
		if e.first {
			ops = append(ops, e.op)
		}
	}
	return ops
}

// tellLocked tells how the write of a batch ended.
func (w *journalWriter) tellLocked(m *Manager, b *journalBatch, err error) {
	late := w.dead // what came while the write that failed was under way
	w.wroteLocked(m, b.records, b.ops, err)
	if late {
		w.lost += endsOf(b.entries)
	}
	if clear(b.entries); cap(b.entries) <= 4096 {
		w.spare = b.entries
	}
	w.answerLocked(b.waiting, err)
	for _, o := range b.failed {
		w.undurableLocked(o, b.bad)
		m.publishLocked(Event{Kind: JournalFailed, Entity: fullName(o.Entity()), ID: o.ID(m.engine), Type: o.Type.Name, Err: b.bad})
	}
	ops := append(b.ops, b.failed...)
	if err != nil || b.bad != nil {
		ops = slices.DeleteFunc(ops, takenBack)
	}
	if len(ops) > 0 {
		m.stepNowLocked(&engine.Journaled{Ops: ops})
	}
}
