package outbox

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/order"
	"github.com/optimist-go/optimist/journal"
)

// Loaded is a record that an earlier life left in the journal.
type Loaded struct {
	Seq    uint64
	Data   []byte  // the whole record
	Record *Record // nil when it cannot be read
	Err    error   // why it cannot be read, or not be restored
}

// Load takes the records of the journal, and returns its header, with the greatest sequence
// number of all, and the operations in the order in which Begin returns them. They must
// not be changed.
func (b *Outbox) Load(records []journal.Record) (h Header, operations []Loaded, err error) {
	if len(records) > 0 && records[0].Seq == 0 {
		if h, err = decodeHeader(records[0].Data); err != nil {
			return Header{}, nil, errorf.New("%w: %w", journal.ErrCorrupt, err)
		}
		b.era = h.Era
		records = records[1:]
	}
	loaded := make([]Loaded, 0, len(records))
	for _, jr := range records {
		h.Seq = max(h.Seq, jr.Seq)
		if n, ok := decodeName(jr.Seq, jr.Data); ok {
			b.names = append(b.names, n)
			continue
		}
		l := Loaded{Seq: jr.Seq, Data: jr.Data}
		if r, err := decodeRecord(jr.Data); err != nil {
			l.Err = err
		} else {
			l.Record = &r
		}
		loaded = append(loaded, l)
	}
	// A dependency of an operation may have been replaced by a later operation, at its place.
	order.By(len(loaded),
		func(i, j int) bool {
			a, b := &loaded[i], &loaded[j]
			return a.pos() < b.pos() || a.pos() == b.pos() && a.Seq < b.Seq
		},
		func(i, j int) { loaded[i], loaded[j] = loaded[j], loaded[i] })
	b.loaded = loaded
	return h, loaded, nil
}

// Readable is the record as far as it can be read: if it cannot, all that it has is its bytes.
func (l *Loaded) Readable() *Record {
	if l.Record == nil {
		return &Record{Args: l.Data}
	}
	return l.Record
}

// SetAside gives an operation, whose type and owner are set, the state that the record has kept.
func (l *Loaded) SetAside(o *engine.Op) {
	r := l.Readable()
	o.Slot, o.Timestamp, o.Args = r.Slot, r.Timestamp, r.Args
	in := engine.Restore{ID: r.ID, Seq: l.Seq, Kept: r.Kept, Err: l.Err, Execute: engine.Execute{Op: o}}
	for store, id := range r.Entities {
		in.Group = append(in.Group, engine.Part{Space: &engine.Space{Name: store}, Entity: id})
	}
	if !r.Grouped() {
		in.Space, in.Entity, in.Group = in.Group[0].Space, in.Group[0].Entity, nil
	}
	engine.SetAside(&in)
}

func (l *Loaded) pos() uint64 {
	if l.Record == nil {
		return 0
	}
	return l.Record.Pos
}

// Restored reports whether Begin was called.
func (b *Outbox) Restored() bool { return b.restored }

// Unrestored counts the records that wait for Begin.
func (b *Outbox) Unrestored() int { return len(b.loaded) }

// restoreWithin is the time from the engine's time 0 in which Begin is expected when an earlier life
// left operations. The program may have to ask for a password before.
const restoreWithin = engine.Time(60e9) // a minute

// RestoreBy is when the program is reminded of Begin; engine.Never: it need not be, or was.
func (b *Outbox) RestoreBy() engine.Time {
	if b.reminded || len(b.loaded) == 0 {
		return engine.Never
	}
	return restoreWithin
}

// Remind reports whether the program is still to be reminded of Begin. Then it is from now on.
func (b *Outbox) Remind() bool {
	first := !b.reminded
	b.reminded = true
	return first
}

// Begin returns the records that are to be restored, in their order. Each is then told to
// Accept or to Reject; and End comes last.
func (b *Outbox) Begin() []Loaded {
	b.restored, b.restoring = true, make(map[uint64]*engine.Op)
	b.endReplaced()
	loaded := b.loaded
	b.loaded = nil
	return loaded
}

// After are the operations on which a record depends, or why it cannot be restored. Those that
// are not among the records have settled.
func (b *Outbox) After(r *Record) (after []*engine.Op, err error) {
	for _, d := range r.Deps {
		o, known := b.restoring[d]
		switch {
		case o != nil:
			after = append(after, o)
		case known:
			return nil, errorf.New("%w: it depends on an operation in quarantine", engine.ErrDependency)
		}
	}
	return after, nil
}

// Accept notes the operation that a record has become.
func (b *Outbox) Accept(l Loaded, o *engine.Op) { b.restoring[l.Seq] = o }

// Reject takes a record that cannot be restored, for the reason that l.Err says: into
// quarantine; or it ends, because an operation on which it depends was rolled back.
func (b *Outbox) Reject(l Loaded) (ended bool) {
	if l.Record != nil {
		for _, d := range l.Record.Deps {
			if o := b.restoring[d]; o != nil && o.State() == engine.Ended && o.Outcome() != engine.Confirmed {
				b.restoring[l.Seq] = o // in its place, for those that depend on it
				b.endAside(l)
				return true
			}
		}
	}
	b.restoring[l.Seq] = nil
	b.quarantine = append(b.quarantine, l)
	return false
}

// End ends the restoring.
func (b *Outbox) End() {
	if b.restoring, b.header = nil, true; b.outlived {
		b.outlive()
	}
}

// endAside queues the end of a record that never reached the engine, because an operation
// on which it depends came to nothing.
func (b *Outbox) endAside(l Loaded) { b.end(l.Seq, outcomeText[engine.RolledBack]) }

// Quarantine holds the records that could not be restored. It must not be changed.
func (b *Outbox) Quarantine() []Loaded { return b.quarantine }

// Discard ends the record in quarantine that has the sequence number. It returns the records
// that depended on it and have left the quarantine as well.
func (b *Outbox) Discard(seq uint64) (orphans []Loaded) {
	b.quarantine = slices.DeleteFunc(b.quarantine, func(l Loaded) bool { return l.Seq == seq })
	b.end(seq, "discarded from quarantine")
	return b.orphans(nil, seq)
}

// Forget ends all records that are in the journal and not in the engine.
func (b *Outbox) Forget() {
	for _, l := range b.quarantine {
		b.end(l.Seq, outcomeText[engine.Cancelled])
	}
	for _, l := range b.loaded {
		b.end(l.Seq, outcomeText[engine.Cancelled])
	}
	for _, n := range b.names {
		b.ForgetName(n.Seq)
	}
	b.quarantine, b.loaded, b.names = nil, nil, nil
}

// TooLate is why a type that is registered now is too late for operations that an earlier life
// left, or nil.
func (b *Outbox) TooLate(typ string) error {
	n := 0
	for _, l := range b.quarantine {
		if l.Record != nil && l.Record.Type == typ {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return errorf.New("%w: type %q is registered after Restore, which put %d of its operations into quarantine until the next start; register all types first",
		engine.ErrInvalid, typ, n)
}

// MayHoldCreation reports whether the creation on which an operation stands may be in
// quarantine. The members of a group in quarantine are not known.
func (b *Outbox) MayHoldCreation(in *engine.Restore) bool {
	return slices.ContainsFunc(b.quarantine, func(l Loaded) bool {
		return l.Record == nil || l.Record.Store == "" || slices.ContainsFunc(in.Parts(), func(e engine.Part) bool {
			return e.Space.Name == l.Record.Store && e.Entity == l.Record.Entity
		})
	})
}

// orphans ends the records in quarantine that depend on an operation that came to nothing,
// and appends them to gone: a later life would take that operation for confirmed, because
// the journal does not have it.
func (b *Outbox) orphans(gone []Loaded, lost uint64) []Loaded {
	for {
		i := slices.IndexFunc(b.quarantine, func(l Loaded) bool {
			return l.Record != nil && slices.Contains(l.Record.Deps, lost)
		})
		if i < 0 {
			return gone
		}
		l := b.quarantine[i]
		b.quarantine = slices.Delete(b.quarantine, i, i+1)
		b.endAside(l)
		gone = b.orphans(append(gone, l), l.Seq)
	}
}

// follow tells the quarantine that an operation has ended on which its records may depend.
func (b *Outbox) follow(o *engine.Op) []Loaded {
	switch o.Outcome() {
	case engine.RolledBack, engine.Cancelled:
		return b.orphans(nil, o.Seq())
	case engine.Superseded:
		successor := map[uint64]uint64{o.Seq(): o.Successor().Seq()}
		for i := range b.quarantine {
			if l := &b.quarantine[i]; l.Record != nil {
				b.dependOnSuccessor(l, successor)
			}
		}
	}
	return nil
}

// endReplaced ends records at whose position there is a later one: a repair of the journal
// brought back both an operation and its successor. No two operations share a position.
func (b *Outbox) endReplaced() {
	successor := make(map[uint64]uint64)
	kept := b.loaded[:0]
	for i, l := range b.loaded { // ascending by position, then sequence number
		if i+1 == len(b.loaded) || b.loaded[i+1].pos() != l.pos() || l.Record == nil || b.loaded[i+1].Record == nil {
			kept = append(kept, l)
			continue
		}
		successor[l.Seq] = b.loaded[i+1].Seq
		b.end(l.Seq, outcomeText[engine.Superseded])
	}
	clear(b.loaded[len(kept):])
	b.loaded = kept
	for i := len(kept) - 1; i >= 0 && len(successor) > 0; i-- {
		if kept[i].Record != nil {
			b.dependOnSuccessor(&kept[i], successor)
		}
	}
}

// dependOnSuccessor has a record depend on the successors of its dependencies.
func (b *Outbox) dependOnSuccessor(l *Loaded, successor map[uint64]uint64) {
	moved := false
	for i, d := range l.Record.Deps {
		for s := successor[d]; s != 0; s = successor[s] {
			l.Record.Deps[i], moved = s, true
		}
	}
	if moved {
		b.rewrite(l)
	}
}
