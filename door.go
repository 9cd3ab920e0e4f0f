package optimist

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// The one door: every operation that a program asks for is accepted here, and every
// refusal gets its name here.

// accept takes the lock, has operations accepted in one step, and releases the lock;
// Handle.shared says which of them joined another. over is contextErr of the call's context.
// prepare, if not nil, is called under the lock, and may ask the program; step makes the step.
// An error means that nothing changed; the caller names the operation that was refused.
func (m *Manager) accept(over error, prepare, step func() error) (err error) {
	if err := m.open(over); err != nil {
		return err
	}
	if prepare != nil {
		foreign.Finish(func() { err = prepare() }, m.mu.Unlock)
		if err != nil {
			m.mu.Unlock()
			return err
		}
	}
	err = step()
	m.unlock()
	if err != nil {
		return applyErr(err)
	}
	return nil
}

// shared is the handle of an operation that was accepted: that of another operation when it
// joined that one.
func (h *Handle) shared() (first *Handle, joined bool) {
	if o := h.op.JoinedTo(); o != nil {
		return handleOf(o), true
	}
	return h, false
}

// executeLocked is the step of a single operation. It uses memory of the Manager.
func (m *Manager) executeLocked(p *Planned) error {
	m.input = p.execute
	if p.encoded != nil {
		m.disk.encoded, m.disk.encodedArgs = p.encoded, p.execute.Op.Args
	}
	err := m.passLocked(&m.input, p.execute.Op)
	if p.encoded != nil {
		m.disk.encoded, m.disk.encodedArgs = nil, nil
	}
	m.input = engine.Execute{}
	return err
}

// open takes the lock for new operations, unless nothing is accepted.
func (m *Manager) open(over error) error {
	if err := m.lock(); err != nil {
		return err
	}
	err := m.acceptingLocked(over)
	if err != nil {
		m.mu.Unlock()
	}
	return err
}

// acceptingLocked reports why nothing is accepted, or nil. over is contextErr of the
// call's context, which is asked before the lock is taken: it may be the program's own.
func (m *Manager) acceptingLocked(over error) error {
	if err := m.pastLocked(closing); err != nil {
		return err
	}
	if m.disk != nil {
		if err := m.refusingLocked(); err != nil {
			return err
		}
	}
	return over
}

// passLocked gives new operations their times and makes the step that accepts them.
func (m *Manager) passLocked(in engine.Input, ops ...*engine.Op) error {
	now := time.Now()
	for _, o := range ops {
		o.Timestamp = m.clock.Next(now)
	}
	return m.stepLocked(now, in)
}

// refused names the operation that was not accepted.
func refused(typ, entity string, err error) error {
	return &OpError{Type: typ, Entity: entity, Err: err}
}

// refused names an operation of the type; id is empty for a group.
func (t *opType) refused(id string, err error) error {
	if t.space != nil {
		id = t.space.Name + ":" + id
	}
	return refused(t.Name, id, err)
}

// applyErr names the reasons that come from the program's own Apply.
func applyErr(err error) error {
	public := publicErr(err)
	for _, known := range []error{
		ErrQueueFull, ErrAbsent, ErrGuard, ErrDependency, ErrSettled, ErrInvalid, ErrApply, ErrNotParked, ErrUnknownOutcome, ErrChangedSince,
	} {
		if errors.Is(public, known) {
			return public
		}
	}
	return errorf.New("%w: %w", ErrApply, public)
}

var errNoContext = errorf.New("%w: the context is nil", ErrInvalid)

// contextErr is why a context is of no use, or nil.
func contextErr(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	return ctx.Err()
}

// opsOf checks handles that a caller passed.
func opsOf(m *Manager, handles []*Handle) ([]*engine.Op, error) {
	ops := make([]*engine.Op, len(handles))
	for i, h := range handles {
		switch {
		case h == nil:
			return nil, errorf.New("%w: handle %d to depend on is nil", ErrInvalid, i)
		case h.m == nil:
			return nil, errorf.New("%w: handle %d to depend on is empty; the call that accepts an operation returns one", ErrInvalid, i)
		case h.m != m:
			return nil, errorf.New("%w: handle %d to depend on is of another manager", ErrInvalid, i)
		case h.aside():
			return nil, errorf.New("%w: handle %d to depend on: %w", ErrInvalid, i, ErrQuarantined)
		}
		ops[i] = &h.op
	}
	return ops, nil
}
