package optimist

import (
	"maps"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/order"
)

// Piece is truth that says only what has changed since the version that it follows, for a
// server whose pushes would be large otherwise. Between the two versions nothing else of the
// value has changed.
type Piece[T any] struct {
	// Follows is the version on which the server made the change.
	Follows uint64
	// Version is the one that it made; greater than Follows.
	Version uint64
	// Change makes it on the value of version Follows. It must be pure, as Apply: a value that
	// it got is not changed in place.
	Change func(T) T
	// At, By, Contains, Era and Position are as in [Truth].
	At       Timestamp
	By       string
	Contains []string
	Era      uint64
	Position uint64
}

// ReceivePiece takes truth that says only what has changed. A piece whose Version is not
// above the one held changes nothing, as truth that is older.
//
// Any other piece must follow the very truth that is held. It is refused with [ErrGap] when
// the held version is another one, nothing is held, the entity is absent, or the value was
// not told with that version: it was read without one, or is a prediction ([HeldTruth]).
// StoreOptions.Read, if there is one, then reads the entity; else the program does, for
// example by [Store.Refresh].
func (s *Store[T]) ReceivePiece(id string, p Piece[T]) error {
	in := engine.Piece{Entity: id, Follows: p.Follows, Truth: engine.Truth{
		Version: p.Version, At: engine.Timestamp(p.At), By: p.By, Contains: p.Contains, Era: p.Era, Position: p.Position,
	}}
	if p.Change != nil {
		in.Change = func(v any) any { return p.Change(as[T](v)) }
	}
	return s.receivePiece(&in)
}

func (s *anyStore) receivePiece(in *engine.Piece) error {
	switch err := s.needs("ReceivePiece", in.Entity); {
	case err != nil:
		return err
	case in.Change == nil:
		return errorf.New("%w: the piece of %s:%s has no Change", ErrInvalid, s.space.Name, in.Entity)
	case in.Truth.Version <= in.Follows:
		return errorf.New("%w: the piece of %s:%s makes version %d of version %d", ErrInvalid, s.space.Name, in.Entity, in.Truth.Version, in.Follows)
	}
	change := in.Change
	in.Space, in.Change = s.space, func(v any) any {
		s.m.enterLocked(&s.label)
		return change(v)
	}
	err := s.m.taking(in, []*engine.Truth{&in.Truth})
	if err != nil {
		err = errorf.New("piece of %s:%s: %w", s.space.Name, in.Entity, err)
	}
	return err
}

// mostInPage is how many truths enter in one step.
const mostInPage = 1000

// ReceivePage takes truth of several entities, such as a page of a list, in one step: nobody
// sees a part of it, and each entity that changes has one Changed event. For each the rules
// of Receive hold. More than 1,000 truths, or one that is invalid, are ErrInvalid, and then
// nothing was taken. An index that has something of its own to change in the same step says so
// by [Attached.With].
func (s *Store[T]) ReceivePage(page map[string]Truth[T], with ...With) error {
	if s.err != nil {
		return s.err
	}
	if len(page) > mostInPage {
		return errorf.New("%w: a page of store %q has %d truths, at most %d enter in one step", ErrInvalid, s.space.Name, len(page), mostInPage)
	}
	all := make([]engine.EntityTruth, 0, len(page))
	for _, id := range order.Keys(len(page), maps.Keys(page)) {
		t := page[id]
		if err := s.needs("ReceivePage", id); err != nil {
			return err
		}
		if err := t.invalid(); err != nil {
			return errorf.New("page with %s:%s: %w", s.space.Name, id, err)
		}
		all = append(all, engine.EntityTruth{Space: s.space, Entity: id, Truth: t.told(s.m)})
	}
	truths := make([]*engine.Truth, len(all))
	for i := range all {
		truths[i] = &all[i].Truth
	}
	return s.m.taking(&engine.Page{Truths: all}, truths, with...)
}

// taking is do for truth that the clock follows.
func (m *Manager) taking(in engine.Input, truths []*engine.Truth, with ...With) error {
	return m.act(func() (engine.Input, error) {
		for _, w := range with {
			if err := w.refusedLocked(m, truths); err != nil {
				return nil, err
			}
		}
		for _, w := range with {
			w.a.ix.TakePart(w.do)
		}
		now := time.Now()
		for _, t := range truths {
			m.observeLocked(t, now)
		}
		return in, nil
	})
}
