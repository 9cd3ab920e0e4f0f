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
	if a.err == nil && (parked.empty() || parked.m != a.m || typeOf(&parked.op) != &a.typ) {
		return nil, errorf.New("%w: Edit needs a handle of an operation of type %q", ErrInvalid, a.def.Type)
	}
	var id string
	if a.err == nil {
		if err := a.m.lock(); err != nil {
			return nil, refused(a.typ.Name, "", err)
		}
		id = parked.op.Entity().ID()
		a.m.mu.Unlock()
	}
	var p Planned
	a.plan(&p, id, args, nil)
	return p.replace(parked)
}

// replace has the operation take the place of a parked one.
func (p *Planned) replace(parked *Handle) (*Handle, error) {
	if p.err != nil {
		return nil, p.refused(p.err)
	}
	h := p.handle
	err := h.m.accept(nil, nil, func() error {
		return h.m.passLocked(&engine.Decide{Op: &parked.op, Edit: &h.op}, &h.op)
	})
	if err != nil {
		return nil, p.refused(err)
	}
	return h, nil
}
