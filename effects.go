package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// carryOutLocked carries out an effect, as far as the lock is needed, and
// tells those who listen.
func (m *Manager) carryOutLocked(f *engine.Effect, now time.Time) {
	switch f.Kind {
	case engine.Send:
		m.launchLocked(f)
	case engine.Abort:
		m.abortLocked(handleOf(f.Op))
	case engine.Persist:
		if m.disk != nil {
			m.journalLocked(f.Op, !f.Rewrite)
		}
	case engine.Rewind:
		m.closures.rewindLocked(f.Entity, f.Victims)
	case engine.Adopt:
		m.closures.adoptLocked(f.Op, f.Value)
	case engine.OpSettled:
		m.settledLocked(f)
	case engine.EraBegan:
		if m.disk != nil {
			m.disk.out.SetEra(m.engine.Era())
		}
	case engine.TruthUnsure, engine.Reread:
		m.askLocked(f.Entity, f.Kind == engine.Reread && f.Op == nil, false, now)
	case engine.RereadSettled:
		m.askLocked(f.Entity, false, true, now)
	case engine.EntityNamed:
		m.journalNameLocked(f.Value.(*engine.Name))
	case engine.NameForgotten:
		if m.disk != nil {
			m.disk.out.ForgetName(f.Value.(*engine.Name).Seq)
		}
	case engine.EntitiesUnited:
		wakeLocked(f.Value.(*engine.Entity)) // its watchers look, and find of which entity it is a part
	case engine.OpAcknowledged:
		handleOf(f.Op).movedLocked()
		if ent := f.Op.Entity(); ent.Awaited() {
			m.askLocked(ent, true, false, now)
		}
	case engine.OpParked:
		handleOf(f.Op).movedLocked()
	}
	if m.audience.Subscribed() {
		m.tellLocked(f, now)
	}
	if m.audience.Watched() {
		f.About(wakeLocked)
	}
}

// settledLocked ends a handle; that of a closure only when the state outside has
// been brought along.
func (m *Manager) settledLocked(f *engine.Effect) {
	o := f.Op
	h := handleOf(o)
	if f.Err != nil {
		err := publicErr(f.Err)
		if o.UnknownOutcome() {
			err = unknownOutcome(err)
		}
		h.moreLocked().err = &OpError{
			ID: o.ID(m.engine), Type: o.Type.Name, Entity: o.Entity().FullName(), Calls: o.Calls(), Err: err,
		}
	}
	if m.disk != nil && o.Persisted() {
		m.endJournaledLocked(o)
	}
	if o.Type.Closure {
		if typeOf(o).adopt != nil && f.Outcome == engine.Confirmed && o.Calls() > 0 {
			h.server = o.Args // unless a task that adopts another state comes first
		}
		m.closures.Settle(o, m.callbacks.muted)
		h.movedLocked() // who waits for it waits for closures now
		return
	}
	h.server = f.Value
	m.completeLocked(h, m.callbacks.muted)
}

// completeLocked makes the end of an operation known.
func (m *Manager) completeLocked(h *Handle, silent bool) {
	h.ended = true
	h.movedLocked()
	typ := typeOf(&h.op)
	var settled []func(*Handle, Result)
	if typ.settled != nil {
		settled = append(settled, typ.settled)
	}
	if h.more != nil {
		settled = append(settled, h.more.callbacks...)
		h.more.callbacks = nil
		if h.more.done != nil {
			close(h.more.done)
		}
	}
	if silent || len(settled) == 0 {
		return
	}
	r := h.resultLocked()
	all := make([]func(), len(settled))
	for i, f := range settled {
		all[i] = func() { f(h, r) }
	}
	m.callBackLocked(&h.op, all)
}
