package optimist

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/outbox"
)

// diskPatience is how long ClearAll, which has no context, waits for a write.
const diskPatience = 5 * time.Second

// diskWait waits until the records queued have been written, or cannot be.
type diskWait struct {
	done chan struct{} // closed then
	err  error         // of that write
	owed error         // the ends that the disk did not have then
}

// answerLocked tells those who wait how it ended.
func (d *disk) answerLocked(all []*diskWait, err error) {
	for _, w := range all {
		w.err, w.owed = err, d.out.Owed(ErrNotOnDisk)
		close(w.done)
	}
}

// waitLocked begins to wait for the records queued. A writer must be at work.
func (d *disk) waitLocked() *diskWait {
	w := &diskWait{done: make(chan struct{})}
	d.waiting = append(d.waiting, w)
	return w
}

// awaitDiskLocked waits for the records queued, unless the end of a wait comes first (nil: it
// waits for as long as it takes), and says which ends are not on the disk. It releases the
// lock meanwhile.
func (m *Manager) awaitDiskLocked(end <-chan struct{}) error {
	w := m.disk.waitLocked()
	m.mu.Unlock()
	defer m.mu.Lock()
	select {
	case <-w.done:
		return w.owed
	case <-end:
		return errorf.New("%w: the journal has not written them yet", ErrNotOnDisk)
	}
}

// sayAgainLocked waits for the write under way, gives records that the journal refused one
// more try, and says which ends are not on the disk then. It does not wait for a disk to
// recover. It releases the lock meanwhile.
func (m *Manager) sayAgainLocked(end <-chan struct{}) error {
	if m.disk == nil {
		return nil
	}
	out := m.disk.out
	m.writeLocked()
	if out.Writing() {
		if err := m.awaitDiskLocked(end); err == nil || out.Dead() {
			return err
		}
	}
	if !out.Unsaid() && !out.Writing() {
		return out.Owed(ErrNotOnDisk)
	}
	out.Touch()
	m.writeLocked()
	return m.awaitDiskLocked(end)
}

// onDisk is how Flush ends: with the state of the disk.
func (m *Manager) onDisk(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.sayAgainLocked(ctx.Done())
	if over := ctx.Err(); err != nil && over != nil {
		return errorf.New("%w: %w", err, over)
	}
	return err
}

// unmarked is why an attempt must not leave.
type unmarked struct {
	err  error         // why the disk has no mark of it; nil: the operation has ended
	wait time.Duration // when the disk is asked again
}

// mark makes sure that the journal knows of an attempt before it leaves. It returns why
// the attempt must not leave, or nil. A journal that is dead is not asked any more.
func (m *Manager) mark(o *engine.Op) *unmarked {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.disk.out.Dead() || !o.Type.Stored {
		return nil
	}
	if o.State() != engine.Ended {
		m.journalLocked(o, false)
		m.writeLocked()
		w, held := m.disk.waitLocked(), m.keptLocked(o)
		m.mu.Unlock()
		<-w.done
		m.mu.Lock()
		// An operation that is not on the disk cannot be mistaken there for one that never left.
		if held && outbox.Passes(w.err) && needsMark(o) && o.State() != engine.Ended {
			return &unmarked{w.err, m.untilRetryLocked()}
		}
	}
	if o.State() == engine.Ended {
		return &unmarked{}
	}
	return nil
}

// untilRetryLocked is how long it is until refused records are written again.
func (m *Manager) untilRetryLocked() time.Duration {
	at := m.disk.out.RetryAt()
	if at == engine.Never {
		return 0 // the disk has recovered
	}
	return time.Duration(max(at-m.now(time.Now()), 0))
}

// needsMark reports whether an attempt may not leave before the disk has its mark. For
// other operations the mark is missed only by a restart, which then takes them for some
// that never left.
func needsMark(o *engine.Op) bool { return o.Creates() }
