package memjournal

import (
	"fmt"

	"github.com/optimist-go/optimist/journal"
)

var (
	_ journal.Journal = (*Journal)(nil)
)

// Journal is a [journal.Journal] in memory. [Disk.Open] and [New] make one. Its
// methods are safe for concurrent use.
type Journal struct {
	disk *Disk

	// The disk's lock guards these.
	ended  error // closed or crashed
	failed error // stopped
}

// Durability returns [journal.DurableNever].
func (j *Journal) Durability() journal.Durability { return journal.DurableNever }

// Load returns the live records, ascending by sequence number. It may be called more
// than once.
func (j *Journal) Load() ([]journal.Record, error) {
	d := j.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := j.stateLocked(); err != nil {
		return nil, err
	}
	return d.loadLocked(), nil
}

// Write keeps the records until the process ends, or ends with the fault of
// [Disk.Inject].
func (j *Journal) Write(records []journal.Record) error {
	for _, r := range records {
		if len(r.Data) > journal.MaxData {
			return fmt.Errorf("memjournal: record %d has %d bytes, %d are allowed: %w",
				r.Seq, len(r.Data), journal.MaxData, journal.ErrTooLarge)
		}
	}
	d := j.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := j.stateLocked(); err != nil {
		return err
	}
	if len(records) == 0 {
		return nil
	}
	d.writes++
	fault := d.faults[d.writes]
	delete(d.faults, d.writes)
	switch fault {
	case Refuse:
		return fmt.Errorf("%w: %w", ErrDiskFull, journal.ErrRefused)
	case FailLost, FailKept:
		if fault == FailKept {
			d.storeLocked(records, true)
		}
		j.failed = fmt.Errorf("%w: %w", ErrDiskBad, journal.ErrFailed)
		return j.failed
	case CrashBefore, CrashAfter:
		if fault == CrashAfter {
			d.storeLocked(records, true)
		}
		d.crashLocked()
		return j.ended
	}
	d.storeLocked(records, !d.lazy)
	return nil
}

// Close gives up ownership and syncs.
func (j *Journal) Close() error {
	d := j.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if j.ended != nil {
		return nil
	}
	j.ended = fmt.Errorf("memjournal: %w", journal.ErrClosed)
	d.owner = nil
	if j.failed == nil {
		d.syncLocked()
	}
	return nil
}

func (j *Journal) stateLocked() error {
	if j.ended != nil {
		return j.ended
	}
	return j.failed
}
