package optimist

import (
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Edit replaces a parked operation of this type by one with other arguments, at its
// place and with a key of its own. The old handle ends as Superseded. An operation
// whose outcome is unknown cannot be edited, nor a creation that the server has accepted
// without an id (ErrNoServerID): ErrUnknownOutcome.
func (a *Action[T, A]) Edit(parked *Handle, args A) (*Handle, error) {
	if a.err != nil {
		return nil, a.err
	}
	if parked.empty() || parked.m != a.m || typeOf(&parked.op) != &a.typ {
		return nil, errorf.New("%w: Edit needs a handle of an operation of type %q", ErrInvalid, a.def.Type)
	}
	args, err := captured(a.clone, args)
	if err != nil {
		return nil, refused(a.typ.Name, parked.Entity(), err)
	}
	h := newTyped(parked.m, &a.typ, args)
	if err := h.replace(parked); err != nil {
		return nil, err
	}
	return h, nil
}

// replace has a new operation take the place of a parked one.
func (h *Handle) replace(parked *Handle) error {
	typ, entity := typeOf(&h.op), parked.Entity()
	if _, err := typ.prepare(&h.op); err != nil {
		return refused(typ.Name, entity, err)
	}
	err := h.m.accept(nil, nil, func() error {
		return h.m.passLocked(&engine.Decide{Op: &parked.op, Edit: &h.op}, &h.op)
	})
	if err != nil {
		return refused(typ.Name, entity, err)
	}
	return nil
}
