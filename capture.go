package optimist

import (
	"reflect"
	"time"

	"github.com/optimist-go/optimist/internal/errorf"
)

// clonerOf returns how arguments of type A are copied: the program's function, none
// for types without references, or a deep copy by reflection.
func clonerOf[A any](own func(A) A) (func(A) A, error) {
	if own != nil {
		return own, nil
	}
	t := reflect.TypeFor[A]()
	if err := clonable(t, nil); err != nil {
		return nil, errorf.New("%w: arguments of type %v cannot be copied: %w; set Mutation.Clone", ErrInvalid, t, err)
	}
	if flat(t) {
		return func(a A) A { return a }, nil
	}
	return func(a A) A {
		var out A
		deepCopy(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&a).Elem(), 0)
		return out
	}, nil
}

var timeType = reflect.TypeFor[time.Time]()

// flat reports whether copying a value of the type copies everything behind it.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return true // its pointer is to an immutable location
		}
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
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
		if !flat(t.Key()) {
			return errorf.New("map key %v has references", t.Key())
		}
		return clonable(t.Elem(), outer)
	case reflect.Struct:
		if t == timeType {
			return nil
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !flat(f.Type) {
				return errorf.New("field %v.%s is not exported and has references", t, f.Name)
			}
			if err := clonable(f.Type, outer); err != nil && f.IsExported() {
				return err
			}
		}
	}
	return nil
}

// deepest is how deep arguments may be nested. A value that refers to itself is deeper.
const deepest = 10_000

// deepCopy copies from into to. It panics where a value is nested too deeply.
func deepCopy(to, from reflect.Value, depth int) {
	if depth++; depth > deepest {
		panic("the value refers to itself, or is nested deeper than 10000 times; set Clone")
	}
	switch from.Kind() {
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem(), depth)
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				deepCopy(to.Index(i), from.Index(i), depth)
			}
		}
	case reflect.Array:
		for i := range from.Len() {
			deepCopy(to.Index(i), from.Index(i), depth)
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
			for _, k := range from.MapKeys() {
				v := reflect.New(from.Type().Elem()).Elem()
				deepCopy(v, from.MapIndex(k), depth)
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
				deepCopy(to.Field(i), from.Field(i), depth)
			}
		}
	default:
		to.Set(from)
	}
}
