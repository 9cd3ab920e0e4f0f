// Package hlc has a hybrid logical clock.
//
// Source: Kulkarni, Demirbas, Madappa, Avva, Leone: Logical Physical Clocks and
// Consistent Snapshots in Globally Distributed Databases, 2014.
package hlc

import (
	"errors"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// ErrDrift: another clock's timestamp is too far ahead.
var ErrDrift = errors.New("optimist: clock drift")

// Clock never goes backwards, not even when the wall clock does, and follows the server's
// timestamps as far as MaxDrift allows. Where the truth of an entity is further ahead, the engine
// sets the timestamps of operations on it ahead as well; the clock does not follow. It is not
// safe for concurrent use.
type Clock struct {
	Last     engine.Timestamp // every timestamp that it gave or took note of is at most this
	MaxDrift time.Duration
}

// At is the first timestamp of a millisecond.
func At(t time.Time) engine.Timestamp { return engine.Timestamp(max(t.UnixMilli(), 0)) << 16 }

// Wall is the wall-clock part of a timestamp.
func Wall(s engine.Timestamp) time.Time { return time.UnixMilli(int64(s >> 16)) }

// Next is the timestamp of a local event.
func (c *Clock) Next(wall time.Time) engine.Timestamp {
	c.Last = max(At(wall), c.Last+1)
	return c.Last
}

// Age is how long before the wall time a timestamp was taken from the wall clock, and at least a
// nanosecond. When the wall clock was set back since, the latest timestamp stands in for it.
func (c *Clock) Age(taken engine.Timestamp, wall time.Time) time.Duration {
	at := At(wall)
	if at < taken {
		at = c.Last
	}
	return max(Wall(at).Sub(Wall(taken)), 1)
}

// Observe takes note of another clock's timestamp, so that later local events are later
// than it. It does not follow one that is more than MaxDrift ahead of the wall clock: it
// would poison every timestamp to come.
func (c *Clock) Observe(remote engine.Timestamp, wall time.Time) error {
	if remote <= c.Last {
		return nil
	}
	if ahead := Wall(remote).Sub(wall); ahead > c.MaxDrift {
		return errorf.New("%w: a timestamp of the server is %v ahead of this clock, at most %v is allowed; check both clocks",
			ErrDrift, ahead.Round(time.Millisecond), c.MaxDrift)
	}
	c.Last = remote
	return nil
}
