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

// awaitDiskLocked waits for the records queued, unless the end of a wait comes first (nil: it
// waits for as long as it takes), and says which ends are not on the disk. It releases the
// lock meanwhile.
func (m *Manager) awaitDiskLocked(end <-chan struct{}) error {
	w := m.disk.out.Await()
	m.mu.Unlock()
	defer m.mu.Lock()
	select {
	case <-w.Done:
		return w.Owed
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
		return out.Owed()
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
	err  error       // why the disk has no mark of it; nil: the operation has ended
	wait engine.Time // when the disk is asked again
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
		w, held := m.disk.out.Await(), m.keptLocked(o)
		m.mu.Unlock()
		<-w.Done
		m.mu.Lock()
		// An operation that is not on the disk cannot be mistaken there for one that never left.
		if held && outbox.Passes(w.Err) && needsMark(o) && o.State() != engine.Ended {
			return &unmarked{w.Err, m.disk.out.RetryIn(m.now(time.Now()))}
		}
	}
	if o.State() == engine.Ended {
		return &unmarked{}
	}
	return nil
}

// needsMark reports whether an attempt may not leave before the disk has its mark. For
// other operations the mark is missed only by a restart, which then takes them for some
// that never left.
func needsMark(o *engine.Op) bool { return o.Creates() }
