package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// batch is all or nothing: each operation is tried on the value that the ones before it
// leave.
func (t *Twin) batch(in *engine.Batch) (err error) {
	type look struct {
		value    any
		presence engine.Presence
		n        int
		maker    *op // the last of the batch that makes or removes the entity
	}
	looks := make(map[*entity]look)
	var earlier []*op
	pending := len(t.ops)
	for i := range in.Items {
		o := t.newOp(&in.Items[i])
		if o.deps, err = t.dependencies(in.Items[i].After, o.typ.Stored); err != nil {
			return err
		}
		need := 0
		if t.needsRoom(o, earlier) {
			need = 1
		}
		earlier = append(earlier, o)
		if pending += need; pending > t.cfg.MaxPending {
			return engine.ErrQueueFull
		}
		for j := range o.places {
			p := &o.places[j]
			l, ok := looks[p.ent]
			if !ok {
				l.value, l.presence = t.view(p.ent)
				l.n = t.count(p.ent, func(*op) bool { return true })
			}
			if l.n += need; l.n > t.cfg.MaxPerEntity {
				return engine.ErrQueueFull
			}
			c := l.maker
			if c != nil && (c.placeIn(p.ent).kind != engine.Create || p.ent.presence == engine.Present) {
				c = nil
			} else if c == nil {
				c = t.creationBefore(p.ent, ^uint64(0))
			}
			if c != nil && p.kind != engine.Create && o.typ.Stored && !c.typ.Stored {
				return engine.ErrUnstored
			}
			if made := l.maker != nil && l.maker.placeIn(p.ent).kind == engine.Create; !made && p.kind != engine.Create && t.nameless(p.ent) && !t.isMade(p.ent) {
				return engine.ErrAbsent
			}
			if p.kind != engine.Change {
				l.maker = o
			}
			after, afterPresence, err := p.do(o, l.value, l.presence)
			if err != nil {
				return err
			}
			if !o.typ.Pessimistic {
				l.value, l.presence = after, afterPresence
			}
			looks[p.ent] = l
		}
	}
	for i := range in.Items {
		if err := t.execute(&in.Items[i]); err != nil {
			o := t.newOp(&in.Items[i]) // an earlier one took its ground away
			t.admit(o, 0)
			t.end(o, engine.RolledBack)
		}
	}
	return nil
}

// needsRoom reports whether an operation of a batch will be one more, as far as the
// operations before it in the batch leave that certain.
func (t *Twin) needsRoom(o *op, earlier []*op) bool {
	if c, _ := t.revokedBy(o); c != nil && !slices.ContainsFunc(earlier, func(e *op) bool {
		return shareEntity(o, e) || slices.ContainsFunc(e.deps, func(d *op) bool { return !d.group() && shareEntity(o, d) && d.pos >= c.pos })
	}) {
		return false
	}
	older := t.priorInSlot(o, ^uint64(0))
	if o.group() || o.slot == "" || o.typ.Barrier || len(o.deps) > 0 || older == nil {
		return true
	}
	if slices.ContainsFunc(earlier, func(e *op) bool {
		return shareEntity(o, e) && (e.commutesWithNothing() || sharesSlot(o, e))
	}) {
		return true
	}
	if joins(older, o) {
		return false
	}
	if older.frozen() || slices.ContainsFunc(earlier, func(e *op) bool { return slices.Contains(e.deps, older) }) {
		return true
	}
	merged := *o
	merged.places = slices.Clone(o.places)
	switch m := t.mergeNow(older, o); m.Rule {
	case engine.Separate:
		return true
	case engine.Annihilate:
		return false
	case engine.TakeFirst:
		merged.typ, merged.args = older.typ, m.Args
		merged.places[0].kind, merged.places[0].apply = merged.typ.Kind, merged.typ.Apply
	case engine.TakeSecond:
		if m.Changed {
			merged.args = m.Args
		}
	}
	value, presence := t.foldBefore(o.places[0].ent, older.pos)
	_, _, err := merged.places[0].do(&merged, value, presence)
	return err != nil
}
