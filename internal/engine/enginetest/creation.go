package enginetest

import (
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

func (o *op) deletes() bool { return !o.group() && o.typ.Kind == engine.Delete }

// makerBefore is the last unsettled operation before a position that makes or removes the
// entity, or nil.
func (t *Twin) makerBefore(ent *entity, pos uint64) *op {
	for _, o := range slices.Backward(t.ops) {
		if p := o.placeIn(ent); p != nil && o.pos < pos && p.kind != engine.Change {
			return o
		}
	}
	return nil
}

// creationBefore is the creation on which an operation accepted now at a position stands.
func (t *Twin) creationBefore(ent *entity, pos uint64) *op {
	c := t.makerBefore(ent, pos)
	if c == nil || c.placeIn(ent).kind != engine.Create || c.state == engine.Acked || ent.presence == engine.Present && !t.nameless(ent) {
		return nil
	}
	return c
}

// tie notes in which entities an operation, at the position it has got, stands on a creation.
func (t *Twin) tie(o *op) {
	for i := range o.places {
		p := &o.places[i]
		p.stands = p.kind != engine.Create && t.creationBefore(p.ent, o.pos) != nil
	}
}

// standsOn reports whether an operation stands on another in an entity.
func (t *Twin) standsOn(o, creation *op, ent *entity) bool {
	p := o.placeIn(ent)
	return p != nil && p.stands && t.makerBefore(ent, o.pos) == creation
}

// standing are the operations that stand on a creation, in order.
func (t *Twin) standing(creation *op) (all []*op) {
	for _, o := range t.ops {
		if slices.ContainsFunc(creation.places, func(p place) bool { return t.standsOn(o, creation, p.ent) }) {
			all = append(all, o)
		}
	}
	return all
}

// untie: the server has the creation.
func (t *Twin) untie(creation *op) {
	for _, o := range t.standing(creation) {
		for _, p := range creation.places {
			if t.standsOn(o, creation, p.ent) {
				o.placeIn(p.ent).stands = false
			}
		}
	}
}

// tiesEnd: operations of an entity that the server holds stand on no creation.
func (t *Twin) tiesEnd(ent *entity) {
	if ent.presence != engine.Present || t.nameless(ent) {
		return
	}
	for _, o := range t.ops {
		if p := o.placeIn(ent); p != nil {
			p.stands = false
		}
	}
}

func (t *Twin) checkStored(o *op) error {
	for _, p := range o.places {
		c := t.creationBefore(p.ent, ^uint64(0))
		if o.typ.Stored && p.kind != engine.Create && c != nil && !c.typ.Stored {
			return fmt.Errorf("%w: %s on %s", engine.ErrUnstored, o.typ.Name, c.typ.Name)
		}
	}
	return nil
}

// deletionBehind: the next operation that makes or removes an entity made by creation
// removes it.
func (t *Twin) deletionBehind(creation *op) bool {
	return slices.ContainsFunc(creation.places, func(p place) bool {
		return p.kind == engine.Create && slices.ContainsFunc(t.ops, func(o *op) bool {
			return o.deletes() && o.placeIn(p.ent) != nil && o.pos > creation.pos && t.makerBefore(p.ent, o.pos) == creation
		})
	})
}

// revokedBy is the creation that a deletion ends without a call: it cannot be on the
// server. clean: nor can anything else that the deletion would have to remove.
func (t *Twin) revokedBy(o *op) (c *op, clean bool) {
	ent := o.places[0].ent
	if c = t.makerBefore(ent, ^uint64(0)); !o.deletes() || c == nil || c.placeIn(ent).kind != engine.Create {
		return nil, false
	}
	refused := c.state == engine.Parked && !c.mayBeDone()
	if c.left && !refused || sharesSlot(c, o) && hasRule(c, o) && mergeRule(c, o).Rule == engine.Separate {
		return nil, false
	}
	_, presence := t.foldBefore(ent, c.pos)
	earlier := t.makerBefore(ent, c.pos)
	clean = presence != engine.Present && !t.inDoubt(o) && t.nobodyElse(c, o) && (earlier == nil || earlier.placeIn(ent).kind == engine.Delete)
	if !clean && (!refused || len(o.deps) > 0) {
		return nil, false
	}
	return c, clean
}

// revoke ends such a creation.
func (t *Twin) revoke(o *op) (done bool, err error) {
	ent := o.places[0].ent
	c, clean := t.revokedBy(o)
	if c == nil {
		return false, nil
	}
	value, presence := t.foldBefore(ent, c.pos)
	earlier := t.makerBefore(ent, c.pos)
	shown, shownPresence := t.view(ent)
	if _, _, err := o.places[0].do(o, shown, shownPresence); err != nil {
		return false, err
	}
	if _, _, err := o.places[0].do(o, value, presence); err != nil {
		return false, err
	}
	f := found{value: shown, presence: shownPresence, sweeping: true}
	successor := o
	if clean && earlier != nil {
		successor = earlier
	}
	t.endCreation(c, successor)
	t.purge(o)
	t.bury(engine.RolledBack)
	switch {
	case !clean:
		t.remember(o, f)
	case successor == o:
		t.remember(o, f)
		t.confirmUnsent(o)
	default:
		t.join(successor, o)
	}
	return clean, err
}

// nobodyElse: everything from the creation on is of its entity alone, has reached nobody,
// and is needed by nobody else; nor does the deletion need anything else.
func (t *Twin) nobodyElse(c, deletion *op) bool {
	ent := deletion.places[0].ent
	ours := func(o *op) bool { return !o.group() && o.placeIn(ent) != nil && o.pos >= c.pos }
	for _, o := range t.ops {
		for _, d := range o.deps {
			if d.placeIn(ent) != nil && d.pos >= c.pos && !ours(o) {
				return false
			}
		}
		if o.placeIn(ent) == nil || o.pos < c.pos {
			continue
		}
		if !ours(o) || o.left && o.state != engine.Parked || o.mayBeDone() {
			return false
		}
	}
	return !slices.ContainsFunc(deletion.deps, func(d *op) bool { return !ours(d) })
}

// endCreation: a creation and the operations that stand on it are superseded by a deletion;
// groups among them, and operations that depend on any of them, are rolled back.
func (t *Twin) endCreation(c, deletion *op) {
	all := append([]*op{c}, t.standing(c)...)
	for _, o := range slices.Backward(all) {
		switch {
		case o == deletion || !slices.Contains(t.ops, o):
		case o != c && o.group():
			t.condemn(o, c, engine.ErrDependency)
		default:
			for _, n := range slices.Clone(t.ops) {
				if n != deletion && slices.Contains(n.deps, o) {
					t.condemn(n, o, engine.ErrDependency)
				}
			}
			o.successor = deletion
			t.end(o, engine.Superseded)
		}
	}
}
