package engine

// answer handles the end of one attempt.
func (e *Engine) answer(in *Answer) {
	o := in.Op
	if o.part.entity == nil || o.part.entity.lane.flight != o {
		return // nothing of this operation is under way: a repeated answer
	}
	e.landed(o)
	if in.Ignore {
		if o.state == InFlight { // only when the shell stops: nothing will be sent any more
			o.state, o.due, o.unknown = Waiting, e.now, true
			o.doubt(in)
			e.suspect(o)
		} else {
			e.leaveDoubt(o) // the server may have done it
		}
		e.gate.landed(o)
		return
	}
	if in.NotSent {
		e.takeBack(o, in)
		return
	}
	e.listen(in)
	in = e.inEra(in)
	if in.Class == OK || in.Class == Conflicting || in.Class == Permanent { // with others comes no truth
		e.learnNames(in)
	}
	if in.RetryAfter > 0 && in.Next == nil {
		e.gate.ask(o, e.now, e.now.plus(in.RetryAfter))
	}
	if o.state == Ended {
		e.lateAnswer(in)
		return
	}
	if in.Err != nil {
		o.more().failed = in.Err
	} else if o.ext != nil {
		o.ext.failed = nil
	}
	switch in.Class {
	case OK:
		e.succeeded(o, in)
	case Conflicting:
		e.conflicted(o, in)
	case Permanent:
		e.refused(o, in)
	case Offline, Unauthenticated:
		e.postpone(o, in)
	default:
		e.retry(o, in)
	}
}

// answered reports whether anybody has answered. Every status is an
// answer; an error that nobody classified may be the network's own.
func (in *Answer) answered() bool {
	return in.Class != Offline && in.Class != Unknown && !in.Unclassified
}

// refused ends an operation that will never work. The truth that came with the refusal
// is truth.
func (e *Engine) refused(o *Op, in *Answer) {
	if o.unknown = in.Forgotten; !o.unknown {
		o.noteAnswer()
	} else if x := o.more(); x.since == 0 {
		x.since = o.Timestamp // the server takes the key for old
	}
	o.state = Waiting
	e.adoptAll(in)
	switch {
	case o.state == Ended: // the truth named it, or its guard no longer holds
	case o.deletes() && in.Truth.Presence == Absent:
		e.resolved(o, AlreadySo)
		e.confirm(o, o.part.entity)
	default:
		e.fail(o, in.Err)
	}
	e.rebase(o)
}

// about is the truth that the answer tells of an entity.
func (in *Answer) about(ent *Entity) Truth {
	if ent == in.Op.part.entity && in.Truth.Presence != NotLoaded {
		return in.Truth
	}
	for _, r := range in.More {
		if r.Space == ent.space && ent.space.sameEntity(r.Entity, ent.id) && r.Truth.Presence != NotLoaded {
			return r.Truth
		}
	}
	return Truth{}
}

// wrote is the version of the write that an answer tells of an entity without its value, or 0.
func (in *Answer) wrote(ent *Entity) (version uint64) {
	if ent == in.Op.part.entity {
		version = max(in.Truth.Version, in.Truth.Wrote)
	}
	for _, r := range in.More {
		if r.Space == ent.space && ent.space.sameEntity(r.Entity, ent.id) {
			version = max(version, r.Truth.Version, r.Truth.Wrote)
		}
	}
	return version
}

// adoptAll takes the truth in an answer, and reports whether the truth then held about the
// operation's entity is at least as new. Of what the truth is that comes without the id of a
// nameless entity, nobody can say.
func (e *Engine) adoptAll(in *Answer) (covered bool) {
	if ent := in.Op.part.entity; !in.Op.Type.Closure && !ent.Nameless() {
		covered = e.adopt(ent, in.Truth)
		if covered && in.Truth.Presence != NotLoaded && !in.lags(ent) {
			e.reassure(ent) // it was asked after the call in doubt
		}
	}
	for _, m := range in.More {
		ent := e.entity(m.Space, m.Entity)
		e.touch(ent)
		if !ent.Nameless() {
			e.adopt(ent, m.Truth)
		}
	}
	return covered
}

// succeeded is phase one of settlement, and phase two as well when the truth that
// shows the operation is there.
func (e *Engine) succeeded(o *Op, in *Answer) {
	o.noteAnswer()
	ent, t := o.part.entity, in.Truth
	switch {
	case o.makesNameless():
		o.state = Waiting
		e.fail(o, ErrNoServerID)
		if o.unknown = o.state == Parked; o.unknown { // the server has it, and another key would make it twice
			o.doubt(in)
		}
	case o.Type.Closure:
		e.closureSucceeded(o, t)
	case o.Group():
		e.groupSucceeded(o, in)
	case t.Presence != NotLoaded:
		e.confirmWith(o, in)
	case max(t.Version, t.Wrote) > ent.version:
		e.ack(o, max(t.Version, t.Wrote))
	case max(t.Version, t.Wrote) != 0:
		e.confirm(o, ent) // the truth held is that new already
	default:
		e.succeededSilently(o)
	}
	e.rebase(o)
}

// succeededSilently makes the prediction truth, but not before operations that
// precede it: folded under one that the server had earlier, it would be undone by it
// in the view.
func (e *Engine) succeededSilently(o *Op) {
	var awaited uint64
	guess := false
	for p := o.part.prev; p != nil; p = p.prev {
		if p.op.state == Acked {
			awaited = max(awaited, p.op.ext.version)
			guess = guess || p.op.ext.guess
		}
	}
	switch {
	case guess:
		e.ackGuess(o)
	case awaited > 0:
		e.ack(o, awaited)
	default:
		e.confirm(o, nil)
		return
	}
	o.ext.silent = true
}

// confirmWith ends the operation in the step in which truth with it enters.
func (e *Engine) confirmWith(o *Op, in *Answer) {
	o.state = Waiting // adopt must not take it for a call under way
	e.leaveLanes(o)
	ent := o.part.entity
	in.guessed = in.Class == OK && e.seemsToLag(o, in.Truth)
	covered := e.adoptAll(in)
	switch {
	case o.state == Ended:
	case in.guessed:
		e.ackGuess(o)
	case in.lags(ent):
		e.ack(o, in.Truth.Wrote)
	case covered:
		e.confirm(o, ent)
	default: // the answer's truth is older than the truth held, and was ignored
		e.confirm(o, nil)
	}
}

// groupSucceeded settles a group in all its entities at once; an entity about which the
// answer says nothing takes over the prediction.
func (e *Engine) groupSucceeded(o *Op, in *Answer) {
	o.state = Waiting
	e.untie(o)
	e.leaveLanes(o)
	o.parts(func(p *part) {
		e.confirmGuesses(p, nil)
		if t := in.about(p.entity); t.Presence == NotLoaded || p.entity.outdates(t) {
			e.foldUntold(p, in)
			p.contained, p.entity.settledAt = true, e.now
		}
	})
	e.adoptAll(in)
	if o.state == Ended {
		return // its truths named it
	}
	o.parts(func(p *part) {
		switch t := in.about(p.entity); {
		case t.Presence == NotLoaded && in.wrote(p.entity) == 0:
		case t.Wrote > p.entity.version && !p.contained:
			e.foldIntoTruth(p)
			p.entity.isPast(t.Wrote - 1)
		default:
			e.compare(p)
		}
		p.entity.settledAt, p.entity.unversioned = e.now, false
		e.remove(p)
	})
	e.settle(o, Confirmed, nil, nil)
}

// ack keeps the operation in the fold until truth of that version comes.
func (e *Engine) ack(o *Op, version uint64) {
	e.untie(o)
	e.leaveLanes(o)
	o.state = Acked
	e.timers.remove(o)
	x := o.more()
	x.version, x.ackedAt = version, e.now
	for _, n := range x.dependents {
		e.wakeOp(n)
	}
	e.emit(Effect{Kind: OpAcknowledged, Op: o})
	e.keep(o)
}

// postpone puts an operation back whose attempt costs nothing.
func (e *Engine) postpone(o *Op, in *Answer) {
	e.emit(Effect{Kind: OpDeferred, Op: o, Err: in.Err})
	if in.Class == Unauthenticated && !e.gate.unauthenticated {
		e.gate.unauthenticated = true
		e.emit(Effect{Kind: SendingPaused, Op: o, Err: in.Err})
	}
	e.sendAgain(o)
}

// takeBack undoes the sending of an attempt that has not left.
func (e *Engine) takeBack(o *Op, in *Answer) {
	e.gate.landed(o)
	o.calls--
	if o.left = o.calls > 0; o.state == Ended {
		if o.mayBeDone() { // by an attempt before
			e.leaveDoubt(o)
		}
		return
	}
	e.emit(Effect{Kind: OpDeferred, Op: o, Err: in.Err})
	e.keep(o)
	o.more().failed, o.ext.unmarked = in.Err, true
	o.state, o.due = Waiting, min(e.now.plus(in.RetryAfter), o.Deadline())
	if o.Deadline() <= e.now {
		e.expire(o)
		return
	}
	e.schedule(o)
	e.wakeOp(o)
}

// sendAgain puts an operation back whose call has returned, unless its deadline has
// passed meanwhile.
func (e *Engine) sendAgain(o *Op) {
	o.state, o.due = Waiting, e.now
	e.keep(o)
	at := o.Deadline()
	if at <= e.now {
		e.expire(o)
		return
	}
	e.schedule(o)
	e.wakeOp(o)
}

// retry schedules the next attempt, or gives up.
func (e *Engine) retry(o *Op, in *Answer) {
	o.state = Waiting
	o.attempts = increased(o.attempts)
	silent := in.Class == Unknown
	if silent {
		o.unknown = true
		o.more().unanswered = increased(o.ext.unanswered)
	}
	if in.Unclassified {
		o.more().unclassified = true
	}
	if silent || in.Unclassified {
		o.doubt(in)
		e.letPass(o)
	}
	r := o.Type.Retry
	next := Next{
		Again: r.Max < 0 || o.answeredAttempts() <= r.Max,
		Wait:  r.Delay(int(o.attempts), in.RetryAfter, in.Rand),
	}
	if in.Next != nil {
		next = *in.Next
	}
	if in.RetryAfter > 0 && in.Next == nil {
		o.more().notBefore = e.now.plus(in.RetryAfter)
	}
	expired := e.now >= o.Deadline()
	switch {
	case expired:
		e.giveUp(o, in.Err)
		return
	case silent && (!next.Again || r.Max >= 0 && int(o.attempts) > r.Max):
		// An operation without an answer must not be called failed: ask on, with the
		// same key, as rarely as the policy allows.
		next.Wait = r.Delay(40, in.RetryAfter, in.Rand)
	case !next.Again:
		e.fail(o, in.Err)
		return
	}
	o.due = min(e.now.plus(max(next.Wait, 0)), o.Deadline())
	e.emit(Effect{Kind: OpRetrying, Op: o, Err: in.Err, Due: o.due})
	e.keep(o)
	e.schedule(o)
	e.wakeOp(o)
}

// answeredAttempts counts the attempts that were charged and that the server answered.
func (o *Op) answeredAttempts() int {
	if o.ext == nil {
		return int(o.attempts)
	}
	return int(o.attempts - o.ext.unanswered)
}

// increased counts up, and stays at the greatest number.
func increased(n uint16) uint16 { return max(n, n+1) }

// conflicted asks the resolver to decide about other truth.
func (e *Engine) conflicted(o *Op, in *Answer) {
	o.state = Waiting
	o.noteAnswer()
	if o.Type.Closure {
		e.fail(o, in.Err)
		return
	}
	if in.Truth.Presence != NotLoaded && (o.Slot != "" || o.deletes()) && !o.makesNameless() && e.alreadySo(o, in.Truth) {
		e.resolved(o, AlreadySo)
		e.confirmWith(o, in)
		e.rebase(o)
		return
	}
	decision := resolve(o.Type.Resolve, e.conflict(o, in))
	e.adoptAll(in)
	if o.state == Ended { // the truth named it, or its guard no longer holds
		e.rebase(o)
		return
	}
	e.decideConflict(o, in, decision)
	e.rebase(o)
}

func (e *Engine) decideConflict(o *Op, in *Answer, v Decision) {
	x := o.more()
	again := int(x.conflicts) < o.Type.MaxConflicts
	switch v.Choice {
	case KeepMine:
		if again {
			x.conflicts++
			e.resolved(o, KeptMine)
			e.sendAgain(o)
			return
		}
		v.Err = in.Err
	case TakeTheirs:
		e.resolved(o, TookTheirs)
		e.condemn(o, nil, in.Err)
		return
	case Merge:
		if v.Merged != nil && again {
			x.conflict = MergedBoth
			v.Merged.more().conflict = MergedBoth
			v.Merged.ext.conflicts = x.conflicts + 1
			v.Merged.Timestamp = max(v.Merged.Timestamp, in.Truth.At.next())
			v.Merged.raiseTimestamp(o.part.entity)
			e.emit(Effect{Kind: OpConflicted, Op: o, Resolution: MergedBoth})
			e.rememberAs(v.Merged, o)
			e.takePlace(o, v.Merged)
			return
		}
		v.Err = in.Err
	}
	e.resolved(o, Refused)
	if v.Err == nil {
		v.Err = in.Err
	}
	e.fail(o, v.Err)
}

// resolved notes how a conflict was resolved.
func (e *Engine) resolved(o *Op, how Resolution) {
	o.more().conflict = how
	e.emit(Effect{Kind: OpConflicted, Op: o, Resolution: how})
}

// alreadySo reports whether truth t fulfils the operation as it is.
func (e *Engine) alreadySo(o *Op, t Truth) bool {
	after, presence, err := o.part.apply(t.Value, t.Presence)
	return err == nil && presence == t.Presence && o.part.entity.space.same(after, t.Value)
}

// ground is the truth held of the entity.
func (ent *Entity) ground() ground {
	return ground{value: ent.truth, presence: ent.presence, version: ent.version}
}

// conflict is all that a resolver gets, before the truth of the answer is taken.
func (e *Engine) conflict(o *Op, in *Answer) *Conflict {
	on := o.part.entity.ground()
	left := o.ext != nil && o.ext.leftOn != nil
	if left {
		on = *o.ext.leftOn
	}
	c := e.sides(&o.part, on, in.Truth, in.Err)
	if o.Group() && left {
		c.Theirs = in.about(o.part.entity)
		for i := range on.rest {
			p := &o.ext.group[i].part
			c.Rest = append(c.Rest, e.sides(p, on.rest[i], in.about(p.entity), in.Err))
		}
	}
	return &c
}

// sides are the two sides of a conflict in one entity.
func (e *Engine) sides(p *part, on ground, theirs Truth, err error) Conflict {
	c := Conflict{
		Op: p.op, Entity: p.entity, Base: on.value, BasePresence: on.presence, BaseVersion: on.version,
		Mine: on.value, Theirs: theirs, MineBy: e.cfg.ClientID, Err: err,
	}
	if mine, _, err := p.apply(on.value, on.presence); err == nil {
		c.Mine = mine
	}
	return c
}

func resolve(fn func(*Conflict) Decision, c *Conflict) (v Decision) {
	switch {
	case fn != nil:
	case c.Op.Group():
		return Decision{Choice: Fail} // nobody knows whether half of it makes sense
	default:
		return Decision{Choice: LastWriterWins(c.Theirs.Presence, MineIsLater(c.Op.Timestamp, c.Theirs.At, c.MineBy, c.Theirs.By))}
	}
	defer func() {
		if r := recover(); r != nil {
			v = Decision{Choice: Fail, Err: &PanicError{r}}
		}
	}()
	return fn(c)
}
