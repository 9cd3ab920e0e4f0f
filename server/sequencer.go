package server

import (
	"context"
	"errors"
	"time"
)

// sequencer calls Database.Sequence when changes may have no position yet. Each process
// has one sequencer; the database lets one work at a time.
type sequencer struct {
	kit *Kit
	// due has room for one value, which says that changes may wait for a position.
	due chan struct{}
}

// othersPause is the least time between two searches for changes of other processes: a
// process that dies leaves changes without position behind.
const othersPause = time.Second

func newSequencer(k *Kit) *sequencer { return &sequencer{kit: k, due: make(chan struct{}, 1)} }

// wake tells the sequencer that this process has left changes without position. It
// never blocks.
func (s *sequencer) wake() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

func (s *sequencer) run(ctx context.Context) {
	beat := time.NewTicker(othersPause)
	defer beat.Stop()
	for {
		own := false // this process has made a change, which may have its position already
		select {
		case <-s.due:
			own = true
		case <-beat.C:
		case <-ctx.Done():
			return
		}
		moved, err := s.kit.db.Sequence(ctx)
		if own || moved > 0 {
			s.kit.db.Tell()
		}
		if err != nil && !passes(err) && ctx.Err() == nil {
			s.kit.options.Log.Error("committed changes could not be added to the feed; it is tried again", "error", err)
		}
	}
}

func isGone(err error) bool { return errors.Is(err, ErrUnavailable) }
