package wire

import (
	"cmp"
	"strconv"
	"strings"
)

// Position is a place in the stream of events, as its text says: "<era>.<number>". The
// zero Position means none. A client sends back the text that it was given; only a
// client with several positions compares them.
type Position struct {
	// Era is the era of the feed; a later era is greater, and 0 means none.
	Era int64
	// Number grows within its era.
	Number int64
}

// String returns the text; empty for none.
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return strconv.FormatInt(p.Era, 10) + "." + strconv.FormatInt(p.Number, 10)
}

// Compare returns -1, 0 or 1 as p is before, at or after q. The zero Position is before
// all others.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Era, q.Era), cmp.Compare(p.Number, q.Number))
}

// ParsePosition reads only texts that [Position.String] writes; ok is false for other
// text.
func ParsePosition(text string) (p Position, ok bool) {
	era, number, found := strings.Cut(text, ".")
	if !found || !parseCount(era, &p.Era) || !parseCount(number, &p.Number) || p.Era == 0 {
		return Position{}, false
	}
	return p, true
}

func parseCount(text string, into *int64) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	*into = n
	return err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}
