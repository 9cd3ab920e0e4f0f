package optimist

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Planned is an operation that has not been executed yet, for Manager.Batch.
type Planned struct {
	m       *Manager
	handle  *Handle
	execute engine.Execute
	refused func(error) error
	err     error
}

// Plan prepares an operation for Manager.Batch. Problems show there.
func (a *Action[T, A]) Plan(id string, args A, after ...*Handle) Planned {
	if a.err != nil {
		return Planned{err: a.err}
	}
	args, err := captured(a.clone, args)
	h := newTyped(a.store.m, &a.typ, args)
	p := Planned{m: h.m, handle: h, refused: func(err error) error { return a.typ.refused(id, err) }}
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
	p := Planned{m: g.m, refused: g.refused}
	th, members, deps, err := g.prepare(args, after)
	if p.err = err; err != nil {
		return p
	}
	p.handle = &th.Handle
	p.execute = engine.Execute{Op: &th.Handle.op, Group: members, After: deps}
	return p
}

// Batch executes several operations in one step: all are applied, with one visible
// change per entity, or none. They are operations of their own afterwards, sent and
// settled one by one; a Group is what stays together. A Planned can be executed once.
func (m *Manager) Batch(ctx context.Context, plans ...Planned) ([]*Handle, error) {
	whole := func(err error) error { return &OpError{Type: "batch", Err: err} }
	if len(plans) == 0 {
		return nil, whole(errorf.New("%w: a batch of nothing", ErrInvalid))
	}
	batch := engine.Batch{Items: make([]engine.Execute, len(plans))}
	for i, p := range plans {
		switch {
		case p.err != nil && p.refused != nil:
			return nil, p.refused(p.err)
		case p.err != nil:
			return nil, p.err
		case p.handle == nil:
			return nil, whole(errorf.New("%w: plan %d is empty; Action.Plan makes one", ErrInvalid, i))
		case p.m != m:
			return nil, p.refused(errorf.New("%w: plan %d is of another manager", ErrInvalid, i))
		}
		batch.Items[i] = p.execute
	}
	over := contextErr(ctx)
	if err := m.lock(); err != nil {
		return nil, whole(err)
	}
	if err := m.acceptingLocked(over); err != nil {
		m.mu.Unlock()
		return nil, whole(err)
	}
	if i := usedLocked(plans); i >= 0 {
		m.mu.Unlock()
		return nil, plans[i].refused(errorf.New("%w: plan %d was executed already", ErrInvalid, i))
	}
	now := time.Now()
	for _, p := range plans {
		p.handle.op.Timestamp = engine.Timestamp(m.clock.next(now))
	}
	err := m.stepLocked(now, &batch)
	m.joinedLocked() // the operations know it themselves
	markLocked(plans, err == nil)
	handles := make([]*Handle, len(plans))
	for i, p := range plans {
		handles[i] = p.handle
		if j := p.handle.op.JoinedTo(); j != nil {
			handles[i] = handleOf(j)
		}
	}
	m.unlock()
	if err != nil {
		return nil, plans[batch.Refused].refused(applyErr(err))
	}
	return handles, nil
}

// usedLocked is the first plan that was executed already or stands there twice, or -1.
func usedLocked(plans []Planned) int {
	for i, p := range plans {
		if p.handle.used {
			markLocked(plans[:i], false)
			return i
		}
		p.handle.used = true
	}
	markLocked(plans, false)
	return -1
}

func markLocked(plans []Planned, used bool) {
	for _, p := range plans {
		p.handle.used = used
	}
}
