package wire

import (
	"cmp"
	"strconv"
	"strings"
)

// Position is a place in the stream of events, as its text says: "<era>.<number>". The
// zero Position is none. A client sends back the text that it was given; positions are
// compared by those who hear of several.
type Position struct {
	// Era is the server's history; a later one is greater, and 0 is none.
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

// Compare returns -1, 0 or 1 as p is before, at or after q. None is before all.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Era, q.Era), cmp.Compare(p.Number, q.Number))
}

// ParsePosition reads what String writes, and nothing else; ok is false for other text.
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
