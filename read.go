package optimist

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
	"github.com/optimist-go/optimist/internal/reread"
)

// readFunc is StoreOptions.Read of any type. It is called without any lock, must return
// when ctx ends, and does not run after Close.
type readFunc func(ctx context.Context, id string) (engine.Truth, error)

// reader reads entities anew. The Manager's lock guards it.
type reader struct {
	m *Manager
	*reread.Schedule
	ctx  context.Context
	halt context.CancelFunc // ends ctx, and with it every read
}

// readsLocked makes the reader, once a store has StoreOptions.Read.
func (m *Manager) readsLocked() {
	if m.reader == nil {
		m.reader = &reader{m: m, Schedule: reread.New(m.policy.Retry.Schedule())}
		m.reader.ctx, m.reader.halt = context.WithCancel(context.Background())
	}
}

// askLocked has an entity read: because of a doubt, because somebody has asked (again), or
// because its last operation has ended (settled). It does nothing for an entity that nobody
// can read.
func (m *Manager) askLocked(ent *engine.Entity, again, settled bool, now time.Time) {
	if s, ok := ent.Space().Owner.(*anyStore); !ok || s.read == nil || ent.Nameless() {
		return
	}
	ent = m.engine.Pin(ent.Space(), ent.ID()) // another record, if nothing else was held of it
	added := false
	if settled {
		added = m.reader.AskSettled(ent, m.now(now))
	} else {
		added = m.reader.Ask(ent, again)
	}
	if !added {
		m.engine.Unpin(ent)
	}
}

// openLocked reports whether anything is read now.
func (r *reader) openLocked() bool { return r.m.pastLocked(halted) == nil && r.m.engine.Sending() }

// moveLocked starts as many workers as have something to do, after each step. The alarm makes
// one when an entity is due.
func (r *reader) moveLocked(now time.Time) {
	for range r.Hire(r.m.now(now), r.openLocked()) {
		r.m.courier.Hire()
		go r.work()
	}
}

// stuckLocked names a read that goes on although Close has ended it.
func (r *reader) stuckLocked() error {
	if ent := r.Reading(); ent != nil {
		return errorf.New("%w: the read of %s did not heed its context", ErrStuck, ent.FullName())
	}
	return nil
}

// work reads the entities that are due.
func (r *reader) work() {
	var ent *engine.Entity // under way
	t, err := engine.Truth{}, error(nil)
	foreign.Loop(func() (more bool) {
		if ent != nil { // it was read, or the program's function ended the goroutine
			done := ent
			ent = nil
			r.m.mu.Lock()
			r.finishLocked(done, t, err)
			r.m.unlock()
			return true
		}
		var id string
		if ent, id = r.next(); ent != nil {
			t, err = engine.Truth{}, &PanicError{In: "read", Value: foreign.ErrEnded}
			t, err = r.read(ent, id)
		}
		return ent != nil
	})
}

// next is the entity to read now, and its id at the server. A worker for which there is none has
// ended.
func (r *reader) next() (ent *engine.Entity, id string) {
	m := r.m
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if r.openLocked() {
		var dropped []*engine.Entity
		ent, dropped = r.Take(m.now(now), m.engine.RereadLater)
		for _, ent := range dropped {
			m.engine.Unpin(ent)
		}
	}
	if ent == nil {
		r.Quit()
		m.courier.Quit()
		m.armLocked(now)
		return nil, ""
	}
	return ent, ent.Space().ServerName(ent.ID())
}

// read calls the program.
func (r *reader) read(ent *engine.Entity, id string) (t engine.Truth, err error) {
	ctx, stop := r.ctx, context.CancelFunc(func() {})
	if limit := r.m.policy.Retry.Timeout; limit > 0 {
		ctx, stop = context.WithTimeout(ctx, limit)
	}
	defer stop()
	began := time.Now()
	if p := r.m.contained(Event{Entity: ent.FullName()}, "read", func() {
		t, err = ent.Space().Owner.(*anyStore).read(ctx, id)
		err = sound("read", err)
	}); p != nil {
		err = p
	}
	if t.ReadAt == 0 {
		t.ReadAt = r.m.readAt(began)
	}
	return t, err
}

// finishLocked takes the value read, and has it read again later if that does not suffice.
func (r *reader) finishLocked(ent *engine.Entity, t engine.Truth, err error) {
	m := r.m
	now := time.Now()
	old := false
	r.Land(ent)
	if m.stoppedLocked() == nil {
		if err != nil {
			t = engine.Truth{} // nothing was found out
		}
		m.receive.Reread = true
		old = m.receiveLocked(ent.Space(), ent.ID(), t, now)
	}
	after := engine.Time(0)
	if err != nil {
		after = engine.Time(classify(r.ctx, err).retryAfter)
	}
	failed := err != nil || old || ent.Awaited() // by a replica that lags
	if r.Finish(ent, m.now(now), failed, after, m.pastLocked(halted) != nil, rand.Uint64(), m.engine.RereadLater) {
		return
	}
	if ent.Unsure() && err != nil {
		m.publishLocked(Event{Kind: event.TruthUnsure, Entity: ent.FullName(), Err: err})
	}
	m.engine.Unpin(ent)
}

// Refresh reads truth with load and receives it, dated at the moment at which the read began,
// so that a slow read never undoes operations that have settled meanwhile. A read that was
// too slow for that is made again; when the third is too old as well, Refresh returns
// ErrStale, and the truth held stays. Truth to which load gave a ReadAt of its own keeps it,
// and is not read again.
//
// Nil means that the view shows the value that was read, or a newer one. When nothing is known
// of the entity after all, the error wraps ErrNotLoaded.
func (s *Store[T]) Refresh(ctx context.Context, id string, load func(context.Context) (Truth[T], error)) error {
	if load == nil {
		return s.refresh(ctx, id, nil)
	}
	return s.refresh(ctx, id, func(ctx context.Context) (engine.Truth, error) {
		t, err := load(ctx)
		return t.told(s.m), cmp.Or(err, t.invalid())
	})
}

// mostReads is how often Refresh reads a value that is always too old when it comes.
const mostReads = 3

func (s *anyStore) refresh(ctx context.Context, id string, load func(context.Context) (engine.Truth, error)) error {
	switch err := s.needs("Refresh", id); {
	case err != nil:
		return err
	case ctx == nil:
		return errNoContext
	case load == nil:
		return errorf.New("%w: Refresh of %s:%s needs a load function", ErrInvalid, s.space.Name, id)
	}
	m := s.m
	if err := m.lock(); err != nil {
		return err
	}
	ent := s.holdLocked(id) // so that operations that settle meanwhile are remembered
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.engine.Unpin(ent)
		m.mu.Unlock()
	}()
	failed := func(err error) error { return errorf.New("refresh of %s:%s: %w", s.space.Name, id, err) }
	for reads := 1; ; reads++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		t, err := load(ctx)
		if err != nil {
			return failed(sound("load", err))
		}
		dated := t.ReadAt != 0 // by a cache in between, which may say the same for long
		if !dated {
			t.ReadAt = m.readAt(began)
		}
		old, err := s.receive(id, t)
		switch {
		case err != nil:
			return err
		case old && !dated && reads < mostReads:
			continue
		case s.view("Refresh", id).Presence != engine.NotLoaded:
			if !old {
				return nil
			}
			return failed(ErrStale)
		case old:
			return failed(errorf.New("%w: %w", ErrNotLoaded, ErrStale))
		}
		return failed(errorf.New("%w: load said nothing of it", ErrNotLoaded))
	}
}
