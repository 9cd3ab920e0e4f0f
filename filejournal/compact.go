package filejournal

import (
	"fmt"
	"path/filepath"
)

// Compact writes the log anew with the live records alone, now. The journal compacts
// by itself when half of the log is settled; call Compact to remove settled data from
// the disk at once, after a log-out for instance.
//
// After an error that does not wrap [journal.ErrFailed] or [journal.ErrCorrupt] the
// log is unchanged and the journal goes on.
func (j *Journal) Compact() error {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	return j.compactLocked()
}

// overgrownLocked reports whether the log is larger than its bound.
func (j *Journal) overgrownLocked() bool {
	return j.end > j.options.CompactAt && j.end > headerSize+2*j.bytes && j.end > j.compactFrom
}

// compactIfDue keeps the log within its bound. A failure is reported by Stats and, if
// it stops the journal, by the next Write: the write before the compaction is
// durable.
func (j *Journal) compactIfDue() {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if j.stateLocked() == nil && j.overgrownLocked() {
		_ = j.compactLocked()
	}
}

func (j *Journal) compactLocked() error {
	if err := j.stateLocked(); err != nil {
		return err
	}
	name := filepath.Join(filepath.Dir(j.name), newName)
	w, err := startLog(j.fs, name)
	if err == nil {
		err = j.copyLocked(w)
	}
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		// The log in use has not been touched. Even a failed sync is no reason to stop,
		// because the file with the failed sync is thrown away.
		if w != nil {
			w.discard()
		}
		if j.failed == nil {
			err = fmt.Errorf("filejournal: compact into %s: %w (the log goes on as it is)", name, err)
		}
		j.compactErr, j.compactFrom = err, 2*j.end
		return err
	}

	// From here on there is no way back: after an error either log may be in place.
	_ = j.log.Close() // was synced; some systems do not replace an open file
	j.log = nil
	if err = w.install(j.name); err != nil {
		j.compactErr = j.stopLocked("replace", err)
		return j.compactErr
	}
	log, err := j.fs.Open(j.name)
	if err != nil {
		j.compactErr = j.stopLocked("open", err)
		return j.compactErr
	}
	j.log, j.salt, j.end, j.sealed = log, w.salt, w.end, false
	j.places, j.bytes = w.places, w.bytes
	j.compactErr, j.compactFrom = nil, 0
	j.compactions++
	return nil
}

// copyLocked copies the live records, checking the log on the way. If the log is
// damaged, the journal stops before the damage is copied.
func (j *Journal) copyLocked(w *newLog) error {
	var raw []byte
	found, err := scan(j.log, j.end, func(r record) error {
		if !j.liveLocked(r) {
			return nil
		}
		raw = appendRecord(raw[:0], r.live())
		return w.add(r.seq, raw)
	})
	if err != nil {
		return err
	}
	if found.damaged || found.end != j.end || len(w.places) != len(j.places) {
		j.failed = corruption(j.name, found.end)
		return j.failed
	}
	return nil
}
