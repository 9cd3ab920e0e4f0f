package wire

import "strconv"

// Stamp is the reading of a hybrid logical clock: milliseconds since the Unix
// epoch in the upper 48 bits, a counter in the lower 16. Stamps compare as
// integers. Zero is not a valid stamp. On the wire a stamp is a string of its decimal
// digits, because many languages read a JSON number as one that is exact only up to
// 2^53.
type Stamp int64

// maxMilliseconds keeps a Stamp positive: the year 6429.
const maxMilliseconds = 1<<47 - 1

// NewStamp packs a clock reading; milliseconds outside of the range are clamped to it.
func NewStamp(milliseconds int64, counter uint16) Stamp {
	milliseconds = min(max(milliseconds, 0), maxMilliseconds)
	return Stamp(milliseconds<<16 | int64(counter))
}

// Milliseconds returns the wall-clock part, in milliseconds since the Unix epoch.
func (s Stamp) Milliseconds() int64 { return int64(s) >> 16 }

// parseStamp reads the digits of a stamp in their one valid form.
func parseStamp(field, digits string) (Stamp, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != digits {
		return 0, notAStamp(field)
	}
	return Stamp(n), CheckStamp(field, Stamp(n))
}

// Counter returns the logical part.
func (s Stamp) Counter() uint16 { return uint16(s) }
