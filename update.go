package optimist

import (
	"context"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/policy"
	"github.com/optimist-go/optimist/internal/replay"
)

// Update is a change to state that lives outside of the manager, as closures. For
// state that the manager can hold, Register is the better door: its operations are
// data, so they rebase exactly and survive a restart.
type Update struct {
	Type   string // such as "like"; required
	Entity string // such as "post:42"; required
	User   string
	// Slot is the piece of the entity that the update writes. A newer update of the same
	// slot replaces one that has not left, also when their types differ: that is how
	// "unlike" finds "like". So name the piece, not only whose it is: "like/u7" for those
	// two and "save/u7" for "save" and "unsave". With "u7" for all four, saving a post
	// would take back a like that has not left. (ToggleUpdate names its own: type and
	// user.) Empty: a slot of its own, so that every update is sent.
	Slot string
	// Want is the state that the update wants of its slot. An update joins an
	// unsettled one of its slot that has the same Type and Want. Nil: never. It must
	// be comparable.
	Want any

	// Apply makes the change, now, and returns how to undo it (nil: nothing to undo).
	// It must make sure of a state rather than step towards it, for it is undone and
	// applied again when an earlier update of the entity is rolled back; when it panics
	// then, the update is rolled back as well. It must not execute or undo something of
	// the same entity, nor may closures of two entities execute in each other: such a
	// call waits for itself, and returns ErrStuck after five seconds.
	Apply func() (rollback func())
	// Send tells the server. It must return when ctx ends. CallFrom(ctx) tells the
	// idempotency key, and takes reports of progress. How it fails: see Mutation.Send.
	Send func(ctx context.Context) error

	// At most one of OnSuccess and OnError runs, once, after the operation has
	// been confirmed or rolled back. They may call the manager, but not
	// Flush or Close, which wait for them.
	OnSuccess func(Result)
	OnError   func(Result)

	Policy Policy
}

// ToggleUpdate switches a state that lives outside of the manager.
type ToggleUpdate struct {
	Type   string // of switching on, such as "like"; switching off is "unlike"; required
	Entity string // required
	User   string

	// Current is the state on the screen.
	Current func() bool
	// Apply brings the screen to a state and returns how to undo that.
	Apply func(on bool) (rollback func())
	// Send tells the server the wanted state, never "toggle", and returns the state
	// that the server now has. CallFrom(ctx) tells the idempotency key.
	Send func(ctx context.Context, on bool) (server bool, err error)
	// OnChange runs once when the toggle has settled, with the state that then holds.
	// It does not run for one that was superseded: its successor's does.
	OnChange func(on bool, r Result)

	Policy Policy
}

// Execute applies an update at once and sends it after its debounce. It returns when
// the change is made. With after, the update is sent only when those operations
// have reached the server, and goes with them when one fails.
func (m *Manager) Execute(ctx context.Context, u Update, after ...*Handle) (*Handle, error) {
	c := newClosure("Update", u.Type, u.Entity, u.User, u.Policy)
	c.typ.Family, c.typ.change = "closure", u.Apply
	c.handle.op.Slot, c.handle.op.Args = u.Slot, u.Want
	if u.Send != nil {
		c.typ.send = func(f *flight, _ *engine.Answer) error { return u.Send(&f.ctx) }
	}
	if u.OnSuccess != nil || u.OnError != nil {
		c.typ.settled = func(_ *Handle, r Result) {
			switch {
			case r.Outcome == Confirmed && u.OnSuccess != nil:
				u.OnSuccess(r)
			case r.Outcome == RolledBack && u.OnError != nil:
				u.OnError(r)
			}
		}
	}
	return m.executeClosure(ctx, c, after)
}

// ExecuteToggle switches a state to the opposite of the one on the screen. Any number
// of quick taps end on the last: at most one call for a burst with the default debounce,
// and none when it ends where the server already is.
func (m *Manager) ExecuteToggle(ctx context.Context, u ToggleUpdate) (*Handle, error) {
	return m.tapToggle(ctx, &u, nil)
}

// tapToggle executes a tap on a toggle. undoes is the tap that it takes back, or nil.
func (m *Manager) tapToggle(ctx context.Context, u *ToggleUpdate, undoes *Handle) (*Handle, error) {
	c := newClosure("ToggleUpdate", u.Type, u.Entity, u.User, u.Policy)
	c.typ.Family, c.handle.op.Slot = "toggle", u.Type+"/"+u.User
	c.undoes = undoes
	c.typ.tapBack = func(ctx context.Context, of *Handle) (*Handle, error) { return m.tapToggle(ctx, u, of) }
	if u.Current == nil {
		return nil, c.refused(c.lacks("Current", "nil"))
	}
	var on bool
	c.prepare = func() {
		was := u.Current()
		if on = !was; !on {
			c.typ.Name = "un" + u.Type
		}
		c.was, c.handle.op.Args = was, on
		c.handle.op.SetBase(was)
	}
	if u.Apply != nil {
		c.typ.change = func() func() { return u.Apply(on) }
		c.typ.adopt = func(state any) func() { return u.Apply(state.(bool)) }
	}
	if u.Send != nil {
		c.typ.send = func(f *flight, answer *engine.Answer) error {
			server, err := u.Send(&f.ctx, on)
			answer.Truth = engine.Truth{Presence: engine.Present, Value: server}
			return err
		}
	}
	if u.OnChange != nil {
		c.typ.settled = func(_ *Handle, r Result) {
			switch state, told := Told[bool](r); {
			case r.Outcome == Superseded:
			case r.Outcome == Confirmed && told:
				u.OnChange(state, r)
			case r.Outcome == Confirmed:
				u.OnChange(on, r)
			default:
				u.OnChange(u.Current(), r)
			}
		}
	}
	return m.executeClosure(ctx, c, nil)
}

// closure is one call of the imperative door: an operation with a type of its own.
type closure struct {
	handle Handle
	typ    opType
	door   string // the type of the program's argument
	entity string
	policy *policy.Policy

	// prepare, if not nil, finds out what is wanted. The goroutine has the turn then, so that
	// no other tap comes between, and knows the state that was there before from then on.
	prepare func()
	was     any
	undoes  *Handle // nil: it undoes none
}

func newClosure(door, typ, entity, user string, own Policy) *closure {
	c := &closure{door: door, entity: entity, policy: own.given()}
	t := &c.typ
	t.Name, t.Closure, t.SameArgs, t.Owner, t.label = typ, true, sameWant, t, label{"type", typ}
	if user != "" {
		t.user = func(any) string { return user }
	}
	c.handle.op.Type, c.handle.op.Owner = &t.Type, &c.handle
	return c
}

// check is why the closure cannot work, or nil.
func (c *closure) check() error {
	switch want := c.handle.op.Args; {
	case c.typ.Name == "":
		return c.lacks("Type", "empty")
	case c.entity == "":
		return c.lacks("Entity", "empty")
	case c.typ.change == nil:
		return c.lacks("Apply", "nil")
	case c.typ.send == nil:
		return c.lacks("Send", "nil")
	case want != nil && !isComparable(want):
		return errorf.New("%w: %s.Want of type %T is not comparable", ErrInvalid, c.door, want)
	}
	return c.policy.Check()
}

func (c *closure) lacks(field, is string) error {
	return errorf.New("%w: %s.%s is %s", ErrInvalid, c.door, field, is)
}

func (c *closure) refused(err error) error { return refused(c.typ.label.name, c.entity, err) }

func (m *Manager) executeClosure(ctx context.Context, c *closure, after []*Handle) (*Handle, error) {
	h, err := m.runClosure(ctx, c, after)
	if err != nil {
		return nil, c.refused(err)
	}
	return h, nil
}

func (m *Manager) runClosure(ctx context.Context, c *closure, after []*Handle) (*Handle, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	deps, err := opsOf(m, after)
	if err != nil {
		return nil, err
	}
	m.setPolicy(&c.typ, c.policy, c.handle.op.Slot != "")
	c.handle.m = m

	if err := m.open(contextErr(ctx)); err != nil {
		return nil, err
	}
	space, id := m.known.Locate(c.entity)
	all := m.closuresLocked()
	all.executing.Add(1)
	log := all.Join(engine.Key{Space: space, ID: id})
	m.mu.Unlock()
	defer all.executing.Done()
	if err := takeTurn(ctx, log); err != nil {
		all.leaveUnserved(log)
		return nil, err
	}
	defer all.leaveServed(log)
	all.work(log)

	log.Turn.Begin(&c.typ.label)
	if c.prepare != nil {
		if err := contain("current", c.prepare); err != nil {
			return nil, errorf.New("%w: %w", ErrApply, err)
		}
		if err := c.undoes.mayTapBack(c.handle.op.Args); err != nil {
			return nil, err
		}
	}
	in := &engine.Execute{Space: space, Entity: id, Op: &c.handle.op, After: deps}

	if err := m.open(contextErr(ctx)); err != nil {
		return nil, err
	}
	if m.engine.WouldJoin(in) {
		return all.acceptLocked(c, in, log, nil)
	}
	if err := m.engine.Refuses(in); err != nil {
		m.mu.Unlock()
		return nil, publicErr(err)
	}
	m.mu.Unlock()

	entry := &replay.Entry{Op: &c.handle.op, Apply: c.typ.change}
	if c.prepare != nil {
		entry.Was, entry.Wants = c.was, c.handle.op.Args
	}
	log.Turn.Begin(&c.typ.label)
	if err := contain("apply", func() { entry.Rollback = c.typ.change() }); err != nil {
		return nil, errorf.New("%w: %w", ErrApply, err)
	}
	if err := m.open(nil); err != nil {
		all.undo(log, entry.Op, entry.Rollback)
		return nil, err
	}
	return all.acceptLocked(c, in, log, entry)
}

// acceptLocked asks the engine, notes the application, and releases the lock. The caller has
// the turn.
func (all *closures) acceptLocked(c *closure, in *engine.Execute, log *closureLog, entry *replay.Entry) (*Handle, error) {
	m := all.m
	err := m.passLocked(in, &c.handle.op)
	h, joined := c.handle.shared()
	if err == nil && c.undoes != nil {
		c.undoes.op.UndoneWith(&c.handle.op)
		c.undoes = nil
	}
	if settled := c.typ.settled; joined && settled != nil {
		if h.ended {
			r := h.resultLocked()
			m.callBackLocked(&h.op, []func(){func() { settled(h, r) }})
		} else {
			more := h.moreLocked()
			more.callbacks = append(more.callbacks, settled)
		}
	}
	// This goroutine has the turn, so the tasks of this log are its own to do; those of
	// others are done when it has left.
	all.Served(log)
	m.mu.Unlock()

	if entry != nil {
		if err != nil {
			all.undo(log, entry.Op, entry.Rollback)
		} else {
			entry.Op = &h.op
			log.Add(*entry)
		}
	}
	all.work(log)
	if err != nil {
		return nil, publicErr(err)
	}
	return h, nil
}

func sameWant(a, b any) bool { return a != nil && a == b }

func isComparable(v any) (ok bool) {
	defer func() { ok = recover() == nil }()
	_ = v == v
	return
}
