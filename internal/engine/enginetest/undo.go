package enginetest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// found is what an operation found when it was accepted.
type found struct {
	value      any
	presence   engine.Presence
	superseded *op
	sweeping   bool // it ended a creation and all that stood on it
}

// remember keeps it, for the newest hundred operations that can be undone.
func (t *Twin) remember(o *op, f found) {
	if !o.typ.Undoable || o.found != nil {
		return
	}
	o.found = &f
	if t.remembered = append(t.remembered, o); len(t.remembered) > 100 {
		t.remembered[0].found = nil
		t.remembered = t.remembered[1:]
	}
}

func (t *Twin) forgetAll() {
	for _, o := range t.remembered {
		o.found = nil
	}
	t.remembered = nil
}

// undone is the operation that undid this one, unless it came to nothing or was undone.
func (o *op) undone() *op {
	by := o.undoneBy
	if by == nil || by.outcome == engine.Cancelled || by.outcome == engine.RolledBack || by.undone() != nil {
		return nil
	}
	return by
}

func (t *Twin) undoing(o *op) (u engine.Undoing, err error) {
	if by := o.undone(); by != nil {
		return engine.Undoing{By: by.real}, nil
	}
	if o.outcome == engine.Cancelled || o.outcome == engine.RolledBack {
		return engine.Undoing{By: o.real}, nil
	}
	f := o.found
	switch {
	case o.state == engine.Parked:
		return engine.Undoing{Way: engine.TakeOut}, nil
	case o.state == engine.Waiting && !o.left:
		if f != nil && f.superseded != nil {
			return engine.Undoing{Way: engine.PutBack, Wish: f.superseded.real}, nil
		}
		if f == nil || !f.sweeping {
			return engine.Undoing{Way: engine.TakeOut}, nil
		}
	case o.state == engine.Ended && f == nil:
		return u, engine.ErrSettled
	}
	if t.changedSince(o) {
		return u, engine.ErrChangedSince
	}
	u.Way = engine.Invert
	if f != nil {
		u.Value, u.Presence = f.value, f.presence
	} else {
		u.Value, u.Presence = o.seen(func(ent *entity) (any, engine.Presence) { return t.foldBefore(ent, o.pos) })
	}
	return u, nil
}

// seen is what look says of the operation's entity, or of all entities of a group.
func (o *op) seen(look func(*entity) (any, engine.Presence)) (any, engine.Presence) {
	if !o.group() {
		return look(o.places[0].ent)
	}
	var was []engine.Was
	for i := range o.places {
		value, presence := look(o.places[i].ent)
		was = append(was, engine.Was{Value: value, Presence: presence})
	}
	return was, engine.NotLoaded
}

// sameUndoing reports whether both say the same. Lists of values cannot be compared by ==.
func sameUndoing(a, b engine.Undoing) bool {
	values := reflect.DeepEqual(a.Value, b.Value)
	a.Value, b.Value = nil, nil
	return values && a == b
}

func (t *Twin) changedSince(o *op) bool {
	if o.typ.Pessimistic && o.state != engine.Ended {
		return slices.ContainsFunc(t.ops, func(later *op) bool {
			return later.pos > o.pos && later.placeIn(o.places[0].ent) != nil && sharesSlot(o, later)
		})
	}
	for i := range o.places {
		p := &o.places[i]
		value, presence := t.view(p.ent.now())
		if presence == engine.NotLoaded {
			continue
		}
		if so, known := p.wants(o, value, presence); known && !so {
			return true
		}
	}
	return false
}

func (t *Twin) undo(in *engine.Undo) error {
	o := t.of[in.Op]
	u, err := t.undoing(o)
	if err != nil {
		return err
	}
	var real *engine.Op
	switch u.Way {
	case engine.NothingToUndo:
		in.By = u.By
		return nil
	case engine.TakeOut:
		in.By = o.real
		t.condemn(o, nil, nil)
		t.purge(o)
		t.bury(engine.Cancelled)
		return nil
	case engine.PutBack:
		real = in.Earlier
		ent := o.places[0].ent
		n := t.newOp(&engine.Execute{Space: ent.space, Entity: ent.id, Op: real})
		value, presence := t.foldBefore(ent, o.pos)
		if _, _, err := n.places[0].do(n, value, presence); err != nil {
			return err
		}
		n.raiseTimestamp()
		t.newest = n
		if err := t.supersede(o, n, engine.Merged{Rule: engine.TakeSecond}); err != nil {
			return err
		}
	case engine.Invert:
		real = in.Inverse.Op
		if c := t.creationOf(in.Inverse); o.state != engine.Ended && (c != o || real.Type.Kind != engine.Delete) {
			in.Inverse.After = append(in.Inverse.After, in.Op)
		}
		if err := t.execute(in.Inverse); err != nil {
			return err
		}
	}
	by := t.of[real]
	if by == nil { // it was never accepted, for it joined another
		by = t.newest.successor
	}
	by.undoneBy = nil // the inverse may have joined it, so its wish holds again
	o.undoneBy, in.By = by, by.real
	return nil
}

// creationOf is the creation on which a single operation would stand, or nil.
func (t *Twin) creationOf(in *engine.Execute) *op {
	if len(in.Group) > 0 {
		return nil
	}
	return t.creationBefore(t.entity(in.Space, in.Entity), ^uint64(0))
}

// undo makes an input that undoes an operation, once both say alike how it would be undone.
func (d *Driver) undo(o *engine.Op) error {
	u, err := d.engine.Undoing(o)
	want, wantErr := d.twin.undoing(d.twin.of[o])
	if !sameUndoing(u, want) || err != wantErr {
		return fmt.Errorf("of %v the engine would undo %+v, %v, the twin %+v, %v", d.names([]*engine.Op{o}), u, err, want, wantErr)
	}
	in := &engine.Undo{Op: o}
	switch u.Way {
	case engine.PutBack:
		in.Earlier = d.fresh(u.Wish.Type, u.Wish.Args.(Args), u.Wish.Slot)
	case engine.Invert:
		a := o.Args.(Args)
		was, _ := u.Value.(Value)
		typ := o.Type
		switch typ {
		case Like:
			a.On = was.Likes[a.I]
		case Save:
			a.On = was.Saves[a.I]
		case Add, Sum:
			a.N = -a.N
		case CreateDoc:
			typ, a = DeleteDoc, Args{}
		case DeleteDoc:
			typ, a.Text = CreateDoc, was.Doc
		case Edit, Rename:
			a.Text = was.Doc
		case Found:
			typ = Drop
		case Group:
			a.On, a.N = !a.On, -a.N
		}
		in.Inverse = &engine.Execute{Space: d.space, Entity: o.Entity().ID(), Op: d.fresh(d.making(typ, o.Entity().ID()), a, o.Slot)}
		if parts := d.membersOf[o]; len(parts) > 0 {
			if d.toldSame() {
				return nil // one entity cannot be twice in a group
			}
			in.Inverse.Group = slices.Clone(parts)
			d.membersOf[in.Inverse.Op] = parts
		}
	}
	return d.step(in)
}
