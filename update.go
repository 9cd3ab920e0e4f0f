package optimist

import (
	"context"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
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
	refuse := func(err error) error { return refused(u.Type, u.Entity, err) }
	switch {
	case u.Type == "":
		return nil, refuse(errorf.New("%w: Update.Type is empty", ErrInvalid))
	case u.Entity == "":
		return nil, refuse(errorf.New("%w: Update.Entity is empty", ErrInvalid))
	case u.Apply == nil:
		return nil, refuse(errorf.New("%w: Update.Apply is nil", ErrInvalid))
	case u.Send == nil:
		return nil, refuse(errorf.New("%w: Update.Send is nil", ErrInvalid))
	case u.Want != nil && !isComparable(u.Want):
		return nil, refuse(errorf.New("%w: Update.Want of type %T is not comparable", ErrInvalid, u.Want))
	}
	c := &closure{typ: opType{label: label{"type", u.Type}}, apply: u.Apply, family: "closure", slot: u.Slot, want: u.Want, user: u.User, policy: u.Policy}
	c.send = func(ctx context.Context) (engine.Truth, error) { return engine.Truth{}, u.Send(ctx) }
	if u.OnSuccess != nil || u.OnError != nil {
		c.settled = func(r Result) {
			switch {
			case r.Outcome == Confirmed && u.OnSuccess != nil:
				u.OnSuccess(r)
			case r.Outcome == RolledBack && u.OnError != nil:
				u.OnError(r)
			}
		}
	}
	h, err := m.executeClosure(ctx, func() string { return u.Type }, u.Entity, c, after)
	if err != nil {
		return nil, refuse(err)
	}
	return h, nil
}

// ExecuteToggle switches a state to the opposite of the one on the screen. Any number
// of quick taps end on the last: at most one call for a burst with the default debounce,
// and none when it ends where the server already is.
func (m *Manager) ExecuteToggle(ctx context.Context, u ToggleUpdate) (*Handle, error) {
	refuse := func(err error) error { return refused(u.Type, u.Entity, err) }
	switch {
	case u.Type == "":
		return nil, refuse(errorf.New("%w: ToggleUpdate.Type is empty", ErrInvalid))
	case u.Entity == "":
		return nil, refuse(errorf.New("%w: ToggleUpdate.Entity is empty", ErrInvalid))
	case u.Current == nil:
		return nil, refuse(errorf.New("%w: ToggleUpdate.Current is nil", ErrInvalid))
	case u.Apply == nil:
		return nil, refuse(errorf.New("%w: ToggleUpdate.Apply is nil", ErrInvalid))
	case u.Send == nil:
		return nil, refuse(errorf.New("%w: ToggleUpdate.Send is nil", ErrInvalid))
	}
	c := &closure{typ: opType{label: label{"type", u.Type}}, family: "toggle", slot: u.Type + "/" + u.User, user: u.User, policy: u.Policy}
	var was, on bool
	c.prepare = func() { // with the turn, so that no other tap comes between
		was = u.Current()
		on = !was
		c.want, c.base = on, was
	}
	c.apply = func() func() { return u.Apply(on) }
	c.adopt = func(state any) func() { return u.Apply(state.(bool)) }
	c.send = func(ctx context.Context) (engine.Truth, error) {
		server, err := u.Send(ctx, on)
		return engine.Truth{Presence: engine.Present, Value: server}, err
	}
	if u.OnChange != nil {
		c.settled = func(r Result) {
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
	name := func() string {
		if on {
			return u.Type
		}
		return "un" + u.Type
	}
	h, err := m.executeClosure(ctx, name, u.Entity, c, nil)
	if err != nil {
		return nil, refuse(err)
	}
	return h, nil
}

// closure is one call of the imperative door.
type closure struct {
	handle Handle
	typ    opType

	prepare func() // nil: nothing to find out
	apply   func() (rollback func())
	adopt   func(state any) (rollback func()) // nil: the server tells no state
	send    func(context.Context) (engine.Truth, error)
	settled func(Result)
	family  string
	slot    string
	want    any
	base    any
	user    string
	policy  Policy
}

// executeClosure asks for the name when it has the turn, for a toggle's depends on the
// state then.
func (m *Manager) executeClosure(ctx context.Context, name func() string, entity string, c *closure, after []*Handle) (*Handle, error) {
	if err := c.policy.validate(); err != nil {
		return nil, err
	}
	deps, err := opsOf(m, after)
	if err != nil {
		return nil, err
	}
	if c.slot == "" && c.policy.Debounce == (Debounce{}) {
		c.policy.Debounce = Debounce{Wait: NoDebounce}
	}

	if err := m.open(contextErr(ctx)); err != nil {
		return nil, err
	}
	space, id := m.known.locate(entity)
	all := m.closuresLocked()
	log := all.joinLocked(entityKey{space, id})
	m.mu.Unlock()
	defer all.executing.Done()
	if err := log.takeTurn(ctx); err != nil {
		all.leaveUnserved(log)
		return nil, err
	}
	defer all.leaveServed(log)
	all.work(log)

	log.turn.begins(&c.typ.label)
	if c.prepare != nil {
		if err := contain("current", c.prepare); err != nil {
			return nil, errorf.New("%w: %w", ErrApply, err)
		}
	}
	in := c.input(m, name(), space, id, deps)

	over := contextErr(ctx)
	m.mu.Lock()
	if err := m.acceptingLocked(over); err != nil {
		m.mu.Unlock()
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

	entry := &replay.Entry{Op: &c.handle.op, Apply: c.apply}
	if c.prepare != nil {
		entry.Was, entry.Wants = c.base, c.want
	}
	log.turn.begins(&c.typ.label)
	if err := contain("apply", func() { entry.Rollback = c.apply() }); err != nil {
		return nil, errorf.New("%w: %w", ErrApply, err)
	}
	m.mu.Lock()
	if err := m.acceptingLocked(nil); err != nil {
		m.mu.Unlock()
		all.undo(log, entry.Op, entry.Rollback)
		return nil, err
	}
	return all.acceptLocked(c, in, log, entry)
}

// input prepares the input of the engine.
func (c *closure) input(m *Manager, name string, space *engine.Space, id string, deps []*engine.Op) *engine.Execute {
	c.typ.Type = engine.Type{Name: name, Family: c.family, Closure: true, SameArgs: sameWant, Owner: &c.typ}
	c.typ.setPolicy(c.policy.withDefaults(m.opts.Policy))
	c.typ.send = func(ctx context.Context, _ *Handle, _ attempt) (engine.Truth, []engine.EntityTruth, error) {
		t, err := c.send(ctx)
		return t, nil, err
	}
	c.typ.reapply = c.apply
	if c.adopt != nil {
		c.typ.adopt = func(_ *Handle, state any) func() { return c.adopt(state) }
	}
	if c.settled != nil {
		c.typ.settled = func(_ *Handle, r Result) { c.settled(r) }
	}
	if c.user != "" {
		c.typ.user = func(any) string { return c.user }
	}
	h := &c.handle
	h.m = m
	h.op = engine.Op{Type: &c.typ.Type, Args: c.want, Slot: c.slot, Owner: h}
	if c.base != nil {
		h.op.SetBase(c.base)
	}
	return &engine.Execute{Space: space, Entity: id, Op: &h.op, After: deps}
}

// acceptClosureLocked asks the engine, notes the application, and releases the lock.
// The caller has the turn.
func (all *closures) acceptLocked(c *closure, in *engine.Execute, log *closureLog, entry *replay.Entry) (*Handle, error) {
	m := all.m
	h := &c.handle
	err := m.passLocked(in, &h.op)
	h, joined := h.shared()
	if joined && c.settled != nil {
		if h.ended {
			r := h.resultLocked()
			m.callBackLocked(&h.op, []func(){func() { c.settled(r) }})
		} else {
			h.moreLocked().callbacks = append(h.moreLocked().callbacks, c.settled)
		}
	}
	// This goroutine has the turn, so the tasks of this log are its own to do; those of
	// others are done when it has left.
	all.ready = slices.DeleteFunc(all.ready, func(other *closureLog) bool { return other == log })
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
