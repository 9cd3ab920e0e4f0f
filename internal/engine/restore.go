package engine

// restore accepts an operation of an earlier life. Nobody knows what became of it. One
// of which an operation that it depends on has been rolled back is rolled back as well.
func (e *Engine) restore(in *Restore) error {
	o := in.Op
	if err := checkMembers(in.Group); err != nil {
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
	o.left, o.unknown = in.Attempts > 0, in.Attempts > 0 && (!in.Parked || in.Unknown)
	o.calls, o.attempts = uint16(in.Attempts), 0
	o.burst, o.due = e.now, e.now
	o.stored, o.durable = true, true
	var broken []*part // refold finds and reports them
	o.parts(func(p *part) {
		p.entity.latest = max(p.entity.latest, o.Stamp)
		value, presence := e.beforePos(p.entity, o.pos)
		var err error
		if p.after, p.presence, err = p.refold(value, presence); err != nil {
			broken = append(broken, p)
		}
	})
	e.enter(o, in.After)
	if !in.Stands {
		o.parts(func(p *part) { p.stands = false })
	}
	for _, p := range broken {
		e.markDirty(p.entity, p)
	}
	if in.Parked {
		e.park(o, in.Err)
	}
	if lost != nil {
		e.condemn(o, nil, lost)
	}
	e.refold(o)
	e.bury(o, nil, Undone)
	return nil
}

// durable lets go what waited for its record.
func (e *Engine) durable(in *Durable) {
	for _, o := range in.Ops {
		o.durable = true
		if o.state == Waiting {
			e.wakeOp(o)
		}
	}
}
