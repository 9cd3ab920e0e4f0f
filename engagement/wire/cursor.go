package wire

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Cursor is a place between two entries of a list. Its text form is opaque to
// clients, which send it back unchanged.
type Cursor struct {
	// Order is the sort value of the entry before the place: milliseconds for posts by
	// age, the number of likes for posts by likes, the running number for comments. It is
	// never negative in a cursor that was decoded, and zero only by likes.
	Order int64
	// ID decides between entries of equal Order.
	ID string
	// Sort is the order of the list; comments have the zero one.
	Sort Sort
}

// IsZero reports whether the cursor is the beginning of the list.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String returns the opaque form; empty for the zero cursor.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	text := strconv.FormatInt(c.Order, 10) + " " + c.ID
	if c.Sort != Newest {
		text += " " + string(c.Sort)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// DecodeCursor reads the opaque form. Empty text is the zero cursor; any text
// that [Cursor.String] does not write is an [*InvalidError].
func DecodeCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	bad := &InvalidError{"cursor", "must be one that the server gave"}
	if len(text) > 100 {
		return Cursor{}, bad
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Cursor{}, bad
	}
	order, id, ok := strings.Cut(string(raw), " ")
	id, by, _ := strings.Cut(id, " ")
	sort, err := ParseSort(by)
	if !ok || !isUUIDv7(id) || err != nil {
		return Cursor{}, bad
	}
	n, err := strconv.ParseInt(order, 10, 64)
	if err != nil || n < 0 || n == 0 && sort != MostLiked {
		return Cursor{}, bad
	}
	c := Cursor{Order: n, ID: id, Sort: sort}
	if c.String() != text {
		return Cursor{}, bad
	}
	return c, nil
}
