package optimist

import (
	"cmp"
	"context"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

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
