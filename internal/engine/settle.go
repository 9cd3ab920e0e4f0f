package engine

import (
	"slices"

	"github.com/optimist-go/optimist/internal/order"
)

// settle ends an operation that is out of the fold and of its lanes.
func (e *Engine) settle(o *Op, outcome Outcome, err error, successor *Op) {
	if o.state == Parked {
		e.parked--
	}
	if o.state == Acked && o.ext.guess {
		e.guesses--
	}
	o.state, o.outcome = Ended, outcome
	e.timers.remove(o)
	o.successor = successor
	e.pending--
	if o.ext != nil {
		deps, dependents := o.ext.deps, o.ext.dependents
		o.ext.deps, o.ext.dependents, o.ext.leftOn, o.ext.behind, o.ext.failed = nil, nil, nil, nil, nil
		for _, d := range deps {
			if d.ext != nil { // else o has not been accepted
				d.ext.dependents = without(d.ext.dependents, o)
			}
		}
		for _, n := range dependents {
			if outcome == Confirmed { // others take it along, or have another in its place
				n.ext.deps = without(n.ext.deps, o)
			}
			e.wakeOp(n)
		}
	}
	if o.left {
		o.parts(func(p *part) { p.entity.unread = p.entity.space.RereadSettled })
	}
	ent := o.part.entity
	if o.Type.ServerID {
		e.leaveNameless(o, successor)
	}
	var told any
	if ent != nil && ent.touched != 0 && e.touched[ent.touched-1].told && !ent.predicted {
		told = ent.truth
	}
	e.emit(Effect{Kind: OpSettled, Op: o, Successor: successor, Outcome: outcome, Err: err, Value: told})
}

// without forgets one operation. It searches from the end, where o mostly is.
func without(ops []*Op, o *Op) []*Op {
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i] == o {
			ops = slices.Delete(ops, i, i+1)
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return ops
}

// fail is the end of trying: park or roll back.
func (e *Engine) fail(o *Op, err error) {
	if o.Type.Failure == Park && !e.outdated(o) {
		e.park(o, err)
		return
	}
	e.condemn(o, nil, err)
	e.rebase(o)
}

// outdated reports whether a newer operation overrules o in its slot, or removes the
// entity that o makes, so that no person needs to decide about o.
func (e *Engine) outdated(o *Op) bool {
	if o.deletionBehind() {
		return true
	}
	if o.undone() {
		return true
	}
	if o.Slot == "" {
		return false
	}
	for p := o.part.next; p != nil; p = p.next {
		if p.op.sharesSlot(o) {
			m := mergeRule(o, p.op)
			return m.Rule == TakeSecond && !m.Changed
		}
	}
	return false
}

// park keeps an operation in the fold until a person decides.
func (e *Engine) park(o *Op, err error) {
	e.parked++
	e.leaveLanes(o)
	o.state = Parked
	e.suspectBehind(o)
	e.timers.remove(o)
	o.more().err = err
	o.parts(func(p *part) {
		e.touch(p.entity)
		p.entity.parked++
	})
	e.emit(Effect{Kind: OpParked, Op: o, Err: err})
	e.keep(o)
}

// decide carries out a person's decision about a parked operation.
func (e *Engine) decide(in *Decide) error {
	o := in.Op
	switch {
	case o.state == Ended:
		return ErrSettled
	case o.state != Parked:
		return ErrNotParked
	}
	switch {
	case in.Discard:
		e.condemn(o, nil, nil)
		e.refold(o)
		e.bury(o, nil, Cancelled)
	case in.Edit != nil:
		if o.unknown {
			return ErrUnknownOutcome
		}
		if err := in.Edit.fitsInPlaceOf(o); err != nil {
			return err
		}
		if deps := o.Deps(); o.comesAfter() {
			in.Edit.more().deps, in.Edit.more().comesAfter = slices.Clone(deps), true
			for _, d := range deps {
				d.addDependent(in.Edit)
			}
		}
		in.Edit.raiseTimestamp(o.part.entity)
		if o.mayBeDone() {
			e.leaveDoubt(o)
		}
		e.gate.unask(o)
		value, presence := o.part.entity.View()
		e.remember(&before{in.Edit, value, presence, o, false})
		e.takePlace(o, in.Edit)
		e.rebase(in.Edit)
	default:
		e.gate.unask(o)
		e.letGo(o)
		e.unpark(o)
		o.attempts, o.burst = 0, e.now
		o.more().unanswered, o.ext.conflicts = 0, 0
		e.emit(Effect{Kind: OpUnparked, Op: o})
		e.joinLanes(o)
		e.keep(o)
		e.sendAgain(o)
	}
	return nil
}

func (e *Engine) unpark(o *Op) {
	e.parked--
	o.more().err, o.ext.failed = nil, nil
	o.parts(func(p *part) {
		e.touch(p.entity)
		p.entity.parked--
	})
}

// cancel undoes one operation. The answer of a call that is still under way is taken as
// truth.
func (e *Engine) cancel(in Cancel) error {
	o := in.Op
	if o.state == Ended {
		return ErrSettled
	}
	e.condemn(o, nil, in.Err)
	e.refold(o)
	e.bury(o, nil, Cancelled)
	return nil
}

// rollbackAll undoes all of one entity, or of all entities, last first.
func (e *Engine) rollbackAll(in RollbackAll) {
	if in.Entity == nil {
		for _, v := range e.newestFirst(nil) {
			e.condemn(v.Op, nil, nil)
		}
	} else {
		for p := in.Entity.last; p != nil; p = in.Entity.last {
			e.condemn(p.op, nil, nil)
		}
	}
	e.refold(nil)
	e.bury(nil, in.Entity, Cancelled)
}

// clearAll undoes everything, and ends the calls of it that are under way.
func (e *Engine) clearAll(in ClearAll) {
	for _, v := range e.newestFirst(in.Keep) { // so that none goes because of another
		if v.Op.state == InFlight && v.Op.Type.Cancel != EndCalls {
			e.emit(Effect{Kind: Abort, Op: v.Op})
		}
		e.condemn(v.Op, nil, in.Err)
	}
	e.refold(nil)
	e.bury(nil, nil, Cancelled)
	for _, t := range e.touched {
		t.entity.unread = false // nobody looks at them any more
		// An entity that is to be read now keeps its name; others let theirs count as unused.
		if t.entity.doubt == nil {
			e.release(t.entity)
		}
	}
	e.gate = gate{online: e.gate.online, shut: e.gate.shut}
	e.befores = befores{}
	for _, s := range in.Names {
		e.forgetUnused(s, 0)
	}
}

// newestFirst are all unsettled operations but for those that keep, if not nil, asks to keep.
func (e *Engine) newestFirst(keep func(*Op) bool) (all []Victim) {
	for ent := range e.Busy {
		for p := ent.last; p != nil; p = p.prev {
			if p.index == 0 && (keep == nil || !keep(p.op)) {
				all = append(all, Victim{Op: p.op})
			}
		}
	}
	lastFirst(all)
	return all
}

// bury settles the condemned, last first: those that nobody drew along end with the
// given outcome, the others as undone. One RolledBack effect names them all.
func (e *Engine) bury(cause *Op, where *Entity, outcome Outcome) {
	if len(e.orphans) > 0 {
		e.endOrphans(cause)
	}
	if len(e.victims) == 0 {
		return
	}
	victims := slices.Clone(e.victims)
	e.victims = emptied(e.victims)
	lastFirst(victims)

	for _, v := range victims {
		ent := v.Op.part.entity
		if t := e.touch(ent); v.Op.Type.Closure && !t.rewound {
			t.outside, t.rewound = true, true
			e.emit(Effect{Kind: Rewind, Entity: ent, Victims: victims})
		}
	}
	var err error
	if cause != nil {
		where = cause.part.entity
		for _, v := range victims {
			if v.Op == cause {
				err = v.Err
			}
		}
	}
	if shown := slices.DeleteFunc(slices.Clone(victims), func(v Victim) bool { return v.Op.Type.Pessimistic }); len(shown) > 0 {
		e.emit(Effect{Kind: OpsRolledBack, Op: cause, Entity: where, Err: err, Victims: shown, Outcome: outcome})
	}
	for _, v := range victims {
		end := outcome
		if v.Cause != nil || outcome == Cancelled && v.Err != nil {
			end = RolledBack
		}
		e.settle(v.Op, end, v.Err, nil)
	}
}

// lastFirst sorts by position, which no two operations share.
func lastFirst(victims []Victim) {
	order.By(len(victims),
		func(i, j int) bool { return victims[i].Op.pos > victims[j].Op.pos },
		func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
}
