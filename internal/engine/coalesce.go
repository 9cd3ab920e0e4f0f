package engine

// coalescible finds the last unsettled operation of o's slot, unless a barrier or a
// group stands between. An operation without slot, with dependencies, or that is a
// barrier coalesces with nothing: neither with earlier ones nor with later ones.
func (e *Engine) coalescible(o *Op) *Op {
	if o.Slot == "" || o.Type.Barrier || o.comesAfter() {
		return nil
	}
	return priorInSlot(o, o.part.entity.last)
}

// priorInSlot searches from p backwards.
func priorInSlot(o *Op, p *part) *Op {
	for ; p != nil; p = p.prev {
		switch {
		case p.op.Type.Barrier || p.op.Group():
			return nil
		case p.op.sharesSlot(o):
			if p.op.waitsForOthers() {
				return nil // it may go with its dependencies, and o must not
			}
			return p.op
		case p.op.Type.Kind != Change: // making and removing the entity makes all its slots anew
			return nil
		}
	}
	return nil
}

// sharesSlot is not inlined: a browser would get too many copies.
//
//go:noinline
func (o *Op) sharesSlot(other *Op) bool {
	return o.Slot == other.Slot && o.Slot != "" && o.Type.Family == other.Type.Family
}

// wantsSame reports whether two operations of one slot want the same.
func wantsSame(a, b *Op) (same bool) {
	if a.Type.Name != b.Type.Name || b.Type.SameArgs == nil {
		return false
	}
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return b.Type.SameArgs(a.Args, b.Args)
}

// frozen reports whether an attempt has left that the server may have got.
func (o *Op) frozen() bool { return o.left && (o.state != Parked || o.unknown) }

// merged decides about two operations of one slot. They stay apart when others depend on
// the older one and could not depend on its successor. An operation that the server may
// have cannot be undone without a word to it.
func merged(older, newer *Op) Merged {
	if older.Type.Kind == Create && newer.Type.Kind == Delete {
		return Merged{Rule: Separate} // a creation that can be taken back has been
	}
	m := mergeRule(older, newer)
	if m.Rule == Annihilate && older.mayBeDone() {
		m.Rule = TakeSecond
	}
	if m.Rule == Annihilate && older.hasDependents() || !older.handsOn(newer) {
		m.Rule = Separate
	}
	return m
}

// hasRule reports whether there is a rule for two operations of one slot.
func hasRule(older, newer *Op) bool {
	return len(newer.Type.Merge) > 0 && newer.Type.Merge[older.Type.Name] != nil
}

// mergeRule asks the rule for the two types; a panic keeps both apart. Without a rule the
// newer one replaces the older, unless one of the two makes the entity or both do
// different things to its existence.
func mergeRule(older, newer *Op) (m Merged) {
	rule := newer.Type.Merge[older.Type.Name]
	if rule == nil {
		was, is := older.Type.Kind, newer.Type.Kind
		if was == is || was == Change && is == Delete {
			return Merged{Rule: TakeSecond}
		}
		return Merged{Rule: Separate}
	}
	defer func() {
		if recover() != nil {
			m = Merged{Rule: Separate}
		}
	}()
	return rule(older, newer)
}

// joins reports whether an operation shares the earlier one of its slot, because it wants
// the same. Where there is a rule for the two, it does not.
func joins(older, o *Op) bool {
	return older.state != Parked && !hasRule(older, o) && wantsSame(older, o)
}

// WouldJoin reports whether an operation would join an earlier one whose change it
// would only repeat, so that a closure need not be applied.
func (e *Engine) WouldJoin(in *Execute) bool {
	older := priorOf(in)
	return older != nil && joins(older, in.Op) && !in.Op.movesSlot()
}

// priorOf is the unsettled operation with which one that was not accepted yet may
// coalesce, or nil.
func priorOf(in *Execute) *Op {
	if len(in.Group) > 0 || in.Op.Slot == "" || in.Op.Type.Barrier || len(in.After) > 0 {
		return nil
	}
	ent := in.found()
	if ent == nil {
		return nil
	}
	return priorInSlot(in.Op, ent.last)
}

// found is the one entity of an operation that was not accepted yet; nil for a group, and
// when nothing is held of the entity.
func (in *Execute) found() *Entity {
	if len(in.Group) > 0 {
		return nil
	}
	return in.Space.Find(in.Entity)
}

// join lets a tap share an earlier operation, whose deadline the tap moves.
func (e *Engine) join(older, o *Op) {
	if o.movesSlot() {
		e.outsideMoves(older.part.entity)
	}
	if older.state == Waiting && !older.left {
		older.due = max(older.due, older.Type.Debounce.due(e.now, older.burst, false))
		e.schedule(older)
	}
	o.successor = older
	e.emit(Effect{Kind: OpJoined, Op: older, Successor: o})
}

// inVain reports whether sending o, which makes next of the view up to before, would be
// in vain: no earlier operation of its slot is unsettled, o changes nothing in the
// view, nor on the server, as far as anybody can say.
func (e *Engine) inVain(o *Op, before *part, next any, nextPresence Presence) bool {
	ent := o.part.entity
	switch {
	case o.Slot == "" || o.Type.Barrier || o.Type.Pessimistic || o.Type.ServerID || o.comesAfter() || o.Group():
		return false
	case e.inDoubt(o) || o.overwrites():
		return false
	case o.Type.Closure:
		return o.base().is(o.Args) && !before.slotBusy(o)
	}
	value, presence := ent.upTo(before)
	if presence == NotLoaded || presence != nextPresence || !ent.space.same(value, next) {
		return false
	}
	return e.serverHas(o, before)
}

// overwrites reports whether an operation that waited behind another of its slot wants a
// different value than the other, which the server has accepted since. The truth that came
// with the answer may be of a replica that lags, so the two changes are compared.
func (o *Op) overwrites() bool {
	if o.ext == nil || o.ext.behind == nil {
		return false
	}
	f, ent := o.ext.behind, o.part.entity
	for f.outcome == Superseded && f.successor != nil {
		f = f.successor
	}
	if !f.accepted() {
		return false
	}
	if o.Type.Closure {
		return !sameState(f.Args, o.Args)
	}
	value, presence, err := f.part.make(ent.truth, ent.presence)
	if err != nil {
		return !wantsSame(f, o)
	}
	after, afterPresence, err := o.part.make(value, presence)
	return err != nil || presence != afterPresence || !ent.space.same(value, after)
}

// setBehind notes which operation of its slot o was accepted behind: prior, or one that has
// ended while its call is under way.
func (o *Op) setBehind(prior *Op) {
	if f := o.part.entity.lane.flight; prior == nil && f != nil && f.part.entity == o.part.entity && f.sharesSlot(o) {
		prior = f
	}
	if prior != nil {
		o.more().behind = prior
	}
}

// accepted reports whether the server has said that it has an operation which has ended.
func (o *Op) accepted() bool {
	return o.outcome == Confirmed && o.calls > 0 || o.ext != nil && o.ext.acceptedLate
}

// slotBusy reports whether p or one before it writes o's slot.
func (p *part) slotBusy(o *Op) bool {
	for ; p != nil; p = p.prev {
		if p.op.sharesSlot(o) {
			return true
		}
	}
	return false
}

// serverHas reports whether o would change nothing in the state that the server is known
// to hold: truth, and the operations up to before that it has accepted since.
func (e *Engine) serverHas(o *Op, before *part) bool {
	if before == nil {
		return true // the view there is truth, and o does not change it
	}
	ent := o.part.entity
	value, presence := ent.truth, ent.presence
	for p := ent.first; p != before.next; p = p.next {
		if p.op.state != Acked {
			continue
		}
		if after, afterPresence, err := p.apply(value, presence); err == nil {
			value, presence = after, afterPresence
		}
	}
	after, afterPresence, err := o.part.apply(value, presence)
	return err == nil && presence != NotLoaded && presence == afterPresence && ent.space.same(value, after)
}

// settleIfAlreadySo ends the head of a lane without a call when it would change nothing.
func (e *Engine) settleIfAlreadySo(o *Op) bool {
	if o.left || o.Type.Closure && o.Args == nil {
		return false
	}
	if !e.inVain(o, o.part.prev, o.part.after, o.part.presence) {
		return false
	}
	e.untie(o) // the server has the entity
	e.leaveLanes(o)
	e.remove(&o.part)
	e.refold(o)
	e.settle(o, Confirmed, nil, nil)
	e.bury(o, nil, RolledBack)
	return true
}

// supersede puts o in the place of an operation of its slot that has not left, or
// that has failed and is parked.
func (e *Engine) supersede(older, o *Op, m Merged) error {
	if older.mayBeDone() {
		e.leaveDoubt(older)
	}
	typ, args := o.Type, o.Args
	found := before{op: o, superseded: older}
	found.value, found.presence = o.part.entity.View()
	switch m.Rule {
	case TakeFirst:
		o.Type, o.Args = older.Type, m.Args
	case TakeSecond:
		if m.Changed {
			o.Args = m.Args
		}
	case Annihilate:
		e.remember(&found)
		e.dissolve(older, o, false)
		e.settleUnsent(o)
		e.rebase(o)
		return nil
	}
	o.takeBaseOf(older)
	value, presence := older.part.before()
	next, nextPresence, err := o.part.fold(value, presence)
	if err != nil {
		o.Type, o.Args = typ, args
		return e.appendOp(o, nil, older) // it needs the change of the older one
	}
	if older.ext != nil && older.ext.behind != nil {
		o.more().behind = older.ext.behind
	}
	switch prior := priorInSlot(o, older.part.prev); {
	case prior != nil && joins(prior, o) && older.handsOn(prior):
		e.dissolve(older, prior, prior.Creates())
		e.join(prior, o)
	case prior == nil && e.inVain(o, older.part.prev, next, nextPresence):
		e.remember(&found)
		e.dissolve(older, o, o.Creates())
		e.settleUnsent(o)
	default:
		e.remember(&found)
		e.takePlace(older, o)
	}
	e.rebase(o)
	return nil
}

// fitsInPlaceOf reports why an operation could not stand in the place of another.
func (o *Op) fitsInPlaceOf(older *Op) error {
	o.part.op, o.part.entity = o, older.part.entity
	value, presence := older.part.before()
	_, _, err := o.part.fold(value, presence)
	return err
}

// dissolve ends an operation whose want has been replaced by successor's, which is the server's
// already or in another place. made: successor makes the entity as well.
func (e *Engine) dissolve(older, successor *Op, made bool) {
	if older.Type.Closure {
		e.outsideMoves(older.part.entity) // the state outside was changed back
	}
	switch {
	case !older.Creates():
	case !made:
		for _, l := range older.orphans() {
			e.sink(l, older, nil)
		}
	case successor.state == Fresh || successor.state == Acked: // the server has it
		e.untie(older)
	}
	e.leaveLanes(older)
	e.remove(&older.part)
	e.inherit(older, successor)
	e.settle(older, Superseded, nil, successor)
}

// handsOn reports whether the dependents of o can wait for another in its place: stored
// ones need one that is stored, for a restart takes an operation that is not in the journal
// for confirmed.
func (o *Op) handsOn(successor *Op) bool {
	return successor.Type.Stored || !o.Type.Stored || !o.hasDependents()
}

// inherit hands the dependents of one operation to the one that replaces it.
func (e *Engine) inherit(older, successor *Op) {
	if older.ext == nil || len(older.ext.dependents) == 0 || successor.state == Ended {
		return
	}
	for _, n := range older.ext.dependents {
		for i, d := range n.ext.deps {
			if d == older {
				n.ext.deps[i] = successor
			}
		}
		e.wakeOp(n) // the successor may be one that the server has, or that waits for a person
		if n.journal != unwritten && n.state != Ended {
			e.emit(Effect{Kind: Persist, Op: n, Rewrite: true})
		}
	}
	x := successor.more()
	x.dependents = append(x.dependents, older.ext.dependents...)
	older.ext.dependents = nil
}

// takePlace accepts o at the position of older, which is superseded. The caller
// refolds.
func (e *Engine) takePlace(older, o *Op) {
	burst, unsent := older.burst, older.state == Waiting && !older.left
	pos := older.pos
	o.part.op, o.part.entity = o, older.part.entity
	o.setRefs()
	if older.Creates() && !o.Creates() {
		e.untie(older) // as the program's merge rule wants it
	}
	e.leaveLanes(older)
	if older.state == Parked {
		e.unpark(older)
		older.state = Waiting
	}
	e.remove(&older.part)
	e.admit(o, pos)
	o.burst = e.now
	if unsent {
		o.burst = burst
		o.due = o.Type.Debounce.due(e.now, burst, false)
		e.timers.hand(older, o)
	} else {
		o.due = e.now
	}
	e.inherit(older, o)
	e.settle(older, Superseded, nil, o)
	value, presence := e.beforePos(o.part.entity, pos)
	next, nextPresence, err := o.part.refold(value, presence)
	o.part.after, o.part.presence = next, nextPresence
	e.enter(o, nil)
	if err != nil {
		e.markDirty(o.part.entity, &o.part) // refold finds and reports it
	}
}

// beforePos is the fold of everything before a position.
func (e *Engine) beforePos(ent *Entity, pos uint64) (any, Presence) {
	return ent.upTo(ent.before(pos))
}

// before is the last part before a position, or nil.
func (ent *Entity) before(pos uint64) *part {
	p := ent.last
	for p != nil && p.op.pos >= pos {
		p = p.prev
	}
	return p
}
