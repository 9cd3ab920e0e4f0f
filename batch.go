package optimist

import (
	"context"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Batch executes several operations in one step: all are applied, with one visible change per
// entity, or none. They are operations of their own afterwards, sent and settled one by one;
// operations that have to stay together are a [Group]. A Planned can be executed once.
func (m *Manager) Batch(ctx context.Context, plans ...Planned) ([]*Handle, error) {
	whole := func(err error) error { return refused("batch", "", err) }
	if len(plans) == 0 {
		return nil, whole(errorf.New("%w: a batch of nothing", ErrInvalid))
	}
	batch := engine.Batch{Items: make([]engine.Execute, len(plans))}
	ops := make([]*engine.Op, len(plans))
	for i, p := range plans {
		switch {
		case p.err != nil:
			return nil, p.refused(p.err)
		case p.handle == nil:
			return nil, whole(errorf.New("%w: plan %d is empty; Action.Plan makes one", ErrInvalid, i))
		case p.handle.m != m:
			return nil, p.refused(errorf.New("%w: plan %d is of another manager", ErrInvalid, i))
		}
		batch.Items[i], ops[i] = p.execute, p.execute.Op
	}
	at := -1 // the plan that is refused
	err := m.accept(contextErr(ctx), nil, func() (err error) {
		if at = useLocked(plans); at >= 0 {
			return errorf.New("%w: plan %d was executed already", ErrInvalid, at)
		}
		if err = m.passLocked(&batch, ops...); err != nil {
			at = batch.Refused
			markLocked(plans, false)
		}
		return err
	})
	switch {
	case at >= 0:
		return nil, plans[at].refused(err)
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
