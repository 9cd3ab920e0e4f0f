package engagement

import (
	"cmp"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Stamp places an operation in time: the moment on the user's hybrid logical
// clock and, between equal moments, the device. The zero Stamp is before all.
type Stamp struct {
	At     wire.Stamp
	Client string
}

// Compare returns -1, 0 or 1 as s is before, at or after t.
func (s Stamp) Compare(t Stamp) int {
	return cmp.Or(cmp.Compare(s.At, t.At), strings.Compare(s.Client, t.Client))
}

// notAfter returns the stamp, or the moment now (milliseconds since the Unix epoch)
// when it claims to be later: an act cannot have happened after its request arrived.
// An adjusted stamp is after held, even while now stands still.
func (s Stamp) notAfter(now int64, held Stamp) Stamp {
	if s.At.Milliseconds() > now {
		s.At = min(max(wire.NewStamp(now, 0), held.At+1), wire.NewStamp(now, 0xffff))
	}
	return s
}

// latest returns the later of both.
func latest(s, t Stamp) Stamp {
	if s.Compare(t) < 0 {
		return t
	}
	return s
}
