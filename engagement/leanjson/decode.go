package leanjson

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshal reads one JSON value into the value at v, a pointer; null makes it zero.
// The error is a [*TypeError] or describes a fault of the text; v then holds the
// values before the fault.
func Unmarshal(data []byte, v any) error {
	into := reflect.ValueOf(v)
	if into.Kind() != reflect.Pointer || into.IsNil() {
		return misfit("JSON", into)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	if err := decode(d, into.Elem()); err != nil {
		return err
	}
	switch _, err := d.ReadToken(); {
	case err == nil:
		return errors.New("leanjson: more than one value")
	case err != io.EOF:
		return err
	}
	return nil
}

func decode(d *jsontext.Decoder, v reflect.Value) error {
	if v.Kind() == reflect.Pointer && d.PeekKind() != 'n' {
		v.Set(reflect.New(v.Type().Elem()))
		return decode(d, v.Elem())
	}
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch kind := t.Kind(); {
	case kind == 'n':
		v.SetZero()
	case kind == '{' && v.Kind() == reflect.Struct:
		return decodeObject(d, v)
	case kind == '[' && isArray(v):
		return decodeArray(d, v)
	case kind == '"' && v.Kind() == reflect.String:
		v.SetString(t.String())
	case (kind == 't' || kind == 'f') && v.Kind() == reflect.Bool:
		v.SetBool(t.Bool())
	case kind != '0' || !setNumber(t.String(), v):
		return misfit(nameOf(kind), v)
	}
	return nil
}

// decodeObject reads the members after the opening brace, and the closing one.
func decodeObject(d *jsontext.Decoder, v reflect.Value) error {
	members := membersOf(v.Type())
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch m, ok := named(members, name.String()); {
		case !ok:
			err = d.SkipValue()
		case m.quoted:
			err = decodeQuoted(d, v.FieldByIndex(m.index))
		default:
			err = decode(d, v.FieldByIndex(m.index))
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// decodeQuoted reads an integer that is written as text, exactly as appendQuoted
// writes it.
func decodeQuoted(d *jsontext.Decoder, v reflect.Value) error {
	if !v.CanInt() && !v.CanUint() {
		return misfit("JSON", v)
	}
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case 'n':
		v.SetZero()
		return nil
	case '"':
		if text := t.String(); setInteger(text, v) {
			return nil
		}
	}
	return misfit(nameOf(t.Kind()), v)
}

// setInteger reports whether the text is an integer that fits, in its shortest form.
func setInteger(text string, v reflect.Value) bool {
	if v.CanInt() {
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err == nil && strconv.FormatInt(n, 10) == text
	}
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	v.SetUint(n)
	return err == nil && strconv.FormatUint(n, 10) == text
}

// decodeArray reads the elements after the opening bracket, and the closing one.
func decodeArray(d *jsontext.Decoder, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for d.PeekKind() > 0 && d.PeekKind() != ']' {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decode(d, element); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
	}
	_, err := d.ReadToken()
	return err
}

// setNumber reports whether the number fits.
func setNumber(text string, v reflect.Value) bool {
	if !v.CanFloat() {
		return (v.CanInt() || v.CanUint()) && setInteger(text, v)
	}
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	v.SetFloat(n)
	return err == nil
}

func nameOf(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "number"
	}
	return "boolean"
}
