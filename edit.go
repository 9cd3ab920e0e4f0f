package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Edit replaces a parked operation of this type by one with other arguments, at its
// place and with a key of its own. The old handle ends as Superseded. An operation
// whose outcome is unknown cannot be edited: ErrUnknownOutcome.
func (a *Action[T, A]) Edit(parked *Handle, args A) (*Handle, error) {
	if a.err != nil {
		return nil, a.err
	}
	if parked == nil || parked.m != a.store.m || typeOf(&parked.op) != &a.typ {
		return nil, errorf.New("%w: Edit needs a handle of an operation of type %q", ErrInvalid, a.def.Type)
	}
	args, err := captured(a.clone, args)
	if err != nil {
		return nil, a.typ.refused(parked.op.Entity().ID(), err)
	}
	h := newTyped(parked.m, &a.typ, args)
	if err := h.replace(parked); err != nil {
		return nil, err
	}
	return h, nil
}

// replace has a new operation take the place of a parked one.
func (h *Handle) replace(parked *Handle) error {
	m, typ := h.m, typeOf(&h.op)
	id := parked.op.Entity().ID()
	if _, err := typ.prepare(&h.op); err != nil {
		return typ.refused(id, err)
	}
	if err := m.lock(); err != nil {
		return typ.refused(id, err)
	}
	if err := m.acceptingLocked(nil); err != nil {
		m.mu.Unlock()
		return typ.refused(id, err)
	}
	now := time.Now()
	h.op.Timestamp = engine.Timestamp(m.clock.next(now))
	err := m.stepLocked(now, &engine.Decide{Op: &parked.op, Edit: &h.op})
	m.unlock()
	if err != nil {
		return typ.refused(id, applyErr(err))
	}
	return nil
}
