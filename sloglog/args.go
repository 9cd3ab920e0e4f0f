package sloglog

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
)

// readable is an operation's arguments for a log. Handlers write what is behind a pointer
// inside of them as an address, which says nothing.
func readable(args any) any {
	if speaks(args) || !pointsAnywhere(reflect.ValueOf(args), 0) {
		return args
	}
	return pointed{args}
}

// deepest is the depth up to which arguments are written. They are trees, mostly flat ones.
const deepest = 16

// pointed are arguments with pointers. Text has the values behind them, JSON has them anyway.
type pointed struct{ args any }

// String writes the arguments as fmt's %+v does, but for pointers.
func (p pointed) String() string {
	var b strings.Builder
	write(&b, reflect.ValueOf(p.args), 0)
	return b.String()
}

// MarshalJSON writes the arguments as JSON.
func (p pointed) MarshalJSON() ([]byte, error) { return json.Marshal(p.args) }

// speaks reports whether a value says itself how it is written.
func speaks(v any) bool {
	switch v.(type) {
	case slog.LogValuer, fmt.Formatter, fmt.Stringer, error, encoding.TextMarshaler, nil:
		return true
	}
	return false
}

// pointsAnywhere reports whether there is a pointer in a value.
func pointsAnywhere(v reflect.Value, depth int) bool {
	if depth > deepest {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Interface:
		return pointsAnywhere(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if pointsAnywhere(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if pointsAnywhere(it.Key(), depth+1) || pointsAnywhere(it.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		if v.CanInterface() && speaks(v.Interface()) {
			return false
		}
		for i := range v.NumField() {
			if pointsAnywhere(v.Field(i), depth+1) {
				return true
			}
		}
	}
	return false
}

func write(b *strings.Builder, v reflect.Value, depth int) {
	if depth > deepest {
		b.WriteString("…")
		return
	}
	list := func(n int, item func(i int)) {
		for i := range n {
			if i > 0 {
				b.WriteByte(' ')
			}
			item(i)
		}
	}
	switch kind := v.Kind(); {
	case kind == reflect.Invalid, (kind == reflect.Pointer || kind == reflect.Interface) && v.IsNil():
		b.WriteString("<nil>")
	case v.CanInterface() && speaks(v.Interface()):
		fmt.Fprintf(b, "%+v", v.Interface())
	case kind == reflect.Pointer, kind == reflect.Interface:
		write(b, v.Elem(), depth+1)
	case kind == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8, kind == reflect.Array:
		b.WriteByte('[')
		list(v.Len(), func(i int) { write(b, v.Index(i), depth+1) })
		b.WriteByte(']')
	case kind == reflect.Map:
		keys := v.MapKeys()
		texts := make([]string, len(keys))
		for i, key := range keys {
			var entry strings.Builder
			write(&entry, key, depth+1)
			entry.WriteByte(':')
			write(&entry, v.MapIndex(key), depth+1)
			texts[i] = entry.String()
		}
		slices.Sort(texts)
		b.WriteString("map[" + strings.Join(texts, " ") + "]")
	case kind == reflect.Struct:
		b.WriteByte('{')
		list(v.NumField(), func(i int) {
			b.WriteString(v.Type().Field(i).Name + ":")
			write(b, v.Field(i), depth+1)
		})
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%+v", v)
	}
}
