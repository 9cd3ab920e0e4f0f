package server

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Entry of the feed says that an entity changed.
type Entry struct {
	// Partition and Position place the entry. Positions of one partition grow.
	Partition int
	Position  int64
	Entity    string
	Version   uint64
}

// Cursor is a place in the feed: all entries up to it have been read. Its text is
// the era and one position for each partition, joined by dots.
//
// The zero Cursor is not a place in the feed.
type Cursor struct {
	// Era is the era that the positions belong to; see [Kit.NewEra].
	Era int64
	// At has the position of each partition.
	At []int64
}

// IsZero reports whether the cursor is the zero cursor.
func (c Cursor) IsZero() bool { return c.Era == 0 && len(c.At) == 0 }

// String returns the text of the cursor; empty for the zero cursor.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	text := strconv.AppendInt(nil, c.Era, 10)
	for _, at := range c.At {
		text = strconv.AppendInt(append(text, '.'), at, 10)
	}
	return string(text)
}

// longestCursor is in bytes: room for 50 partitions with the largest positions.
const longestCursor = 1 << 10

// ParseCursor reads the text of a cursor. It takes only texts that [Cursor.String]
// writes; empty text is the zero cursor.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	if len(text) > longestCursor {
		return Cursor{}, errNoCursor
	}
	var numbers []int64
	for digits := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || strconv.FormatInt(n, 10) != digits {
			return Cursor{}, errNoCursor
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 2 {
		return Cursor{}, errNoCursor
	}
	return Cursor{Era: numbers[0], At: numbers[1:]}, nil
}

var errNoCursor = errors.New("server: this is not the text of a cursor: it is <era>.<position>, with one position for each partition")

// reaches reports whether everything up to other is also up to c.
func (c Cursor) reaches(other Cursor) bool {
	if c.Era != other.Era || len(c.At) != len(other.At) {
		return false
	}
	for i, at := range c.At {
		if at < other.At[i] {
			return false
		}
	}
	return true
}

// distinctEntities returns the entities of the entries, each once, in the order of
// their last entries.
func distinctEntities(entries []Entry) []string {
	seen := make(map[string]bool, len(entries))
	ids := make([]string, 0, len(entries))
	for _, e := range slices.Backward(entries) {
		if !seen[e.Entity] {
			seen[e.Entity] = true
			ids = append(ids, e.Entity)
		}
	}
	slices.Reverse(ids)
	return ids
}
