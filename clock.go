package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/hlc"
)

// Timestamp is the time of a change on a hybrid logical clock: 48 bits of
// milliseconds since 1970 and a 16-bit counter that orders events within one. Later
// is greater. Zero means that no time is known.
type Timestamp uint64

// TimestampOf is the first timestamp of t's millisecond.
func TimestampOf(t time.Time) Timestamp {
	return Timestamp(hlc.At(t))
}

// Time is the wall-clock part.
func (t Timestamp) Time() time.Time { return hlc.Wall(engine.Timestamp(t)) }

// Counter orders timestamps of one millisecond.
func (t Timestamp) Counter() int { return int(t & 0xffff) }

func (t Timestamp) String() string {
	if t == 0 {
		return "never"
	}
	return errorf.Text("%s+%d", t.Time().UTC().Format("2006-01-02T15:04:05.000Z"), t.Counter())
}
