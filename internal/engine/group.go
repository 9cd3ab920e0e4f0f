package engine

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

// spread makes the parts of a group.
func (e *Engine) spread(o *Op, group []Member) {
	x := o.more()
	x.first = group[0]
	x.group = make([]groupPart, len(group)-1)
	o.part.op, o.part.entity = o, e.entity(group[0].Space, group[0].Entity)
	for i, m := range group[1:] {
		x.group[i] = groupPart{kind: m.Kind, apply: m.Apply}
		x.group[i].op, x.group[i].index = o, uint8(i+1)
		x.group[i].entity = e.entity(m.Space, m.Entity)
	}
}

// executeGroup accepts one operation in several entities. It coalesces with nothing.
func (e *Engine) executeGroup(in *Execute) error {
	o := in.Op
	if err := checkMembers(in.Group); err != nil {
		return err
	}
	e.spread(o, in.Group)
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
		in.Refused = i
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
