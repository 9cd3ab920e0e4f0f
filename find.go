package optimist

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/order"
)

// Operation finds an unsettled operation by its id, also after a restart: one that is on its
// way, that is parked, or that is in quarantine. It is false for an operation that has ended,
// and for an id that names none. The handle is the one that the call which made the
// operation got. It is a search through all unsettled operations, so that nothing has to be
// kept up to date for it.
func (m *Manager) Operation(id string) (*Handle, bool) {
	if !m.lockOrTell("Operation") {
		return nil, false
	}
	defer m.mu.Unlock()
	if o := m.engine.Find(id); o != nil {
		return handleOf(o), true
	}
	for _, h := range m.quarantineLocked() {
		if id != "" && h.op.ID(m.engine) == id {
			return h, true
		}
	}
	return nil, false
}

// Operations are all unsettled operations, in the order in which they were accepted; those of
// an earlier life come after [Manager.Restore]. An operation in quarantine is among them:
// it counts as parked, can be discarded, and all else gives [ErrQuarantined]. They are nil
// when the call waited in vain; see [ErrStuck].
func (m *Manager) Operations() []*Handle {
	if !m.lockOrTell("Operations") {
		return nil
	}
	defer m.mu.Unlock()
	all := make([]*Handle, 0, m.engine.Pending())
	for o := range m.engine.Every {
		all = append(all, handleOf(o))
	}
	return m.withQuarantineLocked(all, func(*engine.Op) bool { return true })
}

// Operations are the unsettled operations of the entities with these ids, or, without an id, of
// all entities of the store; groups that touch one of them are among them. See
// [Manager.Operations].
func (s *anyStore) Operations(ids ...string) []*Handle {
	for _, id := range ids {
		if s.tellNeeds("Operations", id) != nil {
			return nil
		}
	}
	m := s.m
	if s.err != nil || m == nil || !m.lockOrTell("Operations of "+s.space.Name) {
		return nil
	}
	defer m.mu.Unlock()
	var all []*Handle
	add := func(o *engine.Op) { all = append(all, handleOf(o)) }
	if len(ids) == 0 {
		for o := range m.engine.Every {
			if o.In(s.space) {
				add(o)
			}
		}
	}
	for _, id := range ids {
		if ent := s.space.Find(id); ent != nil {
			for o := range ent.Ops {
				add(o)
			}
		}
	}
	all = m.withQuarantineLocked(all, func(o *engine.Op) bool {
		for ent := range o.Entities {
			if ent.Space().Name == s.space.Name &&
				(len(ids) == 0 || slices.Contains(ids, ent.ID()) || slices.Contains(ids, s.space.ServerName(ent.ID()))) {
				return true
			}
		}
		return false
	})
	return slices.Compact(all) // a group of several of the entities
}

// withQuarantineLocked adds the operations in quarantine that are wanted, and puts all in the
// order in which they were accepted.
func (m *Manager) withQuarantineLocked(all []*Handle, wanted func(*engine.Op) bool) []*Handle {
	for _, h := range m.quarantineLocked() {
		if wanted(&h.op) {
			all = append(all, h)
		}
	}
	order.By(len(all),
		func(i, j int) bool { return all[i].op.Seq() < all[j].op.Seq() },
		func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

var errNoHandle = errorf.New("%w: the handle is of no operation; Execute and Manager.Operation return one", ErrInvalid)

// empty reports whether a handle is nil or the zero Handle, which is of no operation. Its
// methods say so: by an error where they can, and else by zero values.
func (h *Handle) empty() bool { return h == nil || h.m == nil }

// look has f look at the operation under the lock, unless the handle is empty, or the call
// waits in vain.
func (h *Handle) look(call string, f func()) {
	if !h.empty() {
		h.m.look(call, f)
	}
}

// decide carries out a decision about the operation. An operation in quarantine is not
// known to the engine.
func (h *Handle) decide(in func() engine.Input) error {
	switch {
	case h.empty():
		return errNoHandle
	case h.aside():
		return h.m.quarantinedErr(h)
	}
	return h.m.do(in())
}
