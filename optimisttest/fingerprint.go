package optimisttest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// fingerprint writes a value with everything behind its pointers, so that values of
// equal meaning have the same fingerprint: nil and empty slices and maps, and the
// same instant in two zones.
func fingerprint(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v), nil)
	return b.String()
}

var timeType = reflect.TypeFor[time.Time]()

func write(b *strings.Builder, v reflect.Value, outer []uintptr) {
	if !v.IsValid() {
		b.WriteString("nil")
		return
	}
	if v.Type() == timeType && v.CanInterface() {
		fmt.Fprintf(b, "%d", v.Interface().(time.Time).UnixNano())
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		if v.Kind() == reflect.Pointer {
			if slices.Contains(outer, v.Pointer()) {
				b.WriteString("cycle")
				return
			}
			outer = append(outer[:len(outer):len(outer)], v.Pointer())
			b.WriteByte('&')
		} else {
			fmt.Fprintf(b, "%v ", v.Elem().Type())
		}
		write(b, v.Elem(), outer)
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, v.Index(i), outer)
		}
		b.WriteByte(']')
	case reflect.Map:
		entries := make([]string, 0, v.Len())
		for it := v.MapRange(); it.Next(); {
			var e strings.Builder
			write(&e, it.Key(), outer)
			e.WriteByte(':')
			write(&e, it.Value(), outer)
			entries = append(entries, e.String())
		}
		slices.Sort(entries)
		fmt.Fprintf(b, "map[%s]", strings.Join(entries, " "))
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v.Type().Field(i).Name + ":")
			write(b, v.Field(i), outer)
		}
		b.WriteByte('}')
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		fmt.Fprintf(b, "%v@%x", v.Type(), v.Pointer())
	default:
		fmt.Fprintf(b, "%v", v)
	}
}

// shared names mutable memory that two values of one type share; empty if there is
// none.
func shared(a, b reflect.Value, path string, outer []uintptr) string {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() || a.Type() == timeType {
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if a.IsNil() || b.IsNil() || a.Kind() == reflect.Slice && (a.Cap() == 0 || b.Cap() == 0) {
			return ""
		}
		if a.Pointer() == b.Pointer() {
			return path
		}
		if slices.Contains(outer, a.Pointer()) {
			return ""
		}
		outer = append(outer[:len(outer):len(outer)], a.Pointer())
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return shared(a.Elem(), b.Elem(), path, outer)
	case reflect.Slice, reflect.Array:
		for i := range min(a.Len(), b.Len()) {
			if found := shared(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i), outer); found != "" {
				return found
			}
		}
	case reflect.Map:
		for it := a.MapRange(); it.Next(); {
			if found := shared(it.Value(), b.MapIndex(it.Key()), fmt.Sprintf("%s[%v]", path, it.Key()), outer); found != "" {
				return found
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if found := shared(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name, outer); found != "" {
				return found
			}
		}
	}
	return ""
}
