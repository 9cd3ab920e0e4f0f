package optimist

import (
	"context"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Planned is an operation that has not been executed yet, for Manager.Batch.
type Planned struct {
	m       *Manager
	typ     *opType // nil: the definition cannot work, and err says so
	handle  *Handle
	execute engine.Execute
	err     error
}

func (p *Planned) refused(err error) error {
	if p.typ == nil {
		return err
	}
	return p.typ.refused(p.execute.Entity, err)
}

// Plan prepares an operation for Manager.Batch. Problems show there.
func (a *Action[T, A]) Plan(id string, args A, after ...*Handle) Planned {
	if a.err != nil {
		return Planned{err: a.err}
	}
	args, err := captured(a.clone, args)
	h := newTyped(a.store.m, &a.typ, args)
	p := Planned{m: h.m, typ: &a.typ, handle: h}
	var deps []*engine.Op
	if id == "" {
		err = errorf.New("%w: the id is empty", ErrInvalid)
	}
	if err == nil {
		_, err = a.typ.prepare(&h.op)
	}
	if err == nil {
		deps, err = opsOf(p.m, after)
	}
	p.err = err
	p.execute = engine.Execute{Space: a.store.space, Entity: id, Op: &h.op, After: deps}
	return p
}

// Plan prepares an operation for Manager.Batch. Problems show there.
func (g *GroupAction[A]) Plan(args A, after ...*Handle) Planned {
	p := Planned{m: g.m, typ: &g.typ}
	th, members, deps, err := g.prepare(args, after)
	if p.err = err; err != nil {
		return p
	}
	p.handle = &th.Handle
	p.execute = engine.Execute{Op: &th.Handle.op, Group: members, After: deps}
	return p
}

// Batch executes several operations in one step: all are applied, with one visible change per
// entity, or none. They are operations of their own afterwards, sent and settled one by one;
// operations that have to stay together are a [Group]. A Planned can be executed once.
func (m *Manager) Batch(ctx context.Context, plans ...Planned) ([]*Handle, error) {
	whole := func(err error) error { return refused("batch", "", err) }
	if len(plans) == 0 {
		return nil, whole(errorf.New("%w: a batch of nothing", ErrInvalid))
	}
	batch := engine.Batch{Items: make([]engine.Execute, len(plans))}
	for i, p := range plans {
		switch {
		case p.err != nil:
			return nil, p.refused(p.err)
		case p.handle == nil:
			return nil, whole(errorf.New("%w: plan %d is empty; Action.Plan makes one", ErrInvalid, i))
		case p.m != m:
			return nil, p.refused(errorf.New("%w: plan %d is of another manager", ErrInvalid, i))
		}
		batch.Items[i] = p.execute
	}
	e := entry{over: contextErr(ctx), other: &batch, ops: make([]*engine.Op, len(plans))}
	for i, p := range plans {
		e.ops[i] = &p.handle.op
	}
	used, passed := -1, false
	err := m.accept(&e, func() error {
		passed = true
		if used = useLocked(plans); used >= 0 {
			return errorf.New("%w: plan %d was executed already", ErrInvalid, used)
		}
		return nil
	})
	switch {
	case used >= 0:
		return nil, plans[used].refused(err)
	case err != nil && passed:
		m.mu.Lock()
		markLocked(plans, false)
		m.mu.Unlock()
		return nil, plans[batch.Refused].refused(err)
	case err != nil:
		return nil, whole(err)
	}
	handles := make([]*Handle, len(plans))
	for i, p := range plans {
		handles[i], _ = p.handle.shared()
	}
	return handles, nil
}

// useLocked marks plans as used. It marks none, and returns the first, if one was executed
// already or stands there twice; else it returns -1.
func useLocked(plans []Planned) int {
	for i, p := range plans {
		if p.handle.used {
			markLocked(plans[:i], false)
			return i
		}
		p.handle.used = true
	}
	return -1
}

func markLocked(plans []Planned, used bool) {
	for _, p := range plans {
		p.handle.used = used
	}
}
