package filejournal

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/optimist-go/optimist/internal/groupcommit"
	"github.com/optimist-go/optimist/journal"
)

var (
	_ journal.Journal = (*Journal)(nil)
)

// A Journal is an journal.Journal in a file. Open makes one. Its methods are safe
// for concurrent use.
type Journal struct {
	fs      filesystem
	name    string // of the log
	options Options
	queue   *groupcommit.Queue[[]journal.Record]

	// compactDue is set when the log has grown beyond its bound, and cleared by the
	// writer that takes the duty to compact it.
	compactDue atomic.Bool

	// ioMu is held during input and output, so that there is one at a time. Nothing
	// is called under it but the filesystem.
	ioMu sync.Mutex
	lock io.Closer // the owner's lock, until closed
	log  file      // nil between two logs, and after closed
	salt salt

	// end is where the next frame goes. All of the log before it is acknowledged or
	// was found at Open, and, with SyncAlways, synced.
	end int64
	// sealed: the frame before end is a closing mark.
	sealed bool
	// places holds exactly the live records, bytes the sum of their sizes.
	places map[uint64]place
	bytes  int64

	closed bool
	damage error // found at Open; Load returns it with the rest
	failed error // why the journal has stopped; never unset

	compactErr  error // why the last compaction was given up
	compactions int
	// compactFrom is the size that the log must reach before compaction is tried
	// again after it was given up.
	compactFrom int64

	buf []byte // for frames; only its capacity matters
}

const (
	// groupLimit bounds a group of writes, in bytes, unless it is a single write.
	groupLimit = 16 << 20
	// keepBuffer is the largest buffer in bytes that is kept between writes.
	keepBuffer = 1 << 20
)

// Load returns the live records, ascending by sequence number. It reads the file,
// and may be called more than once.
//
// If the log is damaged the error wraps journal.ErrCorrupt and the records
// are those of every frame that can be read. Then a record may be missing, be older
// than its latest, or have been settled. Nothing can be written any more; Repair
// makes a journal of what can be read.
func (j *Journal) Load() ([]journal.Record, error) {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if err := j.stateLocked(); err != nil && err != j.damage {
		return nil, err
	}
	size, err := j.log.Size()
	if err != nil {
		return nil, failure("read the size of", j.name, err)
	}
	live := make([]journal.Record, 0, len(j.places))
	found, err := scan(j.log, size, func(r record) error {
		if j.liveLocked(r) {
			live = append(live, journal.Record{Seq: r.seq, Data: bytes.Clone(r.data)})
		}
		return nil
	})
	if err != nil {
		return nil, failure("read", j.name, err)
	}
	slices.SortFunc(live, func(a, b journal.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	if j.damage == nil && (found.damaged || len(live) != len(j.places)) {
		j.damage = corruption(j.name, found.at) // since Open
	}
	return live, j.damage
}

// Write makes records durable, all or none, as Options.Sync says. Writes that
// overlap share a sync.
//
// Beside the errors of every journal: a full disk is an error that wraps
// journal.ErrRefused and the system's error, and harms nothing.
func (j *Journal) Write(records []journal.Record) error {
	weight := 0
	for _, r := range records {
		if len(r.Data) > journal.MaxData {
			return fmt.Errorf("filejournal: record %d has %d bytes, %d are allowed: %w",
				r.Seq, len(r.Data), journal.MaxData, journal.ErrTooLarge)
		}
		weight += recordSize(len(r.Data))
		if weight > maxBody {
			return fmt.Errorf("filejournal: %d records in one write have more than %d bytes: %w",
				len(records), maxBody, journal.ErrTooLarge)
		}
	}
	err := j.queue.Commit(records, weight)
	if j.compactDue.CompareAndSwap(true, false) {
		j.compactIfDue()
	}
	return err
}

// Close syncs what is not yet synced, marks the log as closed, and gives up
// ownership. After an error everything that Write has acknowledged is still there,
// as far as Options.Sync promises.
func (j *Journal) Close() error {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if j.closed {
		return nil
	}
	var err error
	if j.stateLocked() == nil && !j.sealed {
		err = j.sealLocked()
	}
	j.closed = true
	if j.log != nil {
		_ = j.log.Close() // what matters was synced
		j.log = nil
	}
	if lockErr := j.lock.Close(); err == nil && lockErr != nil {
		err = failure("unlock", j.name, lockErr)
	}
	return err
}

// Durability is journal.DurablePower, or journal.DurableProcess with SyncRelaxed.
func (j *Journal) Durability() journal.Durability {
	if j.options.Sync == SyncRelaxed {
		return journal.DurableProcess
	}
	return journal.DurablePower
}

// Stats is the state of a journal at one moment.
type Stats struct {
	Live        int   // records
	LiveBytes   int64 // bytes of the file that are live records
	FileBytes   int64 // bytes of the file
	Compactions int   // since Open

	// CompactErr is why the last attempt to compact was given up, or nil. The log
	// is as good as before, but grows until an attempt succeeds.
	CompactErr error
}

// Stats returns the state now. It waits for a write that is at work.
func (j *Journal) Stats() Stats {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	return Stats{
		Live: len(j.places), LiveBytes: j.bytes, FileBytes: j.end,
		Compactions: j.compactions, CompactErr: j.compactErr,
	}
}

// stateLocked returns why nothing can be written, or nil.
func (j *Journal) stateLocked() error {
	switch {
	case j.closed:
		return closed(j.name)
	case j.failed != nil:
		return j.failed
	}
	return j.damage
}

// noteLocked keeps places and bytes true for a record that is now in the log.
func (j *Journal) noteLocked(r record) error {
	if old, ok := j.places[r.seq]; ok {
		j.bytes -= int64(old.size)
		delete(j.places, r.seq)
	}
	if !r.settled {
		j.places[r.seq] = place{at: r.at, size: r.size}
		j.bytes += int64(r.size)
	}
	return nil
}

// liveLocked reports whether r is the latest of its sequence number, and live.
func (j *Journal) liveLocked(r record) bool {
	p, ok := j.places[r.seq]
	return ok && p.at == r.at
}
