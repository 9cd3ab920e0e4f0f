package optimisttest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/optimist-go/optimist"
)

// checkAppend finds an Apply that appends to a slice of its input. Mostly append copies, and
// nobody notices; a slice with room it writes into, and then two values have one memory:
// the second append changes what the first has made.
func checkAppend[T, A any](tb TB, def optimist.Mutation[T, A], value T, args A) {
	tb.Helper()
	var roomy T
	copyRoomy(reflect.ValueOf(&roomy).Elem(), reflect.ValueOf(&value).Elem())
	lengths := make(map[uintptr]int)
	eachSlice(reflect.ValueOf(&roomy).Elem(), "", nil, func(_ string, s reflect.Value) {
		lengths[s.Pointer()] = max(lengths[s.Pointer()], s.Len())
	})
	made, err := def.Apply(roomy, args)
	if err != nil {
		return
	}
	found := ""
	eachSlice(reflect.ValueOf(&made).Elem(), "", nil, func(path string, s reflect.Value) {
		if before, known := lengths[s.Pointer()]; known && s.Len() > before && found == "" {
			found = "the value"
			if path != "" {
				found = path[1:]
			}
		}
	})
	if found != "" {
		tb.Errorf("%s: Apply appends to %s in place, so that two values share its memory: of %s with %s; append to slices.Clip of it",
			def.Type, found, fingerprint(value), fingerprint(args))
	}
}

// room is the spare capacity that copyRoomy gives to slices.
const room = 8

// copyRoomy sets to to a copy of from whose slices have room for more. Unexported fields and
// memory behind maps and interfaces stay shared.
func copyRoomy(to, from reflect.Value) {
	to.Set(from)
	switch from.Kind() {
	case reflect.Slice:
		if from.IsNil() || from.Type().Elem().Size() == 0 {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()+room))
		for i := range from.Len() {
			copyRoomy(to.Index(i), from.Index(i))
		}
	case reflect.Array:
		for i := range from.Len() {
			copyRoomy(to.Index(i), from.Index(i))
		}
	case reflect.Struct:
		for i := range from.NumField() {
			if to.Field(i).CanSet() {
				copyRoomy(to.Field(i), from.Field(i))
			}
		}
	case reflect.Pointer:
		if from.IsNil() || from.Elem().Kind() != reflect.Struct || !tree(from.Type(), nil) {
			return // it may lead back to itself
		}
		to.Set(reflect.New(from.Type().Elem()))
		copyRoomy(to.Elem(), from.Elem())
	}
}

// tree reports whether values of a type cannot contain themselves.
func tree(t reflect.Type, outer []reflect.Type) bool {
	if slices.Contains(outer, t) {
		return false
	}
	outer = append(slices.Clip(outer), t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return tree(t.Elem(), outer)
	case reflect.Struct:
		for i := range t.NumField() {
			if !tree(t.Field(i).Type, outer) {
				return false
			}
		}
	}
	return true
}

// eachSlice calls f with every slice that can be reached without maps and interfaces.
func eachSlice(v reflect.Value, path string, outer []uintptr, f func(path string, s reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !slices.Contains(outer, v.Pointer()) {
			eachSlice(v.Elem(), path, append(slices.Clip(outer), v.Pointer()), f)
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Size() == 0 {
			return
		}
		f(path, v)
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			eachSlice(v.Index(i), fmt.Sprintf("%s[%d]", path, i), outer, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			eachSlice(v.Field(i), path+"."+v.Type().Field(i).Name, outer, f)
		}
	}
}
