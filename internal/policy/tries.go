package policy

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// Tries are those of one call outside of the engine, which is repeated as operations are. The
// zero Tries are none.
type Tries struct {
	Counted int // charged to Retry.Max
	offline int // that reached nobody
}

// Failed says how to go on after a try that failed: whether to try again, after which wait, and
// whether Retry.Next, if it is set, decides about both instead.
func (t *Tries) Failed(r *Retry, class engine.Class, retryAfter time.Duration, random uint64) (again bool, wait time.Duration, next bool) {
	switch class {
	case engine.Permanent, engine.Conflicting, engine.Unauthenticated:
		return false, 0, false
	case engine.Offline:
		t.offline++
	default:
		t.Counted++
	}
	schedule := r.Schedule()
	again = schedule.Max < 0 || t.Counted <= schedule.Max
	wait = time.Duration(schedule.Delay(t.Counted+t.offline, engine.Time(retryAfter), random))
	return again, wait, r.Next != nil && class != engine.Offline
}
