package leanjson

import (
	"reflect"
	"strings"
	"sync"
)

// member is a field of a struct under its name in JSON.
type member struct {
	name      string
	index     []int // path through embedded structs
	omitEmpty bool
	quoted    bool // the tag says string: an integer as text
}

// known caches the members of types: reflect.Type to []member.
var known sync.Map

// membersOf lists the members of a struct type, with the members of embedded structs in
// their place.
func membersOf(t reflect.Type) []member {
	if found, ok := known.Load(t); ok {
		return found.([]member)
	}
	var members []member
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if field.Anonymous && tag == "" && field.Type.Kind() == reflect.Struct {
			for _, m := range membersOf(field.Type) {
				m.index = append([]int{i}, m.index...)
				members = append(members, m)
			}
			continue
		}
		if !field.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = field.Name
		}
		has := func(option string) bool { return strings.Contains(","+options+",", ","+option+",") }
		members = append(members, member{name, []int{i}, has("omitempty"), has("string")})
	}
	known.Store(t, members)
	return members
}

func named(members []member, name string) (member, bool) {
	for _, m := range members {
		if m.name == name {
			return m, true
		}
	}
	return member{}, false
}
