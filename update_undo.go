package optimist

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// errTapBack says that a tap on a ToggleUpdate is undone by another one, which is still to be
// made, or which another call of Undo has just made.
var errTapBack = errors.New("optimist: undone by another tap")

// undoToggle undoes the tap of a ToggleUpdate. Its inverse is a tap on the same toggle, which
// coalesces as any other, so that it needs no dependency: of a tap that failed it is net zero,
// and where the server may have it nevertheless, the slot is in doubt and the inverse is sent.
func (h *Handle) undoToggle(ctx context.Context) (*Handle, error) {
	for {
		var by *Handle
		var name string
		in := engine.Undo{Op: &h.op}
		err := h.m.accept(contextErr(ctx), func() error {
			name = h.op.Type.Name
			if by = h.undoneByLocked(); by != nil {
				return errTapBack
			}
			// An error says that it has ended: of closures the engine remembers no more.
			if u, err := h.m.engine.Undoing(&h.op); err != nil || u.Way == engine.Invert {
				return errTapBack
			}
			return nil
		}, func() error { return h.m.passLocked(&in) })
		switch {
		case err == nil: // it is taken out, or came to nothing before
			return h, nil
		case by != nil:
			return by, nil
		case err != errTapBack:
			return nil, refused(name, h.Entity(), errorf.New("undo: %w", err))
		}
		if by, err = typeOf(&h.op).tapBack(ctx, h); !errors.Is(err, errTapBack) {
			return by, err
		}
	}
}

// mayTapBack reports why a tap that leads to a state cannot undo h. A nil h is no tap that is
// to be undone.
func (h *Handle) mayTapBack(to any) error {
	if h == nil {
		return nil
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	switch {
	case h.undoneByLocked() != nil:
		return errTapBack
	case h.op.Args == to:
		return errorf.New("undo: %w", ErrChangedSince)
	}
	return nil
}

// undoneByLocked is the tap that took this one back. One that came to nothing has not, nor
// has one that was undone itself.
func (h *Handle) undoneByLocked() *Handle {
	if h.more == nil || h.more.undoneBy == nil {
		return nil
	}
	by := h.more.undoneBy
	if o := by.op.Outcome(); o == engine.RolledBack || o == engine.Cancelled || by.undoneByLocked() != nil {
		return nil
	}
	return by
}
