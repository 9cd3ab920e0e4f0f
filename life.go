package optimist

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// RollbackAll undoes every unsettled operation of an entity, last first; they end
// as Cancelled. Calls under way go on, unless Policy.Cancel says otherwise; their
// answers are taken as truth when they come, and trigger no callback. A name of no entity
// (empty, of no store, or an id alone) is ErrInvalid; one of a store's entity of which
// nothing is held is not.
func (m *Manager) RollbackAll(entity string) error {
	return m.act(func() (engine.Input, error) {
		if err := m.unnamedLocked(entity); err != nil {
			return nil, errorf.New("RollbackAll: %w", err)
		}
		if ent := m.known.Find(entity); ent != nil {
			return engine.RollbackAll{Entity: ent}, nil
		}
		return nil, nil
	})
}

// RollbackEverything undoes every unsettled operation of all entities, last first, as
// RollbackAll does for one: for a person who discards everything. Unlike ClearAll it lets
// callbacks that wait run, takes the answers of calls under way as truth, and leaves operations
// in quarantine and operations that are not restored yet.
func (m *Manager) RollbackEverything() error { return m.do(engine.RollbackAll{}) }

// ClearAll undoes everything and forgets it, timers, retries, calls under way and
// journal included, also operations in quarantine or not restored yet: for log-out.
// Truth stays, and the ids that servers have made of entities held, and so does the manager. Callbacks
// that wait are dropped; afterwards none of the old life starts, and answers of its
// calls are ignored. It returns when the journal is cleared. When the disk refuses that it
// returns ErrNotOnDisk: all is undone then, and the journal is cleared as soon as the
// disk takes it.
func (m *Manager) ClearAll() error {
	if err := m.lockToAct(); err != nil {
		return err
	}
	m.callbacks.muted = true
	if m.closures != nil {
		m.closures.Clear()
	}
	m.abandonLocked()
	m.stepLocked(time.Now(), engine.ClearAll{Names: m.known.Stores()})
	m.callbacks.Drop()
	m.callbacks.muted = false
	if m.disk != nil {
		for _, h := range m.quarantineLocked() {
			m.endAsideLocked(h, engine.Cancelled, nil)
		}
		m.disk.out.Forget()
		m.writeLocked()
	}
	return errors.Join(m.unlockDone(), m.cleared())
}

// cleared waits for the disk, though not for one that hangs.
func (m *Manager) cleared() error {
	if m.disk == nil {
		return nil
	}
	end := make(chan struct{})
	patience := time.AfterFunc(diskPatience, func() { close(end) })
	defer patience.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sayAgainLocked(end)
}

// SetOnline tells whether the network is there. Offline nothing is sent and no
// attempt is spent; operations still apply. On return lanes resume in order, also when
// one operation probed because nobody answered.
func (m *Manager) SetOnline(online bool) error { return m.do(engine.SetOnline{Online: online}) }

// SendNow is Handle.SendNow for all operations of one entity that are not parked.
func (s *anyStore) SendNow(id string) error {
	if err := s.needs("SendNow", id); err != nil {
		return err
	}
	return s.m.act(func() (engine.Input, error) {
		if ent := s.space.Find(id); ent != nil {
			return engine.SendNow{Entity: ent}, nil
		}
		return nil, nil
	})
}

// RetryNow ends every wait between attempts now, and the pause that a refused
// authentication began.
func (m *Manager) RetryNow() error {
	return m.act(func() (engine.Input, error) {
		m.loads.bell.Give()
		return engine.RetryNow{}, nil
	})
}

// Flush ends every debounce and waits until each operation is settled, is parked, or
// waits behind a parked one, or ctx ends: the error then names the operations that are left. With a journal it then waits until the ends are on disk.
// Records that the disk refuses are tried once more; when that fails Flush returns
// ErrNotOnDisk, and does not wait for the disk to recover.
// It must not be called from a callback or closure, for which it waits: it returns ErrStuck
// when that has run for five seconds more.
func (m *Manager) Flush(ctx context.Context) error {
	return m.awaitSettled(ctx, engine.Flush{})
}

// Idle waits as [Manager.Flush] does, with the same errors, and hurries nothing: debounces take
// their time. It returns at once when there is nothing to wait for.
func (m *Manager) Idle(ctx context.Context) error { return m.awaitSettled(ctx, nil) }

func (m *Manager) awaitSettled(ctx context.Context, first engine.Input) error {
	if err := m.settleAll(ctx, foreign.Inside(), first); err != nil {
		if ctx != nil && ctx.Err() != nil {
			err = m.unfinished(err)
		}
		return err
	}
	return m.onDisk(ctx)
}

// unfinished says for which operations Flush or Idle has waited in vain.
func (m *Manager) unfinished(err error) error {
	if m.lock() != nil {
		return err
	}
	defer m.mu.Unlock()
	left := m.namesLocked(func(o *engine.Op) bool { return o.State() != engine.Parked && !o.IsHeld() })
	if len(left) == 0 {
		return err
	}
	return errorf.New("%w before %d operations were settled: %s", err, len(left), listed(left))
}

// settleAll waits until all that is left to do waits for a person, and the program has been
// told. It begins with a step, if first is not nil; inside tells whether a function of the
// program calls.
func (m *Manager) settleAll(ctx context.Context, inside bool, first engine.Input) error {
	if err := contextErr(ctx); err != nil {
		return err
	}
	if err := m.lockToAct(); err != nil {
		return err
	}
	if m.disk != nil && !m.disk.out.Restored() {
		m.mu.Unlock()
		return errUnrestored
	}
	if first != nil {
		m.stepLocked(time.Now(), first)
	}
	idle := m.idle.Await()
	if m.idleLocked() {
		m.idle.Give()
	}
	m.unlock()
	select {
	case <-idle:
		if err := m.await(ctx, inside, m.ofClosures(imperative.tasksLocked)); err != nil {
			return err
		}
		return m.await(ctx, inside, m.callbacks.awaitedLocked)
	case <-m.stop:
		return m.stoppedErr()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close accepts nothing more, flushes until ctx ends, and stops. An unsettled operation
// then stays in the journal for the next life; an operation that the journal does not hold is
// rolled back, ends as RolledBack with ErrClosed, and is named in the error. So is
// the failure of the journal, if it has failed, and ErrNotOnDisk tells of ends that it
// did not take. A second Close returns ErrClosed.
//
// When ctx ends, Close ends the calls and waits for those that it cannot end: for Send
// functions (and Retry.Next) a second; for callbacks and closures that run or are due,
// and for the journal, as long as they take. So none of them may wait for an event that only
// happens after Close, and Close must not be called from a callback or closure: it returns
// ErrStuck when that has run for five seconds more.
//
// After Close there is no goroutine, timer or callback of the manager, unless the error
// wraps ErrStuck: a Send function did not return within that second, or one that called
// Close runs on.
func (m *Manager) Close(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	if err := m.lock(); err != nil {
		return err // nothing has begun
	}
	if m.phase >= closing {
		m.mu.Unlock()
		return ErrClosed
	}
	m.phase = closing
	m.mu.Unlock()

	// Nothing is left out when a closure ends the goroutine meanwhile.
	inside := foreign.Inside()
	var flushed, left, stuck, first, second, journal error
	foreign.Each(
		func() { flushed = m.settleAll(ctx, inside, engine.Flush{}) },
		m.halt,
		func() { left = m.dropUnkept(flushed) },
		func() { stuck = m.waitForWorkers(inside) },
		func() { first = m.waitForProgram(inside, flushed, stuck) },
		func() { journal = m.closeJournal() },
		func() { second = m.waitForProgram(inside, flushed, stuck, first) }, // a callback may decide something before the journal is closed
		m.endSubscriptions,
	)
	if !errors.Is(flushed, ErrStuck) {
		flushed = nil // left says the same
	}
	return errors.Join(left, flushed, stuck, first, journal, second)
}

// endSubscriptions ends them, and the waits of all others.
func (m *Manager) endSubscriptions() {
	m.mu.Lock()
	closeOnce(m.stop)
	foreign.Finish(func() { m.endIndexesLocked(ErrClosed) }, m.mu.Unlock)
	m.audience.UnsubscribeAll()
	m.listenedLocked()
	m.mu.Unlock()
}

// halt stops the timer and ends all calls: nothing leaves any more.
func (m *Manager) halt() {
	m.mu.Lock()
	m.phase = halted
	m.engine.ShutGate(true)
	ticked := m.silenceLocked()
	m.unlock()
	<-ticked
}

// dropUnkept rolls back the operations that would be lost, and names them. flushed is how
// Flush ended.
func (m *Manager) dropUnkept(flushed error) (err error) {
	m.mu.Lock()
	m.sayAgainLocked(nil)
	if m.lost != nil { // nobody can say which operations are left
		m.mu.Unlock()
		return m.lost
	}
	if left := m.namesLocked(func(o *engine.Op) bool { return !m.keptLocked(o) }); len(left) > 0 {
		err = errorf.New("%w with %d unsettled operations, rolled back: %s",
			ErrClosed, len(left), listed(left))
		if flushed != nil { // else they were parked
			err = errorf.New("%w (%w)", err, flushed)
		}
		m.stepLocked(time.Now(), engine.ClearAll{Err: ErrClosed, Keep: m.keptLocked})
	}
	m.unlock()
	return err
}

// keptLocked reports whether the journal holds an operation beyond Close.
func (m *Manager) keptLocked(o *engine.Op) bool {
	h := handleOf(o)
	return m.disk != nil && (h.durable || h.more != nil && h.more.journal == errNotDurable)
}

// namesLocked names the unsettled operations of a kind.
func (m *Manager) namesLocked(of func(*engine.Op) bool) (names []string) {
	for ent := range m.engine.Busy {
		for o := range ent.Ops {
			if o.Entity() == ent && of(o) { // a group is in the lists of all its entities
				names = append(names, o.Type.Name+" of "+ent.FullName())
			}
		}
	}
	return names
}

// listed is the text of the first ten names.
func listed(names []string) string {
	text := strings.Join(names[:min(len(names), 10)], ", ")
	if len(names) > 10 {
		text += ", ..."
	}
	return text
}

// waitForProgram waits until calls that run closures (an Apply that Close found at work is
// undone by its own call), closures, and callbacks that are due have run, unless one did not end
// in an earlier wait.
func (m *Manager) waitForProgram(inside bool, before ...error) (err error) {
	if slices.ContainsFunc(before, func(err error) bool { return errors.Is(err, ErrStuck) }) {
		return nil
	}
	for _, awaited := range []awaited{m.ofClosures(imperative.executesLocked), m.ofClosures(imperative.tasksLocked), m.callbacks.awaitedLocked} {
		err = cmp.Or(err, m.await(context.Background(), inside, awaited))
	}
	return err
}

// ofClosures is how closures are waited for, until the end that done tells. Three copies of it
// would add 1 KB to a page.
//
//go:noinline
func (m *Manager) ofClosures(done func(imperative) <-chan struct{}) awaited {
	return func() (<-chan struct{}, func() string) {
		if m.closures == nil {
			return nil, nil
		}
		return done(m.closures), m.closures.stuckLocked(nil)
	}
}

// stuckClosuresLocked returns a function that names a closure of an entity (nil: of any)
// which has run since it was called last, or now. The lock must be held when it is called.
func (m *Manager) stuckClosuresLocked(ent *engine.Entity) func() string {
	if m.closures == nil {
		return func() string { return "" }
	}
	return m.closures.stuckLocked(ent)
}
