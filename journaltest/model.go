package journaltest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/optimist-go/optimist/journal"
)

// Model is a simple model of a journal: a map in memory, and after a write of unknown
// outcome one map for each case. The zero Model is an empty journal. It is not safe
// for concurrent use.
type Model struct {
	worlds []world // every possible state of the journal; nil is the empty state
}

// world is one possible state: the live records.
type world map[uint64]string

func (m *Model) all() []world {
	if m.worlds == nil {
		m.worlds = []world{{}}
	}
	return m.worlds
}

// Write records that a Write with this batch has returned nil.
func (m *Model) Write(batch []journal.Record) {
	for _, w := range m.all() {
		w.apply(batch)
	}
}

// Doubt records that a Write with this batch was cut off, or has returned an error
// after which either all or nothing of the batch is on disk. Each doubt doubles the
// work of Check until the next Check.
func (m *Model) Doubt(batch []journal.Record) {
	for _, w := range m.all() {
		other := maps.Clone(w)
		other.apply(batch)
		if !maps.Equal(w, other) {
			m.worlds = append(m.worlds, other)
		}
	}
}

func (w world) apply(batch []journal.Record) {
	for _, r := range batch {
		if r.Settled {
			delete(w, r.Seq)
		} else {
			w[r.Seq] = string(r.Data)
		}
	}
}

// Check compares the result of Load with the model: ascending, none settled, and
// exactly the live records. It ends all doubt, as the journal has now shown its state.
func (m *Model) Check(loaded []journal.Record) error {
	got := make(world, len(loaded))
	for i, r := range loaded {
		if i > 0 && loaded[i-1].Seq >= r.Seq {
			return fmt.Errorf("record %d comes after record %d", r.Seq, loaded[i-1].Seq)
		}
		if r.Settled {
			return fmt.Errorf("record %d was loaded as settled", r.Seq)
		}
		got[r.Seq] = string(r.Data)
	}
	for _, w := range m.all() {
		if maps.Equal(w, got) {
			m.worlds = []world{w}
			return nil
		}
	}
	why := m.worlds[0].difference(got)
	if n := len(m.worlds); n > 1 {
		return fmt.Errorf("none of %d possible states; from the first: %s", n, why)
	}
	return fmt.Errorf("wrong state: %s", why)
}

// Within checks the records that a damaged journal could still read: all of them were
// written before. batches must be all batches ever written.
func Within(loaded []journal.Record, batches [][]journal.Record) error {
	written := make(map[uint64][]string)
	for _, r := range slices.Concat(batches...) {
		if !r.Settled {
			written[r.Seq] = append(written[r.Seq], string(r.Data))
		}
	}
	for _, r := range loaded {
		if !slices.Contains(written[r.Seq], string(r.Data)) {
			return fmt.Errorf("record %d holds %d bytes that were never written to it", r.Seq, len(r.Data))
		}
	}
	return nil
}

// difference names the first record in which got differs from w.
func (w world) difference(got world) string {
	seqs := slices.Concat(slices.Collect(maps.Keys(w)), slices.Collect(maps.Keys(got)))
	slices.Sort(seqs)
	for _, seq := range seqs {
		want, expected := w[seq]
		have, present := got[seq]
		switch {
		case !present:
			return fmt.Sprintf("record %d is missing (%d of %d are there)", seq, len(got), len(w))
		case !expected:
			return fmt.Sprintf("record %d should not be live", seq)
		case want != have:
			return fmt.Sprintf("record %d holds %.40q, want %.40q", seq, have, want)
		}
	}
	return "none"
}
