package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MalformedError says that a body is not the JSON object that is asked for.
type MalformedError struct {
	// Field is the offending name; empty when the whole body is to blame.
	Field string
	// Reason completes the sentence "<field> ..." or "the body ...".
	Reason string
}

func (e *MalformedError) Error() string {
	if e.Field == "" {
		return "the body " + e.Reason
	}
	return e.Field + " " + e.Reason
}

// field is one required member of an incoming object.
type field struct {
	name  string
	into  any
	check func() error
}

// decodeObject reads one flat JSON object strictly: names match exactly, each
// field comes once, none is missing, null or unknown, nothing follows. Shape is
// judged before bounds: the error is a *MalformedError or an *InvalidError.
// (encoding/json alone takes "AT" for "at" and the last of two equal names.)
func decodeObject(data []byte, fields ...field) error {
	if len(data) > MaxBody {
		return &MalformedError{"", "is too large"}
	}
	if !utf8.Valid(data) {
		return &MalformedError{"", "is not UTF-8"}
	}
	if !json.Valid(data) {
		return &MalformedError{"", "is not one JSON value"}
	}
	if hasLoneSurrogate(data) {
		return &MalformedError{"", "holds half a surrogate pair"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return &MalformedError{"", "is not a JSON object"}
	}
	seen := make([]bool, len(fields))
	for dec.More() {
		if err := decodeMember(dec, fields, seen); err != nil {
			return err
		}
	}
	for i, f := range fields {
		if !seen[i] {
			return &MalformedError{f.name, "is missing"}
		}
	}
	for _, f := range fields {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

// hasLoneSurrogate reports whether the valid JSON text escapes half of a character,
// in whose place encoding/json would put U+FFFD.
func hasLoneSurrogate(data []byte) bool {
	escaped := func(i int) rune { // what is escaped at data[i:]; 0 for nothing
		if i+6 > len(data) || data[i] != '\\' || data[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(data[i+2:i+6]), 16, 16) // valid, as the whole is
		return rune(n)
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' { // is only in strings
			continue
		}
		r := escaped(i)
		if !utf16.IsSurrogate(r) {
			i++ // what is escaped may be a backslash
			continue
		}
		if utf16.DecodeRune(r, escaped(i+6)) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}

func decodeMember(dec *json.Decoder, fields []field, seen []bool) error {
	token, err := dec.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		return &MalformedError{"", "is not a JSON object"}
	}
	for i, f := range fields {
		if f.name != name {
			continue
		}
		if seen[i] {
			return &MalformedError{name, "comes twice"}
		}
		seen[i] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return &MalformedError{name, "cannot be read"}
		}
		if bytes.Equal(raw, []byte("null")) {
			return &MalformedError{name, "must not be null"}
		}
		if err := json.Unmarshal(raw, f.into); err != nil {
			return &MalformedError{name, wrongType(err)}
		}
		return nil
	}
	return &MalformedError{printable(name), "is not a known field"}
}

func wrongType(err error) string {
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "must not be a JSON " + typ.Value
	}
	return "cannot be read"
}

// printable shortens a name that a stranger chose, for use in a message.
func printable(name string) string {
	const longest = 40
	clean := make([]rune, 0, longest)
	for _, r := range name {
		if len(clean) == longest {
			return string(clean) + "…"
		}
		if r < 0x20 || r >= 0x7f {
			r = '?'
		}
		clean = append(clean, r)
	}
	return string(clean)
}
