package engine

import (
	"math"

	"github.com/optimist-go/optimist/internal/errorf"
)

// before is the fold up to p, without p.
func (p *part) before() (any, Presence) {
	return p.entity.upTo(p.prev)
}

// upTo is the fold up to and with p; nil: truth.
func (ent *Entity) upTo(p *part) (any, Presence) {
	if p != nil {
		return p.after, p.presence
	}
	return ent.truth, ent.presence
}

// fold applies the part to a value. A part that shows nothing (a closure, an
// operation that opted out of optimism, a change to an entity of which nothing is
// known) gives the value back; that it applies is checked nevertheless.
func (p *part) fold(value any, presence Presence) (any, Presence, error) {
	if p.op.Type.Closure || p.contained {
		return value, presence, nil
	}
	after, afterPresence, err := p.apply(value, presence)
	if err != nil || p.op.Type.Pessimistic {
		return value, presence, err
	}
	return after, afterPresence, nil
}

// refold is fold for an operation that was accepted before. While truth is unknown,
// nobody can say that it does not apply to a value that earlier operations alone have made:
// it shows nothing, and is judged when truth comes.
func (p *part) refold(value any, presence Presence) (any, Presence, error) {
	after, afterPresence, err := p.fold(value, presence)
	if presence == Present && p.entity.presence == NotLoaded {
		err = nil
	}
	return after, afterPresence, err
}

// truthMoved notes that the truth held is another, and whether there was any.
func (e *Engine) truthMoved(ent *Entity, was Presence) {
	if ent.presence == Present {
		e.untieAll(ent)
	}
	e.markDirty(ent, ent.first)
	if was == NotLoaded {
		e.markDirty(ent, ent.last) // all are judged now, also behind a value that stays
	}
}

// apply makes of a value the one that the server has once it has the operation.
func (p *part) apply(value any, presence Presence) (any, Presence, error) {
	o := p.op
	if o.Type.Guard != nil && p.index == 0 && presence == Present {
		if err := guard(o.Type.Guard, value, o.Args); err != nil {
			return value, presence, err
		}
	}
	return p.make(value, presence)
}

// make is apply without the guard.
func (p *part) make(value any, presence Presence) (any, Presence, error) {
	o := p.op
	kind, fn := o.Type.Kind, o.Type.Apply
	if o.Group() {
		kind, fn = p.does()
	}
	if kind == Change {
		switch presence {
		case NotLoaded:
			return value, presence, nil
		case Absent:
			return value, presence, ErrAbsent
		}
	}
	if kind == Delete {
		return nil, Absent, nil
	}
	after, err := call(fn, value, o.Args)
	if err != nil {
		return value, presence, err
	}
	return after, Present, nil
}

func call(fn func(value, args any) (any, error), value, args any) (after any, err error) {
	defer func() {
		if r := recover(); r != nil {
			after, err = nil, &PanicError{r}
		}
	}()
	return fn(value, args)
}

func guard(fn func(value, args any) error, value, args any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	if err := fn(value, args); err != nil {
		return errorf.New("%w: %w", ErrGuard, err)
	}
	return nil
}

// markDirty notes that the cached values from p on may be wrong. p may be nil: only
// the view's end has moved.
func (e *Engine) markDirty(ent *Entity, p *part) {
	e.touch(ent)
	if !ent.isDirty {
		ent.isDirty = true
		ent.dirty, ent.dirtyUntil = nil, 0
		e.dirty = append(e.dirty, ent)
	}
	if p == nil {
		return
	}
	if ent.dirty == nil || p.op.pos < ent.dirty.op.pos {
		ent.dirty = p
	}
	ent.dirtyUntil = max(ent.dirtyUntil, p.op.pos)
}

// refold brings every dirty entity's cached values up to date. An operation that
// no longer applies is condemned and goes with all its parts and dependents, which
// may make other entities dirty. It looks at operations by position across all
// entities, so that none is judged on the change of an earlier one that has to go as well.
func (e *Engine) refold(cause *Op) {
	for {
		dirty := e.dirty[:0]
		for _, ent := range e.dirty {
			if ent.isDirty = ent.dirty != nil; ent.isDirty {
				dirty = append(dirty, ent)
			}
		}
		clear(e.dirty[len(dirty):])
		if e.dirty = dirty; len(dirty) == 0 {
			break
		}
		first, limit := dirty[0], uint64(math.MaxUint64)
		for _, ent := range dirty[1:] {
			if ent.dirty.op.pos < first.dirty.op.pos {
				first, limit = ent, first.dirty.op.pos
			} else {
				limit = min(limit, ent.dirty.op.pos)
			}
		}
		e.refoldEntity(first, limit, cause)
	}
	e.dirty = emptied(e.dirty)
}

// rebase brings the views up to date after a change of truth or of the operations over
// it, and settles operations that no longer apply as rolled back. cause is the operation that brought
// the change about, or nil.
func (e *Engine) rebase(cause *Op) {
	e.refold(cause)
	e.bury(cause, nil, RolledBack)
}

// refoldEntity works up to a position, or until it condemns something.
func (e *Engine) refoldEntity(ent *Entity, limit uint64, cause *Op) {
	for ent.dirty != nil && ent.dirty.op.pos <= limit {
		p := ent.dirty
		value, presence := p.before()
		after, afterPresence, err := p.refold(value, presence)
		if err != nil {
			e.condemn(p.op, cause, err) // unlinks p
			return
		}
		same := afterPresence == p.presence && (after == nil) == (p.after == nil) &&
			(after == nil || ent.space.same(after, p.after))
		p.after, p.presence = after, afterPresence
		if same && p.op.pos >= ent.dirtyUntil {
			ent.dirty = nil // the values behind are functions of this one, so they are right as they are
			return
		}
		ent.dirty = p.next
	}
}

// condemn takes an operation, its dependents and the operations that stand on it out of
// the fold. The caller refolds and then buries the victims.
func (e *Engine) condemn(o *Op, cause *Op, err error) {
	if o.condemned || o.state == Ended {
		return
	}
	o.condemned = true
	switch {
	case o.state == InFlight: // the end of its call will tell
		if o.Type.Cancel == EndCalls {
			e.emit(Effect{Kind: Abort, Op: o})
		}
	case o.mayBeDone():
		e.leaveDoubt(o)
	case o.Type.Closure:
		o.giveBaseBack()
	}
	e.victims = append(e.victims, Victim{Op: o, Cause: cause, Err: err})
	orphans := o.orphans()
	e.leaveLanes(o)
	o.parts(e.remove)
	if o.ext != nil {
		for _, n := range o.ext.dependents {
			if !e.leavesInverse(o, n) {
				e.condemn(n, o, e.dependencyErr(o, err))
			}
		}
	}
	for _, l := range orphans {
		e.sink(l, o, err)
	}
}
