package leanjson

import (
	"math"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Marshal returns v as JSON. A nil pointer or slice becomes null. The error is
// a [*TypeError], or says that a text is not UTF-8.
func Marshal(v any) ([]byte, error) {
	return appendValue(nil, reflect.ValueOf(v))
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.Kind() == reflect.Struct:
		return appendObject(b, v)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return appendValue(b, v.Elem())
	case isArray(v):
		return appendArray(b, v)
	case v.Kind() == reflect.String:
		return jsontext.AppendQuote(b, v.String())
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case v.CanInt():
		return strconv.AppendInt(b, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case v.CanFloat() && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0):
		return strconv.AppendFloat(b, v.Float(), 'g', -1, v.Type().Bits()), nil
	}
	return nil, misfit("JSON", v)
}

func appendObject(b []byte, v reflect.Value) (_ []byte, err error) {
	b = append(b, '{')
	separator := ""
	for _, m := range membersOf(v.Type()) {
		value := v.FieldByIndex(m.index)
		if m.omitEmpty && isEmpty(value) {
			continue
		}
		if b, err = jsontext.AppendQuote(append(b, separator...), m.name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if m.quoted {
			b, err = appendQuoted(b, value)
		} else {
			b, err = appendValue(b, value)
		}
		if err != nil {
			return nil, err
		}
		separator = ","
	}
	return append(b, '}'), nil
}

// appendQuoted writes an integer as text.
func appendQuoted(b []byte, v reflect.Value) ([]byte, error) {
	if !v.CanInt() && !v.CanUint() {
		return nil, misfit("JSON", v)
	}
	b, err := appendValue(append(b, '"'), v)
	return append(b, '"'), err
}

func appendArray(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// isArray is false for bytes, which encoding/json writes as base64.
func isArray(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8
}

// isEmpty reports whether omitempty leaves the value out; encoding/json never
// leaves out a struct.
func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.Kind() != reflect.Struct && v.IsZero()
}
