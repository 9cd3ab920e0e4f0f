package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/errorf"
)

// Timestamp is the time of a change on a hybrid logical clock: 48 bits of
// milliseconds since 1970 and a 16-bit counter that orders events within one. Later
// is greater. Zero means that no time is known.
//
// Source: Kulkarni, Demirbas, Madappa, Avva, Leone: Logical Physical Clocks and
// Consistent Snapshots in Globally Distributed Databases, 2014.
type Timestamp uint64

// TimestampOf is the first timestamp of t's millisecond.
func TimestampOf(t time.Time) Timestamp {
	return Timestamp(max(t.UnixMilli(), 0)) << 16
}

// Time is the wall-clock part.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t >> 16)) }

// Counter orders timestamps of one millisecond.
func (t Timestamp) Counter() int { return int(t & 0xffff) }

func (t Timestamp) String() string {
	if t == 0 {
		return "never"
	}
	return errorf.Text("%s+%d", t.Time().UTC().Format("2006-01-02T15:04:05.000Z"), t.Counter())
}

// clock is a hybrid logical clock. It never goes backwards, not even when the wall clock
// does, and follows the server's timestamps as far as maxDrift allows. Where the truth of an
// entity is further ahead, the engine sets the timestamps of operations on it ahead as well;
// the clock does not follow.
// The Manager's lock guards it.
type clock struct {
	last     Timestamp // every timestamp that it gave or took note of is at most this
	maxDrift time.Duration
}

// next is the timestamp of a local event.
func (c *clock) next(wall time.Time) Timestamp {
	c.last = max(TimestampOf(wall), c.last+1)
	return c.last
}

// observe takes note of another clock's timestamp, so that later local events are later
// than it. It does not follow one that is more than maxDrift ahead of the wall clock: it
// would poison every timestamp to come.
func (c *clock) observe(remote Timestamp, wall time.Time) error {
	if remote <= c.last {
		return nil
	}
	if ahead := remote.Time().Sub(wall); ahead > c.maxDrift {
		return errorf.New("%w: a timestamp of the server is %v ahead of this clock, at most %v is allowed; check both clocks",
			ErrClockDrift, ahead.Round(time.Millisecond), c.maxDrift)
	}
	c.last = remote
	return nil
}
