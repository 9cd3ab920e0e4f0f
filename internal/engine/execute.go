package engine

import "errors"

// Reasons for which an operation is refused. The shell gives them public names.
var (
	ErrQueueFull    = errors.New("too many unsettled operations")
	ErrGroupTooWide = errors.New("a group has at most 200 entities, each once")
)

// execute accepts one operation, or lets it join an earlier one (Joined), or ends
// it at once because nothing needs to be sent.
func (e *Engine) execute(in *Execute) error {
	o := in.Op
	if err := e.resolveAfter(in); err != nil {
		return err
	}
	if len(in.Group) > 0 {
		return e.executeGroup(in)
	}
	ent := e.entity(in.Space, in.Entity)
	e.touch(ent)
	o.part.op, o.part.entity = o, ent

	older := e.coalescible(o)
	if older == nil {
		return e.appendOp(o, in.After, nil)
	}
	if older.state != Parked && wantsSame(older, o) {
		e.join(older, o)
		return nil
	}
	if older.left && (older.state != Parked || older.unknown) {
		return e.appendOp(o, in.After, older)
	}
	// Whether it is accepted depends on what the user sees, coalesced or not.
	if value, presence := ent.View(); presence != Unknown {
		if _, _, err := o.part.fold(value, presence); err != nil {
			return err
		}
	}
	m := merged(older, o)
	if m.Verdict == Separate || m.Verdict == Annihilate && older.needed() {
		return e.appendOp(o, in.After, older)
	}
	return e.supersede(older, o, m)
}

// WouldJoin reports whether an operation would join an earlier one whose change it
// would only repeat, so that a closure need not be applied.
func (e *Engine) WouldJoin(in *Execute) bool {
	ent := in.Space.Find(in.Entity)
	if ent == nil || in.Op.Slot == "" || in.Op.Type.Barrier || len(in.After) > 0 {
		return false
	}
	older := priorInSlot(in.Op, ent.last)
	return older != nil && older.state != Parked && wantsSame(older, in.Op)
}

// Refuses reports why an operation would not be accepted, whatever its change does.
func (e *Engine) Refuses(in *Execute) error {
	if err := e.resolveAfter(in); err != nil {
		return err
	}
	ent := in.Space.Find(in.Entity)
	if in.Op.Slot != "" && !in.Op.Type.Barrier && len(in.After) == 0 && ent != nil {
		if older := priorInSlot(in.Op, ent.last); older != nil && (!older.left || older.state == Parked) {
			return nil // it may take that one's place
		}
	}
	return e.room(ent, 1)
}

// resolveAfter follows superseded dependencies to their successors, drops those that
// the server has, and refuses when one has failed.
func (e *Engine) resolveAfter(in *Execute) error {
	kept := in.After[:0:0]
	for _, d := range in.After {
		for d.outcome == Superseded && d.successor != nil {
			d = d.successor
		}
		switch {
		case d.state != Ended:
			kept = append(kept, d)
		case d.outcome != Confirmed:
			return ErrDependency
		}
	}
	in.After = kept
	if len(kept) > 0 || in.Op.ext != nil { // a batch asks twice
		in.Op.more().deps = kept // appendOp and executeGroup complete the other direction
	}
	return nil
}

// coalescible finds the last unsettled operation of o's slot, unless a barrier or a
// group stands between. An operation without slot, with dependencies, or that is a
// barrier coalesces with nothing.
func (e *Engine) coalescible(o *Op) *Op {
	if o.Slot == "" || o.Type.Barrier || len(o.Deps()) > 0 {
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
			return p.op
		case p.op.Type.Kind != Change: // making and removing the entity makes all its slots anew
			return nil
		}
	}
	return nil
}

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

// merged asks the newer operation's type for its rule; a panic keeps both apart.
func merged(older, newer *Op) (m Merged) {
	if newer.Type.Merge == nil {
		return Merged{Verdict: Replace}
	}
	defer func() {
		if recover() != nil {
			m = Merged{Verdict: Separate}
		}
	}()
	return newer.Type.Merge(older, newer)
}

// join lets a tap share an earlier operation. The tap moves that one's deadline.
func (e *Engine) join(older, o *Op) {
	if older.state == Waiting && !older.left {
		older.due = max(older.due, older.Type.Debounce.due(e.now, older.burst, false))
		e.schedule(older)
	}
	o.successor = older
	e.emit(Effect{Kind: Joined, Op: older, Other: o})
}

// appendOp accepts an operation at the end of its lane. prior is the last unsettled
// operation of its slot, which has left or stays apart, or nil.
func (e *Engine) appendOp(o *Op, after []*Op, prior *Op) error {
	ent := o.part.entity
	value, presence := ent.View()
	next, nextPresence, err := o.part.fold(value, presence)
	if err != nil {
		return err
	}
	if e.inVain(o, prior, ent.last, next, nextPresence) {
		if prior != nil {
			e.join(prior, o)
		} else {
			e.settleUnsent(o)
		}
		return nil
	}
	if err := e.room(ent, 1); err != nil {
		return err
	}
	e.admit(o, 0)
	o.burst = e.now
	o.due = o.Type.Debounce.due(e.now, e.now, prior == nil)
	o.part.after, o.part.presence = next, nextPresence
	e.enter(o, after)
	return nil
}

// inVain reports whether sending o, which makes next of the view up to before, would
// be in vain: it writes a slot of which the view holds already what o wants, and
// either prior, an earlier operation of the slot, brings that about, or the server has
// it.
func (e *Engine) inVain(o, prior *Op, before *part, next any, nextPresence Presence) bool {
	ent := o.part.entity
	switch {
	case o.Slot == "" || o.Type.Barrier || o.Type.Pessimistic || len(o.Deps()) > 0 || o.Group():
		return false
	case prior != nil && (prior.state == Parked || prior.Type.Pessimistic):
		return false
	case prior == nil && ent.inDoubt():
		return false
	case o.Type.Closure && prior != nil:
		return o.Args != nil && equalAny(prior.Args, o.Args)
	case o.Type.Closure:
		return o.ext != nil && o.ext.hasBase && equalAny(o.ext.base, o.Args)
	}
	value, presence := ent.upTo(before)
	if presence == Unknown || presence != nextPresence || !ent.space.same(value, next) {
		return false
	}
	return prior != nil || e.serverHas(o, before)
}

// inDoubt reports whether the server may get, or may have got, what was taken back.
func (ent *Entity) inDoubt() bool {
	f := ent.lane.flight
	return ent.doubt || f != nil && f.state == Ended && f.outcome != Confirmed
}

// serverHas reports whether o would change nothing of what the server is known to
// hold: truth, and the operations up to before that it has accepted since.
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
	return err == nil && presence != Unknown && presence == afterPresence && ent.space.same(value, after)
}

func equalAny(a, b any) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return a == b
}

// supersede puts o in the place of an operation of its slot that has not left, or
// that has failed and is parked.
func (e *Engine) supersede(older, o *Op, m Merged) error {
	typ, args := o.Type, o.Args
	switch m.Verdict {
	case TakeOlder:
		o.Type, o.Args = older.Type, m.Args
	case TakeNewer:
		o.Args = m.Args
	case Annihilate:
		e.dissolve(older, o)
		e.settleUnsent(o)
		e.refold(o)
		e.bury(o, nil, Undone)
		return nil
	}
	if older.ext != nil && older.ext.hasBase && o.Type.Closure {
		o.SetBase(older.ext.base)
	}
	value, presence := older.part.before()
	next, nextPresence, err := o.part.fold(value, presence)
	if err != nil {
		o.Type, o.Args = typ, args
		return e.appendOp(o, nil, older) // it needs what the older one does
	}
	prior := priorInSlot(o, older.part.prev)
	again := prior != nil && prior.state != Parked && wantsSame(prior, o)
	if again || e.inVain(o, prior, older.part.prev, next, nextPresence) {
		if prior != nil {
			e.dissolve(older, prior)
			e.join(prior, o)
		} else {
			e.dissolve(older, o)
			e.settleUnsent(o)
		}
		e.refold(o)
		e.bury(o, nil, Undone)
		return nil
	}
	e.takePlace(older, o)
	e.refold(o)
	e.bury(o, nil, Undone)
	return nil
}

// dissolve ends an operation whose want has been replaced by successor's.
func (e *Engine) dissolve(older, successor *Op) {
	if older.Type.Closure {
		e.touch(older.part.entity).closure = true // the state outside was changed back
	}
	e.leaveLanes(older)
	e.remove(&older.part)
	e.inherit(older, successor)
	e.settle(older, Superseded, nil, successor)
}

// inherit hands the dependents of one operation to the one that replaces it.
func (e *Engine) inherit(older, successor *Op) {
	if older.ext == nil || len(older.ext.needers) == 0 || successor.state == Ended {
		return
	}
	for _, n := range older.ext.needers {
		for i, d := range n.ext.deps {
			if d == older {
				n.ext.deps[i] = successor
			}
		}
		if n.stored && n.state != Ended {
			e.emit(Effect{Kind: Persist, Op: n, Other: successor})
		}
	}
	x := successor.more()
	x.needers = append(x.needers, older.ext.needers...)
	older.ext.needers = nil
}

// takePlace accepts o at the position of older, which is superseded. The caller
// refolds.
func (e *Engine) takePlace(older, o *Op) {
	burst, unsent := older.burst, older.state == Waiting && !older.left
	pos := older.pos
	o.part.op, o.part.entity = o, older.part.entity
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
	next, nextPresence, err := o.part.fold(value, presence)
	o.part.after, o.part.presence = next, nextPresence
	e.enter(o, nil)
	if err != nil {
		e.markDirty(o.part.entity, &o.part) // refold finds and reports it
	}
}

// beforePos is the fold of everything before a position.
func (e *Engine) beforePos(ent *Entity, pos uint64) (any, Presence) {
	p := ent.last
	for p != nil && p.op.pos >= pos {
		p = p.prev
	}
	if p == nil {
		return ent.truth, ent.presence
	}
	return p.after, p.presence
}

// room reports whether n more operations fit.
func (e *Engine) room(ent *Entity, n int) error {
	if e.pending+n > e.cfg.MaxPending || ent != nil && int(ent.unended)+n > e.cfg.MaxPerEntity {
		return ErrQueueFull
	}
	return nil
}

// admit gives the operation its identity. pos 0: at the end.
func (e *Engine) admit(o *Op, pos uint64) {
	e.seq++
	o.seq, o.pos = e.seq, pos
	if pos == 0 {
		o.pos = o.seq
	}
	o.state = Waiting
	e.pending++
}

// enter links an admitted operation whose cached values are set into entities and
// lanes, and tells.
func (e *Engine) enter(o *Op, after []*Op) {
	o.parts(func(p *part) {
		e.insert(p)
		if p.next != nil {
			e.markDirty(p.entity, p.next)
		}
	})
	e.joinLanes(o)
	for _, d := range after {
		x := d.more()
		x.needers = append(x.needers, o)
	}
	if o.Type.Closure {
		e.touch(o.part.entity).closure = true
	}
	e.emit(Effect{Kind: Accepted, Op: o})
	if o.Type.Journaled && !o.stored {
		o.stored = true
		e.emit(Effect{Kind: Persist, Op: o})
	}
	e.schedule(o)
	e.wakeOp(o)
}

// settleUnsent accepts and ends an operation for which nothing needs to be sent.
func (e *Engine) settleUnsent(o *Op) {
	e.admit(o, 0)
	e.emit(Effect{Kind: Accepted, Op: o})
	if o.Type.Closure {
		// The state outside was changed; it now is what the slot held before.
		e.touch(o.part.entity).closure = true
	}
	e.settle(o, Confirmed, nil, nil)
}

// settleIfAlreadySo ends the head of a lane without a call when its slot holds what
// it wants: the outcome of an earlier call agrees with the last tap.
func (e *Engine) settleIfAlreadySo(o *Op) bool {
	if o.left || o.Type.Closure && o.Args == nil {
		return false
	}
	if !e.inVain(o, nil, o.part.prev, o.part.after, o.part.presence) {
		return false
	}
	e.leaveLanes(o)
	e.remove(&o.part)
	e.refold(o)
	e.settle(o, Confirmed, nil, nil)
	e.bury(o, nil, Undone)
	return true
}

// checkMembers reports a group that cannot work.
func checkMembers(group []Member) error {
	if len(group) > 200 {
		return ErrGroupTooWide
	}
	for i, m := range group {
		for _, other := range group[:i] {
			if other.Space == m.Space && other.Entity == m.Entity {
				return ErrGroupTooWide
			}
		}
	}
	return nil
}

// executeGroup accepts one operation in several entities. It coalesces with nothing.
func (e *Engine) executeGroup(in *Execute) error {
	o := in.Op
	if err := checkMembers(in.Group); err != nil {
		return err
	}
	x := o.more()
	x.first = in.Group[0]
	x.group = make([]groupPart, len(in.Group)-1)
	o.part.op, o.part.entity = o, e.entity(in.Group[0].Space, in.Group[0].Entity)
	for i, m := range in.Group[1:] {
		x.group[i] = groupPart{kind: m.Kind, apply: m.Apply}
		x.group[i].op, x.group[i].index = o, uint8(i+1)
		x.group[i].entity = e.entity(m.Space, m.Entity)
	}
	var err error
	o.parts(func(p *part) {
		e.touch(p.entity)
		if err == nil {
			err = e.room(p.entity, 1)
		}
		if err == nil {
			value, presence := p.entity.View()
			p.after, p.presence, err = p.fold(value, presence)
		}
	})
	if err != nil {
		return err
	}
	e.admit(o, 0)
	o.burst = e.now
	o.due = o.Type.Debounce.due(e.now, e.now, true)
	e.enter(o, in.After)
	return nil
}

// batch accepts all or none. It first tries the operations on the views; after that
// none can be refused.
func (e *Engine) batch(in *Batch) error {
	type seen struct {
		value    any
		presence Presence
		more     int
	}
	views := make(map[*Entity]seen)
	if err := e.room(nil, len(in.Items)); err != nil {
		return err
	}
	for i := range in.Items {
		item := &in.Items[i]
		if err := e.resolveAfter(item); err != nil {
			return err
		}
		members := item.Group
		if len(members) == 0 {
			members = []Member{{Space: item.Space, Entity: item.Entity, Kind: item.Op.Type.Kind, Apply: item.Op.Type.Apply}}
		} else if err := checkMembers(members); err != nil {
			return err
		}
		for _, m := range members {
			ent := e.entity(m.Space, m.Entity)
			e.touch(ent)
			s, ok := views[ent]
			if !ok {
				s.value, s.presence = ent.View()
			}
			if s.more++; int(ent.unended)+s.more > e.cfg.MaxPerEntity {
				return ErrQueueFull
			}
			trial := Op{Type: item.Op.Type, Args: item.Op.Args}
			trial.part.op, trial.part.entity = &trial, ent
			if len(item.Group) > 0 {
				trial.more().first = m
				trial.ext.group = make([]groupPart, 1) // marks it as a group
			}
			var err error
			if s.value, s.presence, err = trial.part.fold(s.value, s.presence); err != nil {
				return err
			}
			views[ent] = s
		}
	}
	for i := range in.Items {
		if err := e.execute(&in.Items[i]); err != nil {
			e.loseAtOnce(&in.Items[i], err)
		}
	}
	return nil
}

// loseAtOnce accepts an operation of a batch whose ground an earlier one took away,
// which no trial can foresee: it is rolled back in the same step.
func (e *Engine) loseAtOnce(in *Execute, err error) {
	o, space, id := in.Op, in.Space, in.Entity
	if len(in.Group) > 0 {
		space, id = in.Group[0].Space, in.Group[0].Entity
	}
	o.part.op, o.part.entity = o, e.entity(space, id)
	e.touch(o.part.entity)
	if o.ext != nil {
		o.ext.group = nil
	}
	e.admit(o, 0)
	e.emit(Effect{Kind: Accepted, Op: o})
	e.settle(o, Undone, err, nil)
}

// check1 reports whether an operation could stand in the place of another.
func (e *Engine) check1(older, o *Op) error {
	o.part.op, o.part.entity = o, older.part.entity
	value, presence := older.part.before()
	_, _, err := o.part.fold(value, presence)
	return err
}

// restore accepts an operation of an earlier life. Nobody knows what became of it.
func (e *Engine) restore(in *Restore) error {
	o := in.Op
	if err := e.resolveAfter(&in.Execute); err != nil {
		return err
	}
	members := in.Group
	if len(members) == 0 {
		members = []Member{{Space: in.Space, Entity: in.Entity}}
	}
	x := o.more()
	x.id = in.ID
	if len(in.Group) > 0 {
		x.first = in.Group[0]
	}
	x.group = make([]groupPart, len(members)-1)
	o.part.op, o.part.entity = o, e.entity(members[0].Space, members[0].Entity)
	for i, m := range members[1:] {
		x.group[i] = groupPart{kind: m.Kind, apply: m.Apply}
		x.group[i].op, x.group[i].index = o, uint8(i+1)
		x.group[i].entity = e.entity(m.Space, m.Entity)
	}
	last := max(e.seq, in.Seq)
	e.admit(o, in.Pos)
	o.seq, e.seq = in.Seq, last
	o.left, o.unknown = in.Attempts > 0, in.Attempts > 0 && (!in.Parked || in.Unknown)
	o.calls, o.attempts = uint16(in.Attempts), 0
	o.burst, o.due = e.now, e.now
	o.stored, o.durable = true, true
	var broken []*part // refold finds and reports them
	o.parts(func(p *part) {
		value, presence := e.beforePos(p.entity, o.pos)
		var err error
		if p.after, p.presence, err = p.fold(value, presence); err != nil {
			broken = append(broken, p)
		}
	})
	e.enter(o, in.After)
	for _, p := range broken {
		e.markDirty(p.entity, p)
	}
	if in.Parked {
		e.park(o, in.Err)
	}
	e.refold(o)
	e.bury(o, nil, Undone)
	return nil
}

func (e *Engine) durable(in *Durable) {
	for _, o := range in.Ops {
		o.durable = true
		if o.state == Waiting {
			e.wakeOp(o)
		}
	}
}
