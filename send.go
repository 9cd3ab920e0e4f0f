package optimist

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/deadline"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/hlc"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/internal/policy"
	"github.com/optimist-go/optimist/internal/stuck"
)

// opType is a type of operation as the manager knows it.
type opType struct {
	engine.Type
	label  label
	space  *engine.Space   // of its store; nil for groups and closures
	limits deadline.Limits // of one attempt; Until is not set
	next   func(n int, err error) (time.Duration, bool)
	// send makes one attempt, and sets the truths of its answer. It is called without any lock.
	send func(*flight, *engine.Answer) error
	// settled runs the program's callbacks; nil without any.
	settled func(*Handle, Result)
	slot    func(args any) string // nil: a slot of their own
	user    func(args any) string // nil: operations have none
	// change makes the change of a closure, also once more; adopt brings the state of a toggle
	// to the server's.
	change func() (rollback func())
	adopt  func(state any) (rollback func())
	codec  outbox.Codec                          // how operations of this type are journaled
	parts  func(args any) ([]engine.Part, error) // of a group
	// adoptArgs makes a handle for arguments that the codec has decoded.
	adoptArgs func(m *Manager, args any) *Handle
	// undo plans the inverse of an operation; nil: the type cannot be undone.
	undo func(o *engine.Op, before any, presence engine.Presence) Planned
	// tapBack is a tap on the toggle of a ToggleUpdate that undoes another one; nil: it is none.
	tapBack func(ctx context.Context, of *Handle) (*Handle, error)
}

// setPolicy has operations of a type sent as given says, and where it does not, as the manager's
// policy does.
func (m *Manager) setPolicy(t *opType, given *policy.Policy, slotted bool) {
	all := given.Over(&m.policy, slotted)
	all.Apply(&t.Type)
	t.limits, t.next = deadline.Limits{Timeout: all.Retry.Timeout, Longest: all.Retry.MaxTimeout}, all.Retry.Next
}

func typeOf(o *engine.Op) *opType { return o.Type.Owner.(*opType) }

// launchLocked queues an attempt and makes sure that a worker will take it.
func (m *Manager) launchLocked(f *engine.Effect) {
	base, _, version := f.Op.Entity().Truth()
	if f.Op.Group() {
		base = nil
	}
	entity, refs := namesFor(f.Op)
	flown := &flight{
		h: handleOf(f.Op), typ: typeOf(f.Op), n: f.Calls, counted: f.Op.Attempts(),
		space: f.Op.Entity().Space(), entity: entity, refs: refs, base: base, version: version, restored: f.Op.RestoredID(),
	}
	limits := flown.typ.limits
	limits.Until = f.Op.Deadline()
	flown.ctx = deadline.New(flown, m.epoch, limits)
	if m.courier.Add(flown) {
		go m.worker()
	}
}

// worker makes attempts until there is none. The engine never lets more of them fly at
// once than may; a worker more there is only while another is in the program's closures.
type worker struct {
	m      *Manager
	f      *flight       // under way
	answer engine.Answer // to it, as far as it is known
	landed bool          // this worker has to give the engine the answers in the inbox
}

func (m *Manager) worker() { foreign.Loop((&worker{m: m}).step) }

// step makes one attempt, or goes on with one whose Send ended the goroutine.
func (w *worker) step() (more bool) {
	switch m := w.m; {
	case w.f == nil:
		m.mu.Lock()
		if w.landed {
			w.landed = false
			m.landLocked(m.inbox.Take())
		}
		if w.f, more = m.courier.Take(); !more {
			m.courier.Quit()
			m.mu.Unlock()
			return false
		}
		now := time.Now()
		m.departLocked(w.f, now)
		m.mu.Unlock()
		w.answer = engine.Answer{Op: &w.f.h.op, Left: hlc.At(now), NotSent: w.f.dropped}
		if !w.f.dropped {
			m.try(w.f, now, &w.answer)
		}
	case !w.f.dropped && !w.f.judged:
		m.failed(w.f, &w.answer, guess(&w.f.ctx), errSendGone)
	}
	w.landed = w.m.handIn(w.f, w.answer)
	w.f = nil
	return w.landed // else the worker that hands in the answer before it counts this one out
}

// departLocked sets for how long the operation is in doubt, and when somebody is told that the
// call still runs.
func (m *Manager) departLocked(f *flight, now time.Time) {
	if since := f.h.op.InDoubtSince(); since != 0 {
		f.inDoubt = m.clock.Age(since, now)
	}
	f.late = f.ctx.Depart(m.now(now), patience)
	if m.audience.Subscribed() {
		m.armLocked(now)
	}
}

// handIn reports whether the caller has to give the engine the answers in the inbox.
func (m *Manager) handIn(f *flight, answer engine.Answer) bool {
	f.ctx.End(context.Canceled)
	return m.inbox.Put(landing{f, answer, time.Now()})
}

// landing is a flight that has ended, and its answer.
type landing struct {
	f      *flight
	answer engine.Answer
	at     time.Time
}

// landLocked gives answers to the engine. The worker that calls it goes on; the
// others have ended. It may release the lock and take it again.
func (m *Manager) landLocked(all []landing) {
	m.courier.HandIn(len(all))
	for i := range all {
		l := &all[i]
		m.courier.Land(l.f)
		l.answer.Ignore = l.answer.Ignore || l.f.disowned
		l.answer.Rand = rand.Uint64()
		m.observeLocked(&l.answer.Truth, l.at)
		for i := range l.answer.More {
			m.observeLocked(&l.answer.More[i].Truth, l.at)
		}
		m.stepLocked(l.at, &l.answer)
	}
	clear(all) // it is scratch, and must not hold the answers
	m.courier.HandedIn()
	if ready, slow := m.rewindsLocked(); ready {
		if slow && len(m.courier.Waiting()) > 0 {
			m.courier.Hire()
			go m.worker() // the program's closures may take long, or wait for queued attempts
		}
		m.unlock()
		m.mu.Lock()
	}
}

// abortLocked ends the call of an operation: its context, or, if no worker has taken
// it yet, the attempt itself.
func (m *Manager) abortLocked(h *Handle) {
	for _, f := range m.courier.Flying() {
		if f.h == h {
			f.ctx.End(context.Canceled)
		}
	}
	for _, f := range m.courier.Waiting() {
		if f.h == h {
			f.dropped = true
		}
	}
}

// abandonLocked ends every call and wants no answer of any.
func (m *Manager) abandonLocked() {
	for _, f := range m.courier.Flying() {
		f.disowned = true
		f.ctx.End(context.Canceled)
	}
	for _, f := range m.courier.Waiting() {
		f.dropped = true
	}
}

// try makes one attempt, which departs now, and says how it ended.
func (m *Manager) try(f *flight, now time.Time, answer *engine.Answer) {
	if m.disk != nil {
		if not := m.mark(&f.h.op); not != nil {
			answer.NotSent, answer.Err, answer.RetryAfter = true, not.err, not.wait
			return
		}
		now = time.Now()
	}
	if answer.Err = f.ctx.Begin(m.now(now)); answer.Err != nil { // it was ended while it waited for the disk
		answer.NotSent = true
		return
	}
	j, err := sendContained(f, answer)
	m.failed(f, answer, j, err)
}

// failed says how an attempt failed, if err is not nil, and asks the program's policy.
func (m *Manager) failed(f *flight, answer *engine.Answer, j judged, err error) {
	f.judged = true
	answer.Class, answer.Err = engine.Class(j.class), err
	answer.Unclassified, answer.Forgotten, answer.RetryAfter = j.unclassified, j.forgotten, engine.Time(j.retryAfter)
	switch j.class {
	case Transient, Overloaded, Unknown:
		if f.typ.next != nil {
			answer.Next = m.overrule(f, err)
		}
	}
}

var errSendGone = &PanicError{In: "send", Value: foreign.ErrEnded}

// sendContained calls the program's Send, and asks its error for its class: both are the
// program's code. A panic says as little about the server as an error that nobody
// classified.
func sendContained(f *flight, answer *engine.Answer) (j judged, err error) {
	in := "send"
	defer func() {
		if v := recover(); v != nil {
			answer.Truth, answer.More = engine.Truth{}, nil
			j, err = guess(&f.ctx), &PanicError{In: in, Value: v}
		}
	}()
	err = f.typ.send(f, answer)
	if in = "the error of send"; err != nil {
		j = classify(&f.ctx, err)
		err = sound("send", err)
	}
	return j, err
}

// overrule asks the program's Retry.Next. When that panics the schedule decides.
func (m *Manager) overrule(f *flight, err error) *engine.Next {
	var wait time.Duration
	var again bool
	told := Event{Entity: f.h.Entity(), ID: f.h.id(f.restored), Type: f.typ.Name}
	if m.contained(told, "retry", func() { wait, again = f.typ.next(f.counted+1, err) }) != nil {
		return nil
	}
	return &engine.Next{Again: again, Wait: engine.Time(max(wait, 0))}
}

// observeLocked lets the clock follow the server's, and reports a timestamp that it does not
// follow.
func (m *Manager) observeLocked(t *engine.Truth, now time.Time) {
	if t.At == 0 {
		return
	}
	if err := m.clock.Observe(t.At, now); err != nil {
		m.publishLocked(Event{Kind: event.ClockDrift, Err: err})
	}
}

// waitForWorkers waits until no call is under way. It gives Send functions a second; for
// closures that a worker runs it waits as long as they take, as Close does anyway, unless
// one of them may be who calls.
func (m *Manager) waitForWorkers(inside bool) error {
	m.mu.Lock()
	left := m.courier.Left()
	closures := m.stuckClosuresLocked(nil)
	m.mu.Unlock()
	return stuck.Await(context.Background(), left, time.Second, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := m.heedlessLocked(); err != nil || !inside {
			return err
		}
		return stuckErr(closures())
	})
}

// heedlessLocked names the calls that go on although Close has ended them.
func (m *Manager) heedlessLocked() (err error) {
	for _, f := range m.courier.Flying() {
		if f.disowned {
			err = errorf.New("%w: send of %s did not heed its context", cmp.Or(err, ErrStuck), f.h.op.Type.Name)
		}
	}
	if m.reader != nil {
		err = errors.Join(err, m.reader.stuckLocked())
	}
	return err
}
