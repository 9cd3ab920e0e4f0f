package engine

// checkParts reports a group that cannot work.
func checkParts(group []Part) error {
	if len(group) > 200 {
		return ErrGroupTooWide
	}
	for i, m := range group {
		for _, other := range group[:i] {
			if other.Space == m.Space && m.Space.sameEntity(other.Entity, m.Entity) {
				return ErrGroupTooWide
			}
		}
	}
	return nil
}

// spread makes the parts of a group.
func (e *Engine) spread(o *Op, group []Part) {
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
	if err := checkParts(in.Group); err != nil {
		return err
	}
	e.spread(o, in.Group)
	o.parts(func(p *part) { o.raiseTimestamp(p.entity) })
	o.parts(func(p *part) { p.entity.latest = o.Timestamp })
	var err error
	var was []Was
	o.parts(func(p *part) {
		e.touch(p.entity)
		if err == nil {
			err = e.room(p.entity, 1)
		}
		if err == nil {
			err = checkNamed(p.kind(), p.entity)
		}
		if err == nil {
			err = checkStored(o, p.kind(), p.entity, p.entity.last)
		}
		if err == nil {
			value, presence := p.entity.View()
			if o.Type.Undoable {
				was = append(was, Was{value, presence})
			}
			p.after, p.presence, err = p.fold(value, presence)
		}
	})
	if err != nil {
		return err
	}
	e.remember(&before{op: o, value: was})
	e.admit(o, 0)
	o.burst = e.now
	o.due = o.Type.Debounce.due(e.now, e.now, true)
	e.enter(o, in.After)
	return nil
}

// Creates reports whether the operation makes an entity.
func (o *Op) Creates() (creates bool) {
	if !o.Group() {
		return o.Type.Kind == Create
	}
	o.parts(func(p *part) { creates = creates || p.kind() == Create })
	return creates
}
