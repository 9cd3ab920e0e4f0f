package optimist

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/internal/alarm"
	"github.com/optimist-go/optimist/internal/audience"
	"github.com/optimist-go/optimist/internal/courier"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/hlc"
	"github.com/optimist-go/optimist/internal/inbox"
	"github.com/optimist-go/optimist/internal/latch"
	"github.com/optimist-go/optimist/internal/policy"
	"github.com/optimist-go/optimist/internal/registry"
)

// Manager applies changes at once and settles them with the server later. It is the
// shell around the engine: it owns time, goroutines, callbacks and the lock, and
// decides nothing itself. Methods are safe for concurrent use.
//
// An idle manager has no goroutine and no timer.
type Manager struct {
	opts   Options
	policy policy.Policy // of operations that do not bring their own
	// epoch is engine time 0. It is a little before all that happens, so that a value read
	// before the manager was made, which is of engine time 1, is older than that.
	epoch time.Time

	stop chan struct{} // closed when the manager has stopped

	naming atomic.Bool           // a type has Mutation.ServerID
	inside atomic.Pointer[label] // whose function was the last to be called under mu

	inbox inbox.Inbox[landing] // answers on their way in

	// mu guards everything below. Functions of the program are never called under
	// it, except those that are data, which the package documentation lists.
	mu     latch.Mutex
	engine *engine.Engine
	clock  hlc.Clock
	known  registry.Registry

	courier courier.Courier[*flight] // attempts that may leave, calls under way, workers

	alarm alarm.Alarm // rings at the next deadline

	callbacks callbacks
	closures  imperative // nil until the first closure

	audience audience.Audience[Event] // Tell needs no lock
	idle     latch.Signal             // that everything is settled or parked
	phase    phase                    // how far Close has come
	lost     error                    // why the manager is broken, and has stopped; nil: it is not

	disk    *disk   // nil without a journal
	reader  *reader // nil until a store has StoreOptions.Read
	loads   loads
	indexes indexes // nil until the first index

	input   engine.Execute // reused by typed calls
	receive engine.Receive // reused by Receive
}

// New returns a manager. The zero Options work. With a journal it loads the operations that
// an earlier life left; call Restore when all types are registered. When New fails it has
// closed the journal.
func New(opts Options) (*Manager, error) {
	if err := opts.validate(); err != nil {
		if opts.Journal != nil {
			err = errors.Join(err, opts.Journal.Close())
		}
		return nil, err
	}
	opts = opts.withDefaults()
	m := &Manager{
		opts:   opts,
		policy: *opts.Policy.given().Over(&policy.Default, true),
		epoch:  time.Now().Add(-time.Microsecond),
		stop:   make(chan struct{}),
		mu:     latch.New(),
		clock:  hlc.Clock{MaxDrift: opts.MaxDrift},
		known:  registry.New(),
	}
	m.alarm = alarm.New(m.tick)
	known, err := m.openJournal()
	if err != nil {
		return nil, errors.Join(err, opts.Journal.Close())
	}
	prefix := strconv.FormatUint(rand.Uint64(), 36) + strconv.FormatUint(rand.Uint64(), 36)
	if m.opts.ClientID == "" {
		m.opts.ClientID = prefix
	} else {
		prefix = m.opts.ClientID + "-" + prefix
	}
	m.engine = engine.New(engine.Config{
		Prefix:       prefix,
		Seq:          known.Seq,
		Era:          known.Era,
		ClientID:     m.opts.ClientID,
		MaxInFlight:  opts.MaxInFlight,
		MaxPerEntity: opts.MaxPerEntity,
		MaxPending:   opts.MaxPending,
		ProbeAfter:   opts.ProbeAfter,
		Probe:        m.policy.Retry.Schedule(),
	})
	m.engine.Quiet = true
	if m.disk != nil {
		m.disk.out.SetClient(m.opts.ClientID)
	}
	return m, nil
}

// ClientID is Options.ClientID, or the random one chosen instead.
func (m *Manager) ClientID() string { return m.opts.ClientID }

// Err reports the definitions (stores, mutations, merge rules) that cannot work, or
// nil. Calls that use one return its error as well.
func (m *Manager) Err() error {
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	return m.known.Err()
}

// now is the engine's time.
func (m *Manager) now(t time.Time) engine.Time { return engine.Time(t.Sub(m.epoch)) }

// timeOf is a time of the engine's on the wall.
func (m *Manager) timeOf(t engine.Time) time.Time { return m.epoch.Add(time.Duration(t)) }

// do takes one input and carries out its effects.
func (m *Manager) do(in engine.Input) error {
	return m.act(func() (engine.Input, error) { return in, nil })
}

// act takes the input that find finds under the lock, and carries out its effects. Without an
// input there is nothing to do.
func (m *Manager) act(find func() (engine.Input, error)) error {
	if err := m.lockToAct(); err != nil {
		return err
	}
	in, err := find()
	if in != nil && err == nil {
		err = m.stepLocked(time.Now(), in)
	}
	undone := m.unlockDone()
	if err != nil {
		return publicErr(err)
	}
	return undone
}

// afterStep looks at the engine after every step, in tests.
var afterStep func(*engine.Engine)

// stepLocked runs the engine and carries out the effects that need the lock. It
// releases the lock when a function of the program ends the goroutine; see broken.go.
func (m *Manager) stepLocked(now time.Time, in engine.Input) error {
	if m.lost != nil {
		return m.lost
	}
	err := m.decideLocked(now, in)
	// The rest is ours, except steps that look after themselves.
	if m.disk != nil && m.phase != stopped { // then the journal is closed
		m.disk.out.Tick(m.now(now))
		m.writeLocked()
		if ops := m.disk.released; len(ops) > 0 {
			m.disk.released = nil
			m.stepNowLocked(&engine.Journaled{Ops: ops})
		}
	}
	if m.audience.Subscribed() {
		m.tellOverdueLocked(now)
	}
	if m.reader != nil {
		m.reader.moveLocked(now)
	}
	m.armLocked(now)
	if m.loads.bell.Awaited() {
		m.loads.moveLocked(m.engine.Sending())
	}
	if m.idle.Awaited() && m.idleLocked() {
		m.idle.Give()
	}
	return err
}

// decideLocked has the engine decide, and carries that out. The program's functions that are
// data run in it. It is written out, without foreign.Finish, because every tap passes here.
func (m *Manager) decideLocked(now time.Time, in engine.Input) error {
	decided := false
	defer func() {
		if !decided {
			m.breakLocked()
		}
	}()
	effects, err := m.engine.Step(m.now(now), in)
	for i := range effects {
		m.carryOutLocked(&effects[i], now)
	}
	if m.engine.HasMoves() || m.indexes != nil && m.indexes.Due(m.engine) {
		m.indexes.Tell(m.engine)
	}
	m.engine.Done()
	if afterStep != nil {
		afterStep(m.engine)
	}
	decided = true
	return err
}

func (m *Manager) stepNowLocked(in engine.Input) { m.stepLocked(time.Now(), in) }

// unlock releases the lock and then runs closures, which must not run under it.
func (m *Manager) unlock() { m.unlockDone() }

// unlockDone is unlock for calls that return when closures have been brought along. Its
// error says that a closure has run for too long; its runner does the rest.
func (m *Manager) unlockDone() error {
	if ready, _ := m.rewindsLocked(); ready {
		return m.closures.unlock()
	}
	m.mu.Unlock()
	return nil
}

// rewindsLocked reports whether closures have to run when the lock is released, and whether
// that waits for functions of the program.
func (m *Manager) rewindsLocked() (ready, slow bool) {
	if m.closures == nil {
		return false, false
	}
	return m.closures.readyLocked()
}

// armLocked keeps one timer at the next deadline, or none.
func (m *Manager) armLocked(now time.Time) {
	next := m.engine.NextTick()
	if m.disk != nil {
		next = min(next, m.disk.out.Due())
	}
	if m.audience.Subscribed() {
		next = min(next, m.overdueLocked())
	}
	if m.reader != nil {
		next = min(next, m.reader.Due(m.now(now)))
	}
	m.alarm.Set(next, m.now(now))
}

// tick is the timer's function.
func (m *Manager) tick() {
	m.mu.Lock()
	if !m.alarm.Rung() {
		m.mu.Unlock()
		return
	}
	m.stepLocked(time.Now(), engine.Tick{})
	m.unlock()
}

// idleLocked reports whether all that is left to do waits for a person.
func (m *Manager) idleLocked() bool { return m.engine.Idle() }

// PendingCount counts the unsettled operations of an entity, parked ones included. It is
// -1 when it cannot be known, because the call waited in vain; see ErrStuck.
func (m *Manager) PendingCount(entity string) int {
	if !m.lockOrTell("PendingCount of " + entity) {
		return -1
	}
	defer m.mu.Unlock()
	if ent := m.known.Find(entity); ent != nil {
		return ent.Pending()
	}
	m.tellUnnamedLocked("PendingCount", entity)
	return 0
}

// HasPending reports whether an entity has unsettled operations, or may have some; see
// PendingCount.
func (m *Manager) HasPending(entity string) bool { return m.PendingCount(entity) != 0 }
