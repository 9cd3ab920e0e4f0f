package filejournal

import "github.com/optimist-go/optimist/journal"

// flush writes the batches of a group as one frame. The queue calls it, one group at
// a time.
func (j *Journal) flush(batches [][]journal.Record) error {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if err := j.stateLocked(); err != nil {
		return err
	}
	frame := beginFrame(j.buf[:0])
	for _, batch := range batches {
		for _, r := range batch {
			frame = appendRecord(frame, r)
		}
	}
	if len(frame) == frameHeader {
		return nil // without records it would be a closing mark
	}
	at := j.end
	if err := j.appendLocked(frame); err != nil {
		return err
	}
	j.sealed = false
	at += frameHeader
	for _, batch := range batches {
		for _, r := range batch {
			size := encodedSize(r)
			_ = j.noteLocked(record{seq: r.Seq, settled: r.Settled, at: at, size: size})
			at += int64(size)
		}
	}
	if cap(frame) <= keepBuffer {
		clear(frame) // written data does not stay in memory
		j.buf = frame
	}
	if j.overgrownLocked() {
		j.compactDue.Store(true)
	}
	return nil
}

// appendLocked writes frame at the end of the log and syncs it as Options.Sync says.
// If the disk is full, the log is as it was before.
func (j *Journal) appendLocked(frame []byte) error {
	endFrame(frame, j.salt, j.end)
	if _, err := j.log.WriteAt(frame, j.end); err != nil {
		if diskFull(err) && j.log.Truncate(j.end) == nil && j.syncLocked() == nil {
			return refusal("write", j.name, err)
		}
		return j.stopLocked("write", err)
	}
	if err := j.syncLocked(); err != nil {
		return err
	}
	j.end += int64(len(frame))
	return nil
}

// syncLocked syncs the log if the policy asks for it. A failed sync stops the
// journal, for ever: after it the state of the disk is unknown.
func (j *Journal) syncLocked() error {
	if j.options.Sync == SyncRelaxed {
		return nil
	}
	if err := j.log.Sync(); err != nil {
		return j.stopLocked("sync", err)
	}
	return nil
}

// stopLocked makes every later write fail with the error that it returns.
func (j *Journal) stopLocked(op string, err error) error {
	if j.failed == nil {
		j.failed = failure(op, j.name, err)
		// The last frame may be in the system's cache and not on the disk. Its Write was
		// not acknowledged: truncate the frame, lest the next owner rely on it. If this
		// fails too, the reader still sees any hole that a loss of power makes of it.
		if j.log != nil {
			_ = j.log.Truncate(j.end)
		}
	}
	return j.failed
}

// sealLocked appends a closing mark, which says that all before it was synced.
func (j *Journal) sealLocked() error {
	if j.options.Sync == SyncRelaxed {
		if err := j.log.Sync(); err != nil {
			return j.stopLocked("sync", err)
		}
	}
	mark := beginFrame(nil)
	endFrame(mark, j.salt, j.end)
	if _, err := j.log.WriteAt(mark, j.end); err != nil {
		return j.stopLocked("mark as closed", err)
	}
	if err := j.log.Sync(); err != nil {
		return j.stopLocked("sync", err)
	}
	j.end += int64(len(mark))
	j.sealed = true
	return nil
}
