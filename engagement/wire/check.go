package wire

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Bounds of requests and answers.
const (
	// MaxBody is the largest request body, in bytes. The longest permitted text
	// fits even when every character is escaped.
	MaxBody = 32 << 10
	// MaxPostText and MaxCommentText are in runes.
	MaxPostText    = 2000
	MaxCommentText = 1000
	// MaxMarks is the greatest number of combining marks on a letter. Tibetan stacks have up
	// to nine, no living script more.
	MaxMarks = 12
	// MaxName is in bytes.
	MaxName = 32
	// MaxClient is in bytes.
	MaxClient = 64
	// MaxKey is in bytes.
	MaxKey = 128
	// MaxComments is the greatest number of comments in a PostState.
	MaxComments = 50
	// MaxContains is the greatest number of keys in a Truth.
	MaxContains = 50
	// MaxPage is the largest limit of a page; DefaultPage is used without one.
	MaxPage     = 100
	DefaultPage = 20
	// MaxTotal is the greatest Page.Total that is told.
	MaxTotal = 1000
	// MaxPageBytes is the greatest encoded size of the posts of a Page, in bytes: a page ends
	// early, but not before its first post.
	MaxPageBytes = 512 << 10
)

// InvalidError says that a value is out of its bounds.
type InvalidError struct {
	// Field is the JSON name, path element, query parameter or header.
	Field string
	// Reason completes the sentence "<field> ...".
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// CheckID refuses everything but a UUID of version 7 in lower-case canonical form.
func CheckID(field, id string) error {
	if !isUUIDv7(id) {
		return &InvalidError{field, "must be a lower-case UUID of version 7"}
	}
	return nil
}

func isUUIDv7(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		case 14:
			if c != '7' {
				return false
			}
		case 19:
			if c != '8' && c != '9' && c != 'a' && c != 'b' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// CheckName refuses everything but 1 to MaxName lower-case letters, digits and
// . _ - characters that begin with a letter.
func CheckName(field, name string) error {
	ok := name != "" && len(name) <= MaxName && name[0] >= 'a' && name[0] <= 'z'
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if !ok {
		return &InvalidError{field, "must be 1 to " + strconv.Itoa(MaxName) +
			" lower-case letters, digits and . _ - characters, a letter first"}
	}
	return nil
}

// CheckClient refuses everything but 1 to MaxClient letters, digits and . _ : - characters.
func CheckClient(field, client string) error { return checkToken(field, client, MaxClient) }

// CheckKey refuses everything but 1 to MaxKey letters, digits and . _ : - characters.
func CheckKey(field, key string) error { return checkToken(field, key, MaxKey) }

func checkToken(field, s string, longest int) error {
	ok := s != "" && len(s) <= longest
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '.' || c == '_' || c == ':' || c == '-'
	}
	if !ok {
		return &InvalidError{field, "must be 1 to " + strconv.Itoa(longest) +
			" letters, digits and . _ : - characters"}
	}
	return nil
}

// CheckStamp refuses zero and negative stamps.
func CheckStamp(field string, s Stamp) error {
	if s <= 0 || s.Milliseconds() == 0 {
		return notAStamp(field)
	}
	return nil
}

func notAStamp(field string) error {
	return &InvalidError{field, "must be the decimal digits of a hybrid clock reading: milliseconds << 16 | counter"}
}

// CheckText refuses text that is blank, longer than longest runes, or not UTF-8, and text
// with characters that cannot be shown in their place: control characters other than tab
// and line feed, code points that are no characters, characters that turn the direction of
// the following text, and letters with more than MaxMarks marks, which grow over their
// neighbours.
func CheckText(field, text string, longest int) error {
	if !utf8.ValidString(text) {
		return &InvalidError{field, "must be UTF-8"}
	}
	runes, marks, seen := 0, 0, false
	for _, r := range text {
		runes++
		if r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return &InvalidError{field, "must not hold code points that are no characters"}
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > MaxMarks {
				return &InvalidError{field, "must not hold a letter with more than " + strconv.Itoa(MaxMarks) + " marks"}
			}
		} else if !isBlank(r) { // an invisible character leaves the marks to the letter before it
			marks = 0
		}
		if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return &InvalidError{field, "must not hold control characters"}
		}
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return &InvalidError{field, "must not hold characters that turn the direction of text"}
		}
		seen = seen || !isBlank(r)
	}
	if !seen {
		return &InvalidError{field, "must not be blank"}
	}
	if runes > longest {
		return &InvalidError{field, "must not be longer than " + strconv.Itoa(longest) + " characters"}
	}
	return nil
}

// blank has the ranges of characters that are invisible, or marks without a letter: spaces,
// format characters, general combining marks and variation selectors, and letters and signs
// that only fill a place. (The tables of package unicode would make the page larger by as
// much as all other checks.)
var blank = [...][2]rune{
	{'\t', '\n'}, {' ', ' '}, {0xa0, 0xa0}, {0xad, 0xad}, {0x300, 0x36f}, {0x483, 0x489}, {0x61c, 0x61c},
	{0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
	{0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x20d0, 0x20ff}, {0x2800, 0x2800}, {0x3000, 0x3000},
	{0x302a, 0x302f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	{0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
}

func isBlank(r rune) bool {
	for _, b := range blank {
		if b[0] <= r && r <= b[1] {
			return true
		}
	}
	return false
}
