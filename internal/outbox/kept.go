package outbox

import (
	"math"

	"github.com/optimist-go/optimist/internal/engine"
)

const millisecond = engine.Time(1e6)

// Keep gives the state of an operation times that mean the same in the next life. epoch is the
// engine's time 0, in nanoseconds since 1970.
func Keep(k engine.Kept, epoch engine.Time) engine.Kept {
	k.Used /= millisecond
	if k.NotBefore > 0 {
		k.NotBefore = max((epoch+min(k.NotBefore, engine.Never-epoch))/millisecond, 0)
	}
	return k
}

// Revive gives it the engine's times of this life. now is the engine's time, and wall that of
// the wall clock, in nanoseconds since 1970; latest is the latest time that this client has seen,
// in milliseconds since 1970: a wall clock that was set back since does not prolong a pause that
// the server asked for.
func Revive(k engine.Kept, now, wall, latest engine.Time) engine.Kept {
	const most = math.MaxInt64 / millisecond
	k.Used = min(k.Used, most) * millisecond
	if k.NotBefore > 0 {
		left := max(min(k.NotBefore, most)*millisecond-max(wall, min(latest, most)*millisecond), 0)
		k.NotBefore = now + min(left, math.MaxInt64/2)
	}
	return k
}
