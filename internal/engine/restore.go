package engine

// restore accepts an operation of an earlier life, with its state as the journal kept it.
// If an operation on which it depends has been rolled back, it is rolled back as well.
func (e *Engine) restore(in *Restore) error {
	o := in.Op
	if err := checkParts(in.Group); err != nil {
		return err
	}
	lost := e.resolveAfter(&in.Execute)
	if lost != nil {
		in.After = nil
	}
	if len(in.Group) > 0 {
		e.spread(o, in.Group)
	} else {
		o.part.op, o.part.entity = o, e.entity(in.Space, in.Entity)
	}
	o.more().id = in.ID
	last := max(e.seq, in.Seq)
	e.admit(o, in.Pos)
	o.seq, e.seq = in.Seq, last
	o.takeUp(in.Kept, e.now)
	outlived := in.Acked && e.era != e.cfg.Era
	if outlived {
		o.unknown, o.burst = true, e.now
	}
	o.journal = journaled
	var misfits []*part // refold finds and reports them
	o.parts(func(p *part) {
		p.entity.latest = max(p.entity.latest, o.Timestamp)
		value, presence := e.beforePos(p.entity, o.pos)
		var err error
		if p.after, p.presence, err = p.refold(value, presence); err != nil {
			misfits = append(misfits, p)
		}
	})
	o.setBehind(priorInSlot(o, o.part.entity.before(o.pos)))
	e.enter(o, in.After)
	switch stands := o.Stands(); {
	case !in.Stands:
		o.parts(func(p *part) { p.stands = false })
	case !stands && lost == nil:
		lost = ErrDependency // the creation has come to nothing meanwhile
	}
	for _, p := range misfits {
		e.markDirty(p.entity, p)
	}
	switch {
	case in.Parked:
		e.park(o, in.Err)
	case outlived:
		e.keep(o)
	case in.Acked && in.Guess:
		e.ackGuess(o)
		o.ext.silent = in.Silent
	case in.Acked && in.Version <= o.part.entity.version:
		e.confirm(o, o.part.entity) // truth came before
	case in.Acked:
		e.ack(o, in.Version)
		o.ext.silent = in.Silent
	}
	if lost != nil {
		e.condemn(o, nil, lost)
	}
	e.rebase(o)
	return nil
}

// journaled lets operations leave that waited for their records.
func (e *Engine) journaled(in *Journaled) {
	for _, o := range in.Ops {
		o.journal = journaled
		if o.state == Waiting {
			e.wakeOp(o)
		}
	}
}
