// Package deepcopy copies values with everything behind them, by reflection.
//
// A type can be copied when all references in it can be followed: no channels, functions
// or interfaces, and no fields that are not exported and have references. A copy shares
// nothing with its origin, except immutable values (strings, the location of a time).
package deepcopy

import (
	"reflect"
	"time"

	"github.com/optimist-go/optimist/internal/errorf"
)

// Check reports why values of a type cannot be copied, or nil, and whether an assignment
// copies everything in them.
func Check(t reflect.Type) (flat bool, err error) {
	if err := clonable(t, nil); err != nil {
		return false, errorf.New("type %v cannot be copied: %w", t, err)
	}
	return isFlat(t), nil
}

// Into copies the value at the pointer from to the pointer to. Both are of one type, which
// Check has found fit. It panics for a value that refers to itself, or is nested deeper than 10,000
// times.
func Into(to, from any) {
	copyValue(reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem(), 0)
}

var timeType = reflect.TypeFor[time.Time]()

// isFlat reports whether copying a value of the type copies everything behind it.
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return isFlat(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return true // its pointer is to an immutable location
		}
		for i := range t.NumField() {
			if !isFlat(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	}
	return true
}

// clonable reports why values of the type cannot be copied deeply.
func clonable(t reflect.Type, outer []reflect.Type) error {
	for _, o := range outer {
		if o == t {
			return nil // recursive, and judged already
		}
	}
	outer = append(outer, t)
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return errorf.New("a %v has no copy", t.Kind())
	case reflect.Interface:
		return errorf.New("an interface (%v) may hold anything", t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return clonable(t.Elem(), outer)
	case reflect.Map:
		if !isFlat(t.Key()) {
			return errorf.New("map key %v has references", t.Key())
		}
		return clonable(t.Elem(), outer)
	case reflect.Struct:
		if t == timeType {
			return nil
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !isFlat(f.Type) {
				return errorf.New("field %v.%s is not exported and has references", t, f.Name)
			}
			if err := clonable(f.Type, outer); err != nil && f.IsExported() {
				return err
			}
		}
	}
	return nil
}

// deepest is how deep values may be nested. A value that refers to itself is deeper.
const deepest = 10_000

// copyValue copies from into to. It panics where a value is nested too deeply.
func copyValue(to, from reflect.Value, depth int) {
	if depth++; depth > deepest {
		panic("the value refers to itself, or is nested deeper than 10000 times; set Clone")
	}
	switch from.Kind() {
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyValue(to.Elem(), from.Elem(), depth)
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				copyValue(to.Index(i), from.Index(i), depth)
			}
		}
	case reflect.Array:
		for i := range from.Len() {
			copyValue(to.Index(i), from.Index(i), depth)
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
			for _, k := range from.MapKeys() {
				v := reflect.New(from.Type().Elem()).Elem()
				copyValue(v, from.MapIndex(k), depth)
				to.SetMapIndex(k, v)
			}
		}
	case reflect.Struct:
		to.Set(from)
		if from.Type() == timeType {
			return
		}
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				copyValue(to.Field(i), from.Field(i), depth)
			}
		}
	default:
		to.Set(from)
	}
}
