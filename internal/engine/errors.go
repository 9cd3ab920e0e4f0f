package engine

import (
	"errors"

	"github.com/optimist-go/optimist/internal/errorf"
)

// Reasons for which an input is refused or an operation ends. They are the errors of the
// public package under the same names, which documents them.
var (
	ErrInvalid        = errors.New("optimist: invalid")
	ErrQueueFull      = errors.New("optimist: too many unsettled operations")
	ErrAbsent         = errors.New("optimist: entity does not exist")
	ErrGuard          = errors.New("optimist: precondition does not hold")
	ErrDependency     = errors.New("optimist: an operation on which this one depends failed")
	ErrSettled        = errors.New("optimist: operation is settled")
	ErrNotParked      = errors.New("optimist: operation is not parked")
	ErrUnknownOutcome = errors.New("optimist: outcome is unknown")
	ErrGap            = errors.New("optimist: the truth held is not the one that this piece follows")
	ErrDeadline       = errors.New("optimist: deadline has passed")
	ErrChangedSince   = errors.New("optimist: the operation's slot was changed since")
	ErrNoServerID     = errors.New("optimist: the server has told no id of what it made")
)

// Two reasons why an input is ErrInvalid.
var (
	ErrGroupTooWide = errorf.New("%w: a group has at most 200 entities, each once", ErrInvalid)
	ErrUnstored     = errorf.New("%w: a stored operation cannot depend on one that is not stored", ErrInvalid)
)

// dependencyErr says on which operation another one depends, and why that one failed, if it
// did. It does not wrap why: that an outcome is unknown, say, is true of one of them only.
func (e *Engine) dependencyErr(on *Op, why error) error {
	err := errorf.New("%w: %s of %s (%s)", ErrDependency, on.Type.Name, on.part.entity.FullName(), on.ID(e))
	if why != nil {
		err = errorf.New("%w: %v", err, why)
	}
	return err
}

// PanicError is a panic in a function of the program, contained.
type PanicError struct{ Value any }

func (p *PanicError) Error() string { return errorf.Text("panic: %v", p.Value) }
