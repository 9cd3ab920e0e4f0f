package engine

import "slices"

// batch accepts all or none. It first tries the operations on the views; after that
// none can be refused.
func (e *Engine) batch(in *Batch) error {
	type seen struct {
		value    any
		presence Presence
		more     int
		ops      []*Op // earlier ones of the batch
		alone    bool  // one of them commutes with nothing
		made     *Type // the last of them that makes the entity, unless one removes it again
		removed  bool  // the last of them that makes or removes the entity removes it
	}
	views := make(map[*Entity]seen)
	more := 0
	for i := range in.Items {
		in.Refused = i
		item := &in.Items[i]
		if err := e.resolveAfter(item); err != nil {
			return err
		}
		need := 1
		var needed []*Op // by earlier ones of the batch
		for _, b := range in.Items[:i] {
			needed = append(needed, b.After...)
		}
		if older := priorOf(item); older != nil {
			if s := views[older.part.entity]; !s.alone && takesPlace(item.Op, older, s.ops, slices.Contains(needed, older)) {
				need = 0
			}
		}
		if ent := item.found(); ent != nil && len(views[ent].ops) == 0 {
			c, _ := e.revokedBy(item.Op, ent, item.After)
			if c != nil && !slices.ContainsFunc(needed, func(d *Op) bool { return c.covers(d) }) {
				need = 0
			}
		}
		if more += need; e.pending+more > e.cfg.MaxPending {
			return ErrQueueFull
		}
		parts := item.Parts()
		if err := checkParts(parts); err != nil {
			return err
		}
		for _, m := range parts {
			ent := e.entity(m.Space, m.Entity)
			e.touch(ent)
			s, ok := views[ent]
			if !ok {
				s.value, s.presence = ent.View()
			}
			if s.more += need; int(ent.unended)+s.more > e.cfg.MaxPerEntity {
				return ErrQueueFull
			}
			trial := Op{Type: item.Op.Type, Args: item.Op.Args}
			trial.part.op, trial.part.entity = &trial, ent
			if len(item.Group) > 0 {
				trial.more().first = m
				trial.ext.group = make([]groupPart, 1) // marks it as a group
			}
			err := checkStored(item.Op, m.Kind, ent, ent.last)
			switch {
			case m.Kind == Create:
				s.made, s.removed = item.Op.Type, false
			case s.made != nil && ent.presence != Present:
				err = checkStoredOn(item.Op.Type, s.made)
			case s.removed:
				err = nil
			}
			if err == nil && s.made == nil {
				err = checkNamed(m.Kind, ent)
			}
			if m.Kind == Delete {
				s.made, s.removed = nil, true
			}
			if err != nil {
				return err
			}
			if s.value, s.presence, err = trial.part.fold(s.value, s.presence); err != nil {
				return err
			}
			s.ops = append(s.ops, item.Op)
			s.alone = s.alone || len(item.Group) > 0 || item.Op.standsAlone()
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

// takesPlace reports whether o will join an older operation of its slot, or stand in its
// place, so that it needs no room. ops are the operations of the batch that come before o
// in its entity, and might prevent it; needed says that one of them depends on the older
// operation, which may then have to stay.
func takesPlace(o, older *Op, ops []*Op, needed bool) bool {
	for _, b := range ops {
		if b.sharesSlot(o) {
			return false
		}
	}
	if joins(older, o) {
		return true
	}
	if needed || older.frozen() {
		return false
	}
	trial := Op{Type: o.Type, Args: o.Args, Slot: o.Slot}
	switch m := merged(older, o); m.Rule {
	case Separate:
		return false
	case Annihilate:
		return true
	case TakeFirst:
		trial.Type, trial.Args = older.Type, m.Args
	case TakeSecond:
		if m.Changed {
			trial.Args = m.Args
		}
	}
	return trial.fitsInPlaceOf(older) == nil
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
	e.emit(Effect{Kind: OpAccepted, Op: o})
	e.settle(o, RolledBack, err, nil)
}
