package optimisttest

import (
	"reflect"

	"github.com/optimist-go/optimist"
)

// checkCreation finds truth that a creation hides.
func checkCreation[T, A any](tb TB, def optimist.Mutation[T, A], s Samples[T, A]) {
	tb.Helper()
	var nothing T
	var made []reflect.Value // from an absent entity
	for _, args := range s.Args {
		if v, err := def.Apply(nothing, args); err == nil {
			made = append(made, reflect.ValueOf(&v).Elem())
		}
	}
	for _, args := range s.Args {
		for _, value := range s.Values {
			over, err := def.Apply(value, args)
			if err != nil {
				continue
			}
			field := hidden(reflect.ValueOf(&value).Elem(), reflect.ValueOf(&over).Elem(), made)
			if field == "" && replaced(def, value, over, args) {
				field = " all"
			}
			if field != "" {
				tb.Errorf("%s: Apply hides%s of truth that is there already: of %s with %s it makes %s; change only the fields that the arguments say",
					def.Type, field, fingerprint(value), fingerprint(args), fingerprint(over))
				return
			}
		}
	}
}

// replaced reports whether a creation puts the same in the place of truth that it makes of
// nothing, where the value has no fields that tell which part of it is the creation's.
func replaced[T, A any](def optimist.Mutation[T, A], value, over T, args A) bool {
	v := reflect.ValueOf(&value).Elem()
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Struct || v.IsZero() {
		return false
	}
	var nothing T
	alone, err := def.Apply(nothing, args)
	return err == nil && fingerprint(over) == fingerprint(alone) && fingerprint(over) != fingerprint(value)
}

// hidden returns the name of a field of truth that a creation never sets and yet
// overwrites; empty if there is none.
func hidden(truth, over reflect.Value, made []reflect.Value) string {
	if truth.Kind() == reflect.Pointer && !truth.IsNil() && !over.IsNil() {
		var inner []reflect.Value
		for _, m := range made {
			if !m.IsNil() {
				inner = append(inner, m.Elem())
			}
		}
		return hidden(truth.Elem(), over.Elem(), inner)
	}
	if truth.Kind() != reflect.Struct {
		return ""
	}
	for i := range truth.NumField() {
		name := " field " + truth.Type().Field(i).Name
		set := false
		var inner []reflect.Value
		for _, m := range made {
			set = set || !m.Field(i).IsZero()
			inner = append(inner, m.Field(i))
		}
		if !set && !truth.Field(i).IsZero() && over.Field(i).IsZero() {
			return name
		}
		if found := hidden(truth.Field(i), over.Field(i), inner); found != "" {
			return name + "," + found
		}
	}
	return ""
}
