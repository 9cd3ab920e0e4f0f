package outbox

import (
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// Write is the records that the journal takes in one call.
type Write struct {
	// Ops are durable with the write.
	Ops []*engine.Op
	// Bad are operations whose arguments cannot be encoded, and BadErr is why.
	Bad    []*engine.Op
	BadErr error

	entries []Entry
	header  *Header   // goes behind them; nil: none
	records []written // of the entries, after those that the journal refused before
}

// Records makes the records. form tells an operation as its entry has it; it may be slow,
// because Records needs nothing but the write.
func (b *Write) Records(form func(e *Entry) (Record, error)) []journal.Record {
	for i := range b.entries {
		e := &b.entries[i]
		w := written{Record: journal.Record{Seq: e.Seq, Settled: e.Ends, Data: e.Data}}
		if e.Op != nil {
			data, err := encoded(form(e))
			if err != nil { // merged arguments that cannot be encoded
				b.Bad, b.BadErr = append(b.Bad, e.Op), err
				continue
			}
			w.Data = data
		}
		if e.First {
			w.first = e.Op
			b.Ops = append(b.Ops, e.Op)
		}
		b.records = append(b.records, w)
	}
	if b.header != nil {
		b.records = append(b.records, written{Record: journal.Record{Data: b.header.Encode()}})
	}
	records := make([]journal.Record, len(b.records))
	for i := range b.records {
		records[i] = b.records[i].Record
	}
	return records
}

// encoded is the record's bytes, if they are not too many.
func encoded(r Record, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	data := r.Encode()
	if len(data) > journal.MaxData {
		return nil, errorf.New("%w: an operation of %d bytes", journal.ErrTooLarge, len(data))
	}
	return data, nil
}

// Abandon says that no write will be tried, or that nobody knows how far it came: Ops are
// all operations that wait for the write.
func (b *Write) Abandon() {
	b.Ops = nil
	for _, e := range b.entries {
		if e.First {
			b.Ops = append(b.Ops, e.Op)
		}
	}
}
