package leanjson

import "reflect"

// TypeError says that a JSON value and a Go type do not fit.
type TypeError struct {
	JSON string // "object", "array", "string", "number" or "boolean"; "JSON" when none would fit
	Type string // of Go
}

func (e *TypeError) Error() string { return "leanjson: " + e.JSON + " does not fit " + e.Type }

func misfit(json string, v reflect.Value) error {
	if !v.IsValid() {
		return &TypeError{json, "nil"}
	}
	return &TypeError{json, v.Type().String()}
}
