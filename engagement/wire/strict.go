package wire

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// MalformedError says that a body is not the JSON object that the route takes.
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

// field is one required member of an incoming object. All of them are texts.
type field struct {
	name  string
	into  *string
	check func() error // is called when all fields have been read
}

// decodeObject reads one flat JSON object strictly: names match exactly, each field
// comes once, none is missing, null or unknown, texts are valid UTF-8, and no data
// follows. Shape is judged before bounds: the error is a *MalformedError or an
// *InvalidError.
func decodeObject(data []byte, fields ...field) error {
	if len(data) > MaxBody {
		return &MalformedError{"", "is too large"}
	}
	if !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true)) {
		return &MalformedError{"", "is not one JSON value in UTF-8"}
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return &MalformedError{"", "is not a JSON object"}
	}
	seen := make([]bool, len(fields))
	for dec.PeekKind() != '}' {
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

func decodeMember(dec *jsontext.Decoder, fields []field, seen []bool) error {
	token, err := dec.ReadToken()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && syntax.Err == jsontext.ErrDuplicateName {
		return &MalformedError{printable(syntax.JSONPointer.LastToken()), "comes twice"}
	}
	if err != nil {
		return &MalformedError{"", "is not a JSON object"}
	}
	name := token.String()
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return &MalformedError{printable(name), "is not a known field"}
	}
	seen[i] = true
	if dec.PeekKind() != '"' {
		return &MalformedError{name, "must be a JSON string"}
	}
	value, err := dec.ReadToken()
	if err != nil {
		return &MalformedError{name, "cannot be read"}
	}
	*fields[i].into = value.String()
	return nil
}

// printable shortens a name of unknown origin, for use in a message.
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
