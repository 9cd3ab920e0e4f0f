package engine

import (
	"cmp"

	"github.com/optimist-go/optimist/reason"
)

// Reason is why an unsettled operation has not gone further: a reason.Reason whose operation and
// entity are not named yet.
type Reason struct {
	Kind    reason.Kind
	Op      *Op     // that Kind speaks of, perhaps itself; nil: none
	Entity  *Entity // whose truth is awaited
	Due     Time    // when the wait ends by itself; 0: no time is set
	Version uint64  // of the truth that is awaited; 0: none is known
}

// Why tells the reason for which an operation has not gone further, as it stood after the
// last Step.
func (e *Engine) Why(o *Op) Reason {
	switch {
	case o.state == Fresh || o.state == Ended:
		return Reason{}
	case o.Type.Aside:
		return Reason{Kind: reason.Quarantine}
	case e.gate.shut: // operations of an earlier life are still coming, or nothing leaves any more
		return Reason{Kind: reason.Opening}
	}
	switch o.state {
	case Parked:
		return Reason{Kind: reason.Decision, Op: o}
	case InFlight:
		return Reason{Kind: reason.Answer}
	case Acked:
		return o.whyAcked()
	}
	for _, why := range [...]func(*Engine, *Op) Reason{whyDisk, whyHeld, whyCreation, whyDependency, whyLane, whyTime, whyGate} {
		if r := why(e, o); r.Kind != reason.None {
			return r
		}
	}
	return Reason{}
}

// whyAcked is the reason of an operation that the server has.
func (o *Op) whyAcked() Reason {
	ent := o.part.entity
	r := Reason{Kind: reason.Truth, Entity: ent, Version: o.ext.version}
	if o.ext.guess && o.due != Never && !o.ext.rereading {
		r.Due = o.due
	}
	if _, shown := ent.View(); shown == NotLoaded && !o.Type.Closure {
		r.Kind = reason.Loading
	}
	return r
}

func whyDisk(e *Engine, o *Op) Reason {
	switch {
	case o.Type.Stored && o.journal != journaled:
		return Reason{Kind: reason.Disk}
	case o.ext != nil && o.ext.unmarked && o.due > e.now:
		return Reason{Kind: reason.Disk, Due: o.due}
	}
	return Reason{}
}

// whyHeld looks for the parked operation for whose sake it is held. The creation on which it stands,
// and its dependencies, have reasons of their own.
func whyHeld(e *Engine, o *Op) Reason {
	q := e.heldBehind(o)
	if q == nil {
		return Reason{}
	}
	for q.state != Parked { // it is held itself
		next := cmp.Or(e.heldBehind(q), q.heldWith())
		if next == nil {
			break
		}
		q = next
	}
	return Reason{Kind: reason.Decision, Op: q}
}

// heldWith is a creation or a dependency of the operation that is parked or held, or nil.
func (o *Op) heldWith() (found *Op) {
	o.parts(func(p *part) {
		if found == nil && p.creationWaits() {
			found = p.creation().op
		}
	})
	for _, d := range o.Deps() {
		if found == nil && d.waitsForAPerson() {
			found = d
		}
	}
	return found
}

func (o *Op) waitsForAPerson() bool { return o.state == Parked || o.held != notHeld }

// heldBehind is the nearest operation that o must not overtake, and that waits for a person; nil:
// there is none.
func (e *Engine) heldBehind(o *Op) (found *Op) {
	o.parts(func(p *part) {
		if found != nil || p.entity.parked+p.entity.held == 0 {
			return
		}
		for q := p.holder(); q != nil; q = q.prev {
			if q.holds(p) {
				found = q.op
				return
			}
		}
	})
	return found
}

func whyCreation(_ *Engine, o *Op) (r Reason) {
	o.parts(func(p *part) {
		if c := p.creation(); c != nil && r.Op == nil && !(c.op.state == Parked && p.passes(c)) {
			r = Reason{Kind: reason.Creation, Op: c.op}
		}
	})
	return r
}

func whyDependency(_ *Engine, o *Op) Reason {
	for _, d := range o.Deps() {
		if d.state != Acked && d.state != Ended {
			return Reason{Kind: reason.Dependency, Op: d}
		}
	}
	return Reason{}
}

func whyLane(e *Engine, o *Op) (r Reason) {
	o.parts(func(p *part) {
		l := p.entity.lane
		switch {
		case r.Op != nil:
		case l.flight != nil && l.flight != o:
			r = Reason{Kind: reason.Lane, Op: l.flight}
		case l.first != nil && l.first.op != o:
			r = Reason{Kind: reason.Lane, Op: l.first.op}
		case e.apart > 0 && p.entity.callingApart() != nil:
			r = Reason{Kind: reason.Lane, Op: p.entity.callingApart()}
		}
	})
	return r
}

func whyTime(e *Engine, o *Op) Reason {
	asked := e.gate.askedFor(o)
	switch {
	case o.due > e.now && !o.left && asked <= o.due:
		return Reason{Kind: reason.Debounce, Due: o.due}
	case max(o.due, asked) > e.now:
		return Reason{Kind: reason.Retry, Due: max(o.due, asked)}
	}
	return Reason{}
}

func whyGate(e *Engine, o *Op) Reason {
	switch g := &e.gate; {
	case !g.online:
		return Reason{Kind: reason.Network}
	case g.probing && g.probe != nil:
		return Reason{Kind: reason.Probe, Op: g.probe}
	case g.probing && g.until > e.now:
		return Reason{Kind: reason.Probe, Due: g.until}
	case g.unauthenticated:
		return Reason{Kind: reason.Authentication}
	case e.inFlight >= e.cfg.MaxInFlight:
		return Reason{Kind: reason.Cap}
	}
	return Reason{}
}
