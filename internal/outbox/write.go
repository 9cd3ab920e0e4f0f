package outbox

import (
	"unicode/utf8"

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

// Records makes the records. complete sets the ID and the Data of an entry that has none; it
// may be slow, because Records needs nothing but the write.
func (b *Write) Records(complete func(e *Entry) error) []journal.Record {
	for i := range b.entries {
		e := &b.entries[i]
		w := written{Record: journal.Record{Seq: e.Seq, Settled: e.Ends, Data: e.Data}}
		if e.Op != nil {
			err := complete(e)
			if err == nil {
				w.Data, err = e.encoded()
			}
			if err != nil { // merged arguments that cannot be encoded
				b.Bad, b.BadErr = append(b.Bad, e.Op), err
				continue
			}
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

// encoded are the bytes of an operation's record, if they are not too many. Of the operation it
// reads only fields that do not change.
func (e *Entry) encoded() ([]byte, error) {
	o := e.Op
	r := Record{
		Kept: e.Kept, Pos: o.Pos(), Timestamp: o.Timestamp, ID: e.ID, Type: o.Type.Name,
		Schema: e.Schema, Slot: o.Slot, Deps: e.Deps, Args: e.Data,
	}
	if e.Entity != nil {
		r.Store, r.Entity = e.Entity.Space().Name, e.Entity.ID()
	}
	for _, ent := range e.Group {
		r.Members = append(r.Members, ent.Space().Name, ent.ID())
	}
	if e.Why != nil {
		r.Failure = shortened(errorf.TextOf(e.Why))
	}
	data := r.Encode()
	if len(data) > journal.MaxData {
		return nil, errorf.New("%w: an operation of %d bytes", journal.ErrTooLarge, len(data))
	}
	return data, nil
}

// shortened is the reason of a failure at a length that a person reads.
func shortened(text string) string {
	const limit = 1000
	if len(text) <= limit {
		return text
	}
	end := limit
	for !utf8.RuneStart(text[end]) && end > limit-utf8.UTFMax {
		end--
	}
	return text[:end] + "..."
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
