package optimist

import (
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// A program that uses the manager in a way which cannot work is told: by an error where a
// call can return one, and else by an event of kind [event.Misused]. Nothing is looked for when
// nobody listens.

// unseen is the error of an operation that leaves although nobody has said anything of its
// entity.
func unseen(typ, entity string) error {
	return errorf.New("%w: %s of %s is sent and not seen; Receive or Refresh its truth first", ErrNotLoaded, typ, entity)
}

// overdueLocked is when a Send will be long past its time, or Restore, or engine.Never.
func (m *Manager) overdueLocked() engine.Time {
	late := engine.Never
	if m.disk != nil {
		late = m.disk.out.RestoreBy()
	}
	for _, f := range m.courier.Flying() {
		late = min(late, f.late.At())
	}
	return late
}

// tellOverdueLocked tells of each Send that is long past its time, once for each attempt,
// and of Restore.
func (m *Manager) tellOverdueLocked(now time.Time) {
	at := m.now(now)
	if m.disk != nil && m.disk.out.RestoreBy() <= at {
		m.tellUnrestoredLocked()
	}
	for _, f := range m.courier.Flying() {
		if tell, ran, limit := f.late.Look(at); tell {
			m.publishLocked(Event{
				Kind: event.Misused, At: now, Entity: f.h.op.Entity().FullName(), ID: f.h.id(f.restored), Type: f.typ.Name, Calls: f.n,
				Err: errorf.New("%w: send of %s runs since %v, and its time was %v; it must return when its context ends, for its lane waits",
					ErrStuck, f.typ.Name, ran.Round(time.Millisecond), limit.Round(time.Millisecond)),
			})
		}
	}
}

// tellUnrestoredLocked tells, once, that Restore was not called although an operation was
// refused because of that, or operations have waited for it for long.
func (m *Manager) tellUnrestoredLocked() {
	if out := m.disk.out; m.audience.Subscribed() && out.Remind() {
		m.publishLocked(Event{Kind: event.Misused, Err: errorf.New("%w; operations of an earlier life that wait in the journal: %d", errUnrestored, out.Unrestored())})
	}
}

// unnamedLocked is why a full name names no entity, or nil.
func (m *Manager) unnamedLocked(entity string) error {
	return m.known.Misnamed(entity, m.closures != nil)
}

// tellUnnamedLocked tells of a name for a call that cannot return an error, though not
// again and again.
func (m *Manager) tellUnnamedLocked(call, entity string) {
	if !m.audience.Subscribed() {
		return
	}
	if err := m.known.MisnamedAnew(entity, m.closures != nil); err != nil {
		m.publishLocked(Event{Kind: event.Misused, Entity: entity, Err: errorf.New("%s: %w", call, err)})
	}
}
