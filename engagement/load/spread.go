package load

import (
	"fmt"
	"slices"
	"time"
)

// Spread is the distribution of durations, from the median to the longest. Zero: there
// are none.
type Spread struct {
	P50  time.Duration `json:"p50Ns"`
	P90  time.Duration `json:"p90Ns"`
	P99  time.Duration `json:"p99Ns"`
	P999 time.Duration `json:"p999Ns"`
	Max  time.Duration `json:"maxNs"`
}

// spreadOf sorts d.
func spreadOf(d []time.Duration) Spread {
	if len(d) == 0 {
		return Spread{}
	}
	slices.Sort(d)
	at := func(perMille int) time.Duration { return d[min(len(d)*perMille/1000, len(d)-1)] }
	return Spread{at(500), at(900), at(990), at(999), d[len(d)-1]}
}

func (s Spread) String() string {
	return fmt.Sprintf("%v / %v / %v / %v / %v", round(s.P50), round(s.P90), round(s.P99), round(s.P999), round(s.Max))
}
