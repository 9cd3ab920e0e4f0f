package engine

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
	o.raiseTimestamp(ent)

	if err := checkNamed(o.Type.Kind, ent); err != nil {
		return err
	}
	if ent.creations > 0 {
		if err := checkStored(o, o.Type.Kind, ent, ent.last); err != nil {
			return err
		}
		if done, err := e.revoke(in); done || err != nil {
			return err
		}
	}
	older := e.coalescible(o)
	if older == nil {
		return e.appendOp(o, in.After, nil)
	}
	if joins(older, o) {
		e.join(older, o)
		return nil
	}
	if older.frozen() {
		return e.appendOp(o, in.After, older)
	}
	// Whether it is accepted depends on the view, coalesced or not.
	if value, presence := ent.View(); presence != NotLoaded {
		if _, _, err := o.part.fold(value, presence); err != nil {
			return err
		}
	}
	m := merged(older, o)
	if m.Rule == Separate {
		return e.appendOp(o, in.After, older)
	}
	return e.supersede(older, o, m)
}

// raiseTimestamp makes the timestamp of a new operation later than the truth of an entity under
// it, and than earlier operations there: the clock that gave it may be behind the clock
// of the client that made these.
func (o *Op) raiseTimestamp(ent *Entity) {
	o.Timestamp = max(o.Timestamp, ent.latest.next())
	ent.latest = o.Timestamp
}

// Refuses reports why an operation would not be accepted even if its change applies.
func (e *Engine) Refuses(in *Execute) error {
	if err := e.resolveAfter(in); err != nil {
		return err
	}
	if older := priorOf(in); older != nil && (!older.left || older.state == Parked || joins(older, in.Op)) {
		return nil // it may take the older one's place, or join it
	}
	return e.room(in.Space.Find(in.Entity), 1)
}

// resolveAfter follows superseded dependencies to their successors, drops dependencies
// that the server has, and refuses when one has failed, or would be lost by a restart that
// the operation outlives.
func (e *Engine) resolveAfter(in *Execute) error {
	if in.Op.Type.Refs != nil {
		if err := e.refer(in); err != nil {
			return err
		}
	}
	kept := in.After[:0:0]
	for _, d := range in.After {
		for d.outcome == Superseded && d.successor != nil {
			d = d.successor
		}
		switch {
		case d.state != Ended && in.Op.Type.Stored && !d.Type.Stored:
			return ErrUnstored
		case d.state != Ended:
			kept = append(kept, d)
		case d.outcome != Confirmed:
			return e.dependencyErr(d, nil)
		}
	}
	in.After = kept
	if len(kept) > 0 || in.Op.ext != nil { // a batch asks twice
		in.Op.more().comesAfter = len(kept) > 0
		in.Op.ext.deps = kept // appendOp and executeGroup complete the other direction
	}
	return nil
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
	if prior == nil && e.inVain(o, ent.last, next, nextPresence) {
		e.remember(&before{op: o, value: value, presence: presence})
		e.settleUnsent(o)
		return nil
	}
	if err := e.room(ent, 1); err != nil {
		return err
	}
	e.remember(&before{op: o, value: value, presence: presence})
	o.setBehind(prior)
	e.admit(o, 0)
	o.burst = e.now
	o.due = o.Type.Debounce.due(e.now, e.now, prior == nil)
	o.part.after, o.part.presence = next, nextPresence
	e.enter(o, after)
	return nil
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
		if o.Type.ServerID && p.kind() == Create {
			e.expectName(p.entity)
		}
		p.stands = p.entity.creations > 0 && p.kind() != Create && p.entity.creationUpTo(p.prev) != nil
		if p.next != nil {
			e.markDirty(p.entity, p.next)
		}
	})
	e.joinLanes(o)
	for _, d := range after {
		d.addDependent(o)
	}
	if o.Type.Closure {
		e.outsideMoves(o.part.entity)
	}
	e.emit(Effect{Kind: OpAccepted, Op: o})
	if o.Type.Stored && o.journal == unwritten {
		o.journal = written
		e.emit(Effect{Kind: Persist, Op: o})
	}
	e.schedule(o)
	e.wakeOp(o)
}

// settleUnsent accepts and ends an operation for which nothing needs to be sent.
func (e *Engine) settleUnsent(o *Op) {
	e.admit(o, 0)
	e.emit(Effect{Kind: OpAccepted, Op: o})
	if o.Type.Closure {
		// The state outside was changed; it is the base of its slot again.
		e.outsideMoves(o.part.entity)
	}
	e.settle(o, Confirmed, nil, nil)
}
