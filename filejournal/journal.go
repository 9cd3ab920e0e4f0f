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

// Journal is a [journal.Journal] in a file. [Open] makes one. Its methods are safe
// for concurrent use.
type Journal struct {
	fs      filesystem
	name    string // of the log
	options Options
	queue   *groupcommit.Queue[[]journal.Record]

	// compactDue is set when the log has grown beyond its bound, and cleared by the
	// writer that compacts it.
	compactDue atomic.Bool

	// ioMu is held during input and output, so that there is one at a time. Only the
	// filesystem is called under it.
	ioMu sync.Mutex
	lock io.Closer // the owner's lock, until closed
	log  file      // nil between two logs, and after closed
	salt salt

	// end is the offset of the next frame. All of the log before it is acknowledged or
	// was found at Open, and, with SyncAlways, synced.
	end int64
	// sealed: the frame before end is a closing mark.
	sealed bool
	// places holds exactly the live records, bytes the sum of their sizes.
	places map[uint64]place
	bytes  int64

	closed bool
	damage error // found at Open; Load returns it with the rest
	failed error // the reason why the journal has stopped; never unset

	compactErr  error // the reason why the last compaction was given up
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
// If the log is damaged the error wraps [journal.ErrCorrupt], and the records are
// the records of all readable frames. Then a record may be missing, be older than
// its latest version, or have been settled. The journal takes no more writes;
// [Repair] makes a new journal of the readable records.
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

// Write makes records durable, all or none, as [Options].Sync says. Writes that
// overlap share a sync.
//
// The errors are the errors of [journal.Journal]. A full disk is an error that
// wraps [journal.ErrRefused] and the system's error, and does no harm.
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

// Close syncs unsynced writes, marks the log as closed, and gives up ownership.
// Even after an error of Close, all acknowledged writes are there, as far as
// [Options].Sync promises.
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
		_ = j.log.Close() // all acknowledged writes were synced
		j.log = nil
	}
	if lockErr := j.lock.Close(); err == nil && lockErr != nil {
		err = failure("unlock", j.name, lockErr)
	}
	return err
}

// Durability returns [journal.DurablePower], or [journal.DurableProcess] with
// [SyncRelaxed].
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

	// CompactErr is the reason why the last compaction was given up, or nil. The log
	// is as good as before, but grows until an attempt succeeds.
	CompactErr error
}

// Stats returns the present state. It waits for a running write.
func (j *Journal) Stats() Stats {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	return Stats{
		Live: len(j.places), LiveBytes: j.bytes, FileBytes: j.end,
		Compactions: j.compactions, CompactErr: j.compactErr,
	}
}

// stateLocked returns the reason why the journal takes no writes, or nil.
func (j *Journal) stateLocked() error {
	switch {
	case j.closed:
		return closed(j.name)
	case j.failed != nil:
		return j.failed
	}
	return j.damage
}

// noteLocked updates places and bytes for a record that is now in the log.
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
