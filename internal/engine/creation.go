package engine

import (
	"slices"

	"github.com/optimist-go/optimist/internal/errorf"
)

// Operations stand on a creation: they change an entity that nobody has seen on the
// server, because an operation that makes it is still unsettled. Such an operation is not
// sent before the creation, waits while the creation waits for a person, and goes with it
// when it comes to nothing. A deletion differs: when the creation comes to nothing, there
// is nothing to delete.
//
// The tie is one bit (part.stands). The creation itself is found by looking back: it is
// the nearest earlier part that makes or removes the entity. The tie ends when the server
// has the creation, or is known to hold the entity.

// kind is the part's effect on the existence of its entity.
func (p *part) kind() Kind {
	if p.op.Group() {
		kind, _ := p.does()
		return kind
	}
	return p.op.Type.Kind
}

// does is the group's Part for this entity.
func (p *part) does() (Kind, func(value, args any) (any, error)) {
	x := p.op.ext
	if p.index > 0 {
		g := &x.group[p.index-1]
		return g.kind, g.apply
	}
	return x.first.Kind, x.first.Apply
}

// deletes reports whether the operation removes one entity, and does nothing else.
func (o *Op) deletes() bool { return o.Type.Kind == Delete && !o.Group() }

// maker is the nearest part from p backwards that makes or removes the entity, or nil.
func maker(p *part) *part {
	for ; p != nil; p = p.prev {
		if p.kind() != Change {
			return p
		}
	}
	return nil
}

// creationUpTo is the creation on which an operation behind p stands, or nil.
func (ent *Entity) creationUpTo(p *part) *part {
	if ent.creations == 0 || ent.presence == Present && !ent.Nameless() {
		return nil
	}
	if c := maker(p); c != nil && c.kind() == Create && c.op.state != Acked {
		return c
	}
	return nil
}

// Parts are the entities of an operation that was not accepted yet.
func (in *Execute) Parts() []Part {
	if len(in.Group) > 0 {
		return in.Group
	}
	return []Part{{Space: in.Space, Entity: in.Entity, Kind: in.Op.Type.Kind, Apply: in.Op.Type.Apply}}
}

// HasCreation reports whether there is a creation on which the operation would stand.
func (in *Execute) HasCreation() bool {
	return slices.ContainsFunc(in.Parts(), func(m Part) bool {
		ent := m.Space.Find(m.Entity)
		return ent != nil && m.Kind != Create && ent.creationUpTo(ent.last) != nil
	})
}

// creation is the part on which p stands, or nil.
func (p *part) creation() *part {
	if !p.stands {
		return nil
	}
	return maker(p.prev)
}

// standing calls f for every part that stands on c, in order. f may unlink its part.
func (c *part) standing(f func(*part)) {
	if c.kind() != Create {
		return
	}
	for p := c.next; p != nil; {
		next, last := p.next, p.kind() != Change
		if p.stands {
			f(p)
		}
		if last {
			return
		}
		p = next
	}
}

// checkStored refuses a stored operation on a creation that is not stored: a restart
// would lose the creation. before is the part behind which it will stand.
func checkStored(o *Op, kind Kind, ent *Entity, before *part) error {
	if c := ent.creationUpTo(before); c != nil && kind != Create {
		return checkStoredOn(o.Type, c.op.Type)
	}
	return nil
}

func checkStoredOn(typ, creation *Type) error {
	if typ.Stored && !creation.Stored {
		return errorf.New("%w: %q is stored, and the creation %q on which it stands is not", ErrUnstored, typ.Name, creation.Name)
	}
	return nil
}

// untie ends the ties to the creations of an operation that the server has.
func (e *Engine) untie(o *Op) {
	if o.Creates() {
		o.parts(func(c *part) { c.standing(e.free) })
	}
}

// untieAll ends the ties in an entity that the server is known to hold.
func (e *Engine) untieAll(ent *Entity) {
	if ent.creations == 0 || ent.Nameless() {
		return
	}
	for p := ent.first; p != nil; p = p.next {
		e.free(p)
	}
}

// free ends the tie of one part.
func (e *Engine) free(p *part) {
	if !p.stands {
		return
	}
	p.stands = false
	e.freed(p.op)
}

// freed lets an operation go on that stands on one creation less.
func (e *Engine) freed(o *Op) {
	e.rejoin(o)
	e.keep(o)
}

// orphan is an operation whose creation comes to nothing.
type orphan struct {
	part    *part
	reached bool // the server may have the creation
}

// orphans are the parts that stand on the operation's creations.
func (o *Op) orphans() (all []orphan) {
	if !o.Creates() {
		return nil
	}
	reached := o.mayBeDone() || o.state == InFlight
	o.parts(func(c *part) {
		if c.nameless() { // also operations behind a deletion cannot say of what they are
			for p := c.next; p != nil && p.kind() != Create; p = p.next {
				all = append(all, orphan{p, reached})
			}
			return
		}
		c.standing(func(p *part) { all = append(all, orphan{p, reached}) })
	})
	return all
}

// sink takes along an operation that stood on a creation. A deletion stays until the views are right.
func (e *Engine) sink(l orphan, creation *Op, why error) {
	switch o := l.part.op; {
	case !o.deletes():
		e.condemn(o, creation, e.dependencyErr(creation, why))
	case o.state != Ended && !o.condemned:
		l.part.stands = false
		e.orphans = append(e.orphans, l)
	}
}

// endOrphans ends the deletions that have nothing to delete any more. Those for which the
// server may hold something are sent.
func (e *Engine) endOrphans(cause *Op) {
	for i := 0; i < len(e.orphans); i++ { // one that goes along may add some
		l := e.orphans[i]
		o := l.part.op
		if o.state == Ended || o.condemned {
			continue
		}
		_, presence := l.part.before()
		if (l.reached || presence == Present || l.part.entity.inDoubt()) && !l.part.entity.Nameless() {
			e.freed(o)
			continue
		}
		e.leaveLanes(o)
		e.remove(l.part)
		e.settle(o, Confirmed, nil, nil)
		e.refold(cause)
	}
	e.orphans = emptied(e.orphans)
}

// deletionBehind reports whether a deletion follows an operation that makes its entity:
// nobody needs to decide about the making then.
func (o *Op) deletionBehind() (found bool) {
	o.parts(func(c *part) {
		if c.kind() != Create {
			return
		}
		next := c.next
		for next != nil && next.kind() == Change {
			next = next.next
		}
		found = found || next != nil && next.op.deletes()
	})
	return found
}

// revokedBy finds the creation that a deletion ends without a call: it was never sent,
// or was refused for good. clean: the server then has nothing that the deletion would
// have to remove.
func (e *Engine) revokedBy(o *Op, ent *Entity, after []*Op) (c *part, clean bool) {
	if ent.creations == 0 || !o.deletes() {
		return nil, false
	}
	c = maker(ent.last)
	if c == nil || c.kind() != Create {
		return nil, false
	}
	refused := c.op.state == Parked && !c.op.mayBeDone()
	if c.op.left && !refused || o.sharesSlot(c.op) && hasRule(c.op, o) && mergeRule(c.op, o).Rule == Separate {
		return nil, false
	}
	earlier := maker(c.prev)
	_, presence := c.before()
	clean = presence != Present && !ent.inDoubt() && c.alone() && c.covers(after...) && (earlier == nil || earlier.kind() == Delete)
	if !clean && (!refused || len(after) > 0) {
		return nil, false
	}
	return c, clean
}

// revoke carries out a deletion that ends a creation without a call. done: nothing else
// is left to do.
func (e *Engine) revoke(in *Execute) (done bool, err error) {
	o, ent := in.Op, in.Op.part.entity
	c, clean := e.revokedBy(o, ent, in.After)
	if c == nil {
		return false, nil
	}
	// Whether it is accepted depends on the view, and on the state that it will meet.
	value, presence := ent.View()
	found := before{op: o, value: value, presence: presence, sweeping: true}
	if _, _, err = o.part.fold(value, presence); err == nil {
		value, presence = c.before()
		_, _, err = o.part.fold(value, presence)
	}
	if err != nil {
		return false, err
	}
	successor := o
	if earlier := maker(c.prev); clean && earlier != nil {
		successor = earlier.op
	}
	e.endCreation(c, successor)
	e.refold(o)
	e.bury(c.op, nil, RolledBack)
	switch {
	case !clean: // it is sent
		e.remember(&found)
	case successor == o:
		e.remember(&found)
		e.settleUnsent(o)
	default:
		e.join(successor, o)
	}
	return clean, nil
}

// alone reports whether c and all parts behind it are of this entity alone, and the
// server cannot have their operations.
func (c *part) alone() bool {
	for p := c; p != nil; p = p.next {
		if !c.covers(p.op) || p.op.left && p.op.state != Parked || p.op.mayBeDone() {
			return false
		}
		if p.op.ext == nil {
			continue
		}
		for _, n := range p.op.ext.dependents {
			if n.state != Ended && !c.covers(n) {
				return false
			}
		}
	}
	return true
}

// covers reports whether operations are of the entity of c alone, and not before c.
func (c *part) covers(ops ...*Op) bool {
	for _, o := range ops {
		if o.Group() || o.part.entity != c.entity || o.pos < c.op.pos {
			return false
		}
	}
	return true
}

// endCreation ends a creation and the operations on it as superseded by a deletion, last
// first. Groups among them, and operations that depend on one of them, are condemned.
// The caller refolds, and buries the victims.
func (e *Engine) endCreation(c *part, deletion *Op) {
	ops := []*Op{c.op}
	c.standing(func(p *part) {
		if p.op != deletion {
			ops = append(ops, p.op)
		}
	})
	for i := len(ops) - 1; i >= 0; i-- {
		o := ops[i]
		if o.state == Ended || o.condemned {
			continue
		}
		if o != c.op && o.Group() {
			e.condemn(o, c.op, e.dependencyErr(c.op, nil))
			continue
		}
		var dependents []*Op
		if o.ext != nil {
			dependents = o.ext.dependents
		}
		for _, n := range dependents {
			if n != deletion {
				e.condemn(n, o, e.dependencyErr(o, nil))
			}
		}
		e.leaveLanes(o)
		o.parts(e.remove)
		e.settle(o, Superseded, nil, deletion)
	}
}
