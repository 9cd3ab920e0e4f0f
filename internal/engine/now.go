package engine

import "github.com/optimist-go/optimist/internal/errorf"

// SendNow ends the debounce, and the wait for a retry, of one operation or of all of an
// entity. What else they wait for, they go on waiting for.
type SendNow struct {
	Op     *Op     // nil: all of Entity that are not parked
	Entity *Entity // without an Op
}

func (in SendNow) step(e *Engine) error { return e.sendNow(in) }

var errParked = errorf.New("%w: the operation is parked, and its Retry sends it", ErrInvalid)

func (e *Engine) sendNow(in SendNow) error {
	if in.Op == nil {
		for o := range in.Entity.Ops {
			e.hasten(o)
		}
		return nil
	}
	switch in.Op.state {
	case Ended:
		return ErrSettled
	case Parked:
		return errParked
	}
	e.hasten(in.Op)
	return nil
}

// hasten ends the waits of an operation for a time, also the wait that the server asked of its
// lanes: a person wants it now.
func (e *Engine) hasten(o *Op) {
	if o.state != Waiting {
		return
	}
	e.gate.unask(o)
	o.due = min(o.due, e.now)
	e.schedule(o)
	e.wakeOp(o)
}
