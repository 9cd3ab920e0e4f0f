package optimist

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// closureLog is what the imperative door has done to state that lives elsewhere, for
// one entity, in the order in which it was done. It exists while something in it
// may still have to be undone.
//
// Closures of one entity run one at a time, by whoever has the turn. The turn is
// not the Manager's lock: a closure may call the manager, except to execute or
// undo something of the same entity, for which it would wait for itself. Who has the turn
// carries out the tasks that have come before it gives the turn back.
type closureLog struct {
	key  entityKey
	turn chan struct{} // capacity 1; holding a value in it is having the turn

	// What those look at who wait for the turn.
	calls atomic.Uint64         // closures begun
	whose atomic.Pointer[label] // the type of the latest

	// Touched only by who has the turn. What is under way is kept here, and not in
	// variables, because a closure may end the goroutine (runtime.Goexit): then the
	// rest goes on from here.
	entries []closureEntry
	undoing []closureEntry // to be undone, the last of them next
	again   []closureEntry // to be applied again after that, the first of them next
	doing   []closureTask  // to be carried out after that
	taken   int            // tasks that were taken with those in doing

	// Guarded by the Manager's lock.
	tasks []closureTask
	users int // executions that hold or await the turn
}

// closureEntry is one application. Several entries have the same owner when an
// operation superseded others: undoing it undoes theirs.
type closureEntry struct {
	owner    *Handle
	apply    func() (rollback func())
	rollback func()
	settled  bool // stays, but must be undone and applied again with earlier ones
	// What a toggle found in its slot, and what it made of it; nil: not known.
	was, wants any
}

// rewinder is a closureLog to those who must not know it.
type rewinder interface {
	// drain carries out the tasks. When one closure runs for too long it leaves them to who
	// has the turn, and says so.
	drain(m *Manager) error
	// slowLocked reports whether draining it waits for closures of the program.
	slowLocked() bool
}

// closureTask is one thing that the engine decided about closures. Exactly one of
// rewind, adopt and settled is set.
type closureTask struct {
	rewind  []engine.Victim
	adopt   *Handle
	state   any // for adopt
	settled *Handle
	silent  bool
	life    int // Manager.life when it was decided
}

// logLocked finds or makes the log of an entity.
func (m *Manager) logLocked(key entityKey) *closureLog {
	log := m.closures[key]
	if log == nil {
		log = &closureLog{key: key, turn: make(chan struct{}, 1)}
		m.closures[key] = log
		m.mostClosures = max(m.mostClosures, len(m.closures))
	}
	return log
}

func (m *Manager) closureTaskLocked(ent *engine.Entity, t closureTask) {
	log := m.logLocked(keyOf(ent))
	if len(log.tasks) == 0 {
		m.rewinds = append(m.rewinds, log)
	}
	t.life = m.life
	log.tasks = append(log.tasks, t)
	m.closuresDue++
}

// tasksDoneLocked notes that n tasks have been carried out.
func (m *Manager) tasksDoneLocked(n int) {
	if m.closuresDue -= n; m.closuresDue == 0 {
		m.closuresDone.giveLocked()
	}
}

// waitForClosures waits until what has been decided about closures is done. Inside of a
// function of the program it waits for none that does not end.
func (m *Manager) waitForClosures(ctx context.Context, inside bool) error {
	m.mu.Lock()
	if m.closuresDue == 0 {
		m.mu.Unlock()
		return nil
	}
	done := m.closuresDone.awaitLocked()
	var look func() string
	if inside {
		look = m.stuckClosuresLocked(nil)
	}
	m.mu.Unlock()
	return m.awaitProgram(ctx, done, look)
}

// stuckClosuresLocked returns a function that names a closure of an entity (nil: of any)
// which has run since it was called last, or now. The lock must be held when it is called.
func (m *Manager) stuckClosuresLocked(ent *engine.Entity) func() string {
	var before map[*closureLog]uint64
	look := func() (name string) {
		now := make(map[*closureLog]uint64)
		for _, log := range m.closures {
			if len(log.turn) == 0 || ent != nil && keyOf(ent) != log.key {
				continue
			}
			now[log] = log.calls.Load()
			if calls, ok := before[log]; ok && calls == now[log] {
				name = log.running()
			}
		}
		before = now
		return name
	}
	look()
	return look
}

// running names the closure that runs.
func (log *closureLog) running() string {
	return "a closure of " + log.key.name() + ", of " + log.whose.Load().String() + ","
}

// begins notes whose closure runs now. The caller has the turn.
func (log *closureLog) begins(whose *label) {
	log.whose.Store(whose)
	log.calls.Add(1)
}

// takeTurn waits for the turn, unless one closure has it for too long.
func (log *closureLog) takeTurn(ctx context.Context) error {
	select {
	case log.turn <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTicker(patience)
	defer timer.Stop()
	for calls := log.calls.Load(); ; {
		select {
		case log.turn <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		before := calls
		if calls = log.calls.Load(); calls == before {
			return stuckErr(log.running())
		}
	}
}

func (log *closureLog) drain(m *Manager) error {
	if err := log.takeTurn(context.Background()); err != nil {
		return err
	}
	defer log.leave(m)
	log.work(m)
	return nil
}

func (log *closureLog) slowLocked() bool {
	return len(log.turn) > 0 || slices.ContainsFunc(log.tasks, func(t closureTask) bool { return t.settled == nil })
}

// leave gives the turn back when no task is left, and forgets a log that holds nothing. Then
// it drains the logs of other entities to which its own tasks have led.
func (log *closureLog) leave(m *Manager) {
	m.mu.Lock()
	if len(log.tasks) > 0 {
		m.mu.Unlock()
		defer log.leave(m) // also when a closure ends the goroutine
		log.work(m)
		return
	}
	if len(log.entries) == 0 && log.users == 0 && m.closures[log.key] == log {
		delete(m.closures, log.key)
		if len(m.closures) == 0 && m.mostClosures > 1024 {
			m.closures, m.mostClosures = make(map[entityKey]*closureLog), 0 // a map keeps the memory of a burst
		}
	}
	<-log.turn
	m.unlock()
}

// work carries out the tasks. The caller has the turn.
func (log *closureLog) work(m *Manager) {
	done := false
	defer func() {
		if !done { // a closure has ended the goroutine
			log.work(m)
		}
	}()
	for {
		log.rewind(m)
		if len(log.doing) == 0 && !log.take(m) {
			break
		}
		t := log.doing[0]
		log.doing = log.doing[1:]
		switch {
		case t.rewind != nil:
			gone := make(map[*Handle]bool, len(t.rewind))
			for _, v := range t.rewind {
				gone[handleOf(v.Op)] = true
			}
			log.plan(gone, nil)
		case t.adopt != nil:
			h, state := t.adopt, t.state
			m.mu.Lock()
			if !h.ended {
				h.server = state
			}
			m.mu.Unlock()
			typ := typeOf(&h.op)
			apply := typ.again
			if typ.adopt != nil {
				apply = func() func() { return typ.adopt(h, state) }
			}
			log.plan(map[*Handle]bool{h: true}, &closureEntry{owner: h, settled: true, apply: apply, wants: state})
		case t.settled != nil:
			log.settle(m, t)
		}
	}
	done = true
}

// take notes that the tasks taken before are done, and takes those that have come. It
// reports whether there are any.
func (log *closureLog) take(m *Manager) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tasksDoneLocked(log.taken)
	log.doing, log.tasks = log.tasks, nil
	log.taken = len(log.doing)
	return log.taken > 0
}

// plan has everything undone from the first entry of the gone on, and what survives
// applied again. instead, if not nil, takes the place of the first of the gone.
func (log *closureLog) plan(gone map[*Handle]bool, instead *closureEntry) {
	first := len(log.entries)
	for i, e := range log.entries {
		// What was taken back is gone; its late answer goes under what came later.
		if gone[e.owner] && !e.settled || instead != nil && e.owner.op.Pos() > instead.owner.op.Pos() {
			first = i
			break
		}
	}
	undone := slices.Clone(log.entries[first:])
	survivors := make([]closureEntry, 0, len(undone)+1)
	if instead != nil {
		survivors = append(survivors, *instead)
	}
	last := make(map[*Handle]int) // an operation is applied once, as its latest entry
	for i, e := range undone {
		last[e.owner] = i
	}
	for i, e := range undone {
		if gone[e.owner] && !e.settled || last[e.owner] != i {
			continue
		}
		survivors = append(survivors, e)
	}
	clear(log.entries[first:])
	log.entries, log.undoing, log.again = log.entries[:first], undone, survivors
}

// rewind carries out what is planned: it undoes, last first, and applies again, in
// order. An operation that cannot be applied again is rolled back.
func (log *closureLog) rewind(m *Manager) {
	for n := len(log.undoing) - 1; n >= 0; n-- {
		rollback, whose := log.undoing[n].rollback, log.undoing[n].owner.label()
		log.undoing = log.undoing[:n]
		if rollback != nil {
			log.contain(m, whose, "rollback", rollback)
		}
	}
	for len(log.again) > 0 {
		e := log.again[0]
		e.rollback = nil
		log.again = log.again[1:]
		log.entries = append(log.entries, e)
		last := len(log.entries) - 1
		applied := &log.entries[last]
		if err := log.contain(m, e.owner.label(), "apply", func() { applied.rollback = e.apply() }); err != nil && !applied.settled {
			log.entries = log.entries[:last]
			m.mu.Lock()
			m.stepLocked(time.Now(), engine.Cancel{Op: &e.owner.op, Err: err}) // gives this log a task
			m.mu.Unlock()
		}
	}
	log.undoing, log.again = nil, nil
	log.trim()
}

func (log *closureLog) contain(m *Manager, whose *label, in string, f func()) error {
	log.begins(whose)
	return m.contained(Event{Entity: log.key.name()}, in, f)
}

// settle ends a handle whose closures need nothing more: what it superseded or was
// confirmed passes on, the state stays.
func (log *closureLog) settle(m *Manager, t closureTask) {
	h := t.settled
	m.mu.Lock()
	var heir *Handle
	if s := h.op.Successor(); s != nil {
		heir = handleOf(s)
	}
	m.mu.Unlock()
	for i := 0; i < len(log.entries); i++ {
		e := &log.entries[i]
		switch {
		case e.owner != h:
		case heir != nil:
			e.owner = heir
		default:
			e.settled = true
			if j := log.undoneBy(i); j >= 0 {
				log.entries = slices.Delete(log.entries, i, i+1)
				log.entries = slices.Delete(log.entries, j, j+1)
				i -= 2
			}
		}
	}
	log.trim()
	log.bound(m.opts.MaxPerEntity)
	m.mu.Lock()
	m.completeLocked(h, t.silent || t.life != m.life)
	m.mu.Unlock()
}

// trim forgets settled entries before which nothing can be undone any more.
func (log *closureLog) trim() {
	n := 0
	for n < len(log.entries) && log.entries[n].settled {
		n++
	}
	if n > 0 {
		clear(log.entries[:n])
		log.entries = log.entries[n:]
	}
}

// undoneBy finds the entry before i that i brings to naught, so that both can be
// forgotten: without them the slot holds the same. It is -1 when there is none.
func (log *closureLog) undoneBy(i int) int {
	j := log.before(i)
	if j < 0 || !log.entries[j].settled {
		return -1
	}
	without := log.entries[j].was
	if k := log.before(j); k >= 0 {
		if without = log.entries[k].wants; !log.entries[k].settled {
			return -1 // it may be taken back yet
		}
	}
	if without == nil || without != log.entries[i].wants {
		return -1
	}
	return j
}

// before finds the latest entry before i of the same slot, or -1.
func (log *closureLog) before(i int) int {
	o := &log.entries[i].owner.op
	if o.Slot == "" {
		return -1
	}
	for i--; i >= 0; i-- {
		if other := &log.entries[i].owner.op; other.Slot == o.Slot && other.Type.Family == o.Type.Family {
			return i
		}
	}
	return -1
}

// bound forgets the oldest settled entries when there are more than most.
func (log *closureLog) bound(most int) {
	settled := 0
	for i := range log.entries {
		if log.entries[i].settled {
			settled++
		}
	}
	if settled <= most {
		return
	}
	log.entries = slices.DeleteFunc(log.entries, func(e closureEntry) bool {
		old := e.settled && settled > most
		if old {
			settled--
		}
		return old
	})
}
