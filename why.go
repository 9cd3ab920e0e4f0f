package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/reason"
)

// reasonLocked is the reason of an operation as the engine knows it. Two reasons are the
// shell's to find out: the manager has stopped, and an attempt waits for the disk.
func (m *Manager) reasonLocked(o *engine.Op, now time.Time) reason.Reason {
	why := m.engine.Why(o)
	switch {
	case why.Kind == reason.None, why.Kind == reason.Quarantine:
		return reason.Reason{Kind: why.Kind}
	case m.lost != nil:
		return reason.Reason{Kind: reason.Opening}
	case why.Kind == reason.Answer && m.marksLocked(o):
		return reason.Reason{Kind: reason.Disk}
	}
	r := reason.Reason{Kind: why.Kind, Version: why.Version}
	if why.Due != 0 && why.Due != engine.Never {
		r.Due = max(time.Duration(why.Due-m.now(now)), 0)
	}
	switch {
	case why.Op != nil && why.Op != o:
		r.Operation, r.Entity = why.Op.ID(m.engine), why.Op.Entity().FullName()
	case why.Entity != nil:
		r.Entity = why.Entity.FullName()
	}
	return r
}

// marksLocked reports whether the attempt of an operation waits until the journal knows of
// it.
func (m *Manager) marksLocked(o *engine.Op) bool {
	if m.disk == nil || !o.Type.Stored {
		return false
	}
	for _, f := range m.courier.Flying() {
		if &f.h.op == o {
			began, _ := f.ctx.Times()
			return began == 0
		}
	}
	return false
}
