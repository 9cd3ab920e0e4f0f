package optimist

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// What the journal refused is written again: an operation whose end is not on the disk
// would be sent by the next life. The Manager's one timer serves for that as well.

// Waits between tries: againFirst x 2^n, at most againMost.
const (
	againFirst = time.Second
	againMost  = 30 * time.Second
	// diskPatience is how long ClearAll, which has no context, waits for a write.
	diskPatience = 5 * time.Second
)

// refusedLocked keeps what a Write could not say. A journal that is dead will never hear
// it, so that only the ends are counted.
func (w *journalWriter) refusedLocked(m *Manager, unsaid []written) {
	if w.dead {
		w.lost += endedIn(unsaid)
		return
	}
	w.unsaid = unsaid
	if w.again == engine.Never {
		w.again = m.now(time.Now().Add(againAfter(w.tries)))
	}
}

// againAfter is how long to wait after so many tries in vain.
func againAfter(tries int) time.Duration {
	return min(againFirst<<min(tries, 10), againMost)
}

// dueLocked is when what was refused has to be written again, or engine.Never.
func (w *journalWriter) dueLocked() engine.Time {
	if w.writing || len(w.unsaid) == 0 {
		return engine.Never
	}
	return w.again
}

// tryAgainLocked writes what was refused, if it is time.
func (w *journalWriter) tryAgainLocked(now engine.Time) {
	if w.dueLocked() <= now {
		w.again = engine.Never
		w.tries++
		w.header = true
	}
}

// endedIn counts the ends among records.
func endedIn(records []written) (n int) {
	for _, r := range records {
		if r.Settled {
			n++
		}
	}
	return n
}

// endsOf counts the ends among entries.
func endsOf(entries []journalEntry) (n int) {
	for _, e := range entries {
		if e.ends {
			n++
		}
	}
	return n
}

// owedLocked names the ends that the disk does not have, and why; nil: it has all.
func (w *journalWriter) owedLocked() error {
	n := w.lost + endedIn(w.unsaid)
	switch {
	case n == 0:
		return nil
	case w.dead:
		return errorf.New("%w: %d of them, and the journal takes nothing any more: a restart may send these operations again: %w",
			ErrNotOnDisk, n, w.failed)
	}
	return errorf.New("%w: %d of them; they are written again, and until then a restart would send these operations again: %w",
		ErrNotOnDisk, n, w.failed)
}

// diskWait waits until what was queued has been written, or cannot be.
type diskWait struct {
	done chan struct{} // closed then
	err  error         // of that write
	owed error         // the ends that the disk did not have then
}

// answerLocked tells those who wait how it ended.
func (w *journalWriter) answerLocked(all []*diskWait, err error) {
	for _, d := range all {
		d.err, d.owed = err, w.owedLocked()
		close(d.done)
	}
}

// waitLocked begins to wait for what is queued. The writer must be at work.
func (w *journalWriter) waitLocked() *diskWait {
	d := &diskWait{done: make(chan struct{})}
	w.waiting = append(w.waiting, d)
	return d
}

// awaitLocked waits for what is queued, unless the end of a wait comes first (nil: it
// waits for as long as it takes), and says which ends are not on the disk. It releases
// the lock meanwhile.
func (w *journalWriter) awaitLocked(m *Manager, end <-chan struct{}) error {
	d := w.waitLocked()
	m.mu.Unlock()
	defer m.mu.Lock()
	select {
	case <-d.done:
		return d.owed
	case <-end:
		return errorf.New("%w: the journal has not written them yet", ErrNotOnDisk)
	}
}

// sayAgainLocked waits for what is being written, gives what the journal refused one more
// try, and says which ends are not on the disk then. It does not wait for a disk to
// recover. It releases the lock meanwhile.
func (m *Manager) sayAgainLocked(end <-chan struct{}) error {
	w := m.journal
	if w == nil {
		return nil
	}
	w.flushLocked(m)
	if w.writing {
		if err := w.awaitLocked(m, end); err == nil || w.dead {
			return err
		}
	}
	if len(w.unsaid) == 0 && !w.writing {
		return w.owedLocked()
	}
	w.header = true
	w.flushLocked(m)
	return w.awaitLocked(m, end)
}

// onDisk is how Flush ends: with what is to be told of the disk.
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
	err   error         // why the disk has no mark of it; nil: the operation has ended
	again time.Duration // when the disk is asked again
}

// mark makes sure that the journal knows of an attempt before it leaves. It returns why
// the attempt must not leave, or nil. A journal that is dead is not asked any more.
func (w *journalWriter) mark(m *Manager, o *engine.Op) *unmarked {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.dead || !o.Type.Stored {
		return nil
	}
	if o.State() != engine.Ended {
		w.putLocked(m, o, false)
		w.flushLocked(m)
		d, held := w.waitLocked(), m.keptLocked(o)
		m.mu.Unlock()
		<-d.done
		m.mu.Lock()
		// What is not on the disk cannot be mistaken there for what never left.
		if held && refusedForNow(d.err) && needsMark(o) && o.State() != engine.Ended {
			return &unmarked{d.err, w.untilAgainLocked(m)}
		}
	}
	if o.State() == engine.Ended {
		return &unmarked{}
	}
	return nil
}

// untilAgainLocked is how long it is until what was refused is written again.
func (w *journalWriter) untilAgainLocked(m *Manager) time.Duration {
	if w.again == engine.Never {
		return 0 // the disk has recovered
	}
	return time.Duration(max(w.again-m.now(time.Now()), 0))
}

// needsMark reports whether an attempt may not leave before the disk has its mark. For
// other operations the mark is missed only by a restart, which then takes them for some
// that never left.
func needsMark(o *engine.Op) bool { return o.Creates() }

// refusedForNow reports whether a later Write may succeed.
func refusedForNow(err error) bool {
	return errors.Is(err, journal.ErrRefused) || errors.Is(err, journal.ErrTooLarge)
}
