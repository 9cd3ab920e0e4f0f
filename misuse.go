package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// A program that uses the manager in a way which cannot work is told: by an error where a
// call can return one, and else by an event of kind Misused. Nothing is looked for when
// nobody listens.

// unloadedLocked tells of an operation that leaves although nobody has said anything of its
// entity, so that nothing of it is seen: once for each entity, as long as anything is held of
// it. An entity that a creation makes is seen.
func (m *Manager) unloadedLocked(o *engine.Op) {
	if o.Type.Closure {
		return // its state is elsewhere
	}
	for ent := range o.Entities {
		if _, shown := ent.View(); shown != engine.NotLoaded || ent.Warned || o.Creates() {
			continue
		}
		ent.Warned = true
		m.publishLocked(Event{
			Kind: Misused, Entity: fullName(ent), ID: o.ID(m.engine), Type: o.Type.Name, Calls: o.Calls(),
			Err: errorf.New("%w: %s of %s is sent and not seen; Receive or Refresh its truth first", ErrNotLoaded, o.Type.Name, fullName(ent)),
		})
	}
}

// lateLocked is when a Send will be long past its time, or engine.Never.
func (m *Manager) lateLocked() engine.Time {
	late := engine.Never
	for _, f := range m.courier.Flying() {
		late = min(late, f.late)
	}
	return late
}

// tellLateLocked tells of each Send that is long past its time, once for each attempt.
func (m *Manager) tellLateLocked(now time.Time) {
	at := m.now(now)
	for _, f := range m.courier.Flying() {
		if f.late > at {
			continue
		}
		began, deadline := f.times()
		if began == 0 || later(deadline, patience) > at { // its mark is being written, or it got more time
			f.late = later(at, patience)
			continue
		}
		f.late = engine.Never
		m.publishLocked(Event{
			Kind: Misused, At: now, Entity: fullName(f.h.op.Entity()), ID: f.h.id(f.restored), Type: f.typ.Name, Calls: f.n,
			Err: errorf.New("%w: send of %s runs since %v, and its time was %v; it must return when its context ends, for its lane waits",
				ErrStuck, f.typ.Name, time.Duration(at-began).Round(time.Millisecond), time.Duration(deadline-began).Round(time.Millisecond)),
		})
	}
}

// unnamedLocked is why a full name names no entity, or nil.
func (m *Manager) unnamedLocked(entity string) error {
	return m.known.misnamed(entity, m.closures != nil)
}

// tellUnnamedLocked tells of a name for a call that cannot return an error, though not
// again and again.
func (m *Manager) tellUnnamedLocked(call, entity string) {
	if !m.audience.Subscribed() || m.known.unnamed == entity && entity != "" {
		return
	}
	if err := m.unnamedLocked(entity); err != nil {
		m.known.unnamed = entity
		m.publishLocked(Event{Kind: Misused, Entity: entity, Err: errorf.New("%s: %w", call, err)})
	}
}

// noID tells of an empty id for a call that cannot return an error.
func (s *anyStore) noID(call string) {
	s.m.report(Event{Kind: Misused, Err: errorf.New("%w: %s of store %q needs an id", ErrInvalid, call, s.space.Name)})
}
