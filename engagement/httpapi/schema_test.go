package httpapi_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/wire"
)

type schema struct {
	Properties map[string]schema
	Required   []string
	MaxLength  int
	MaxItems   int
}

func schemaOf(t *testing.T, name string) schema {
	t.Helper()
	return mustReadDocument(t).Components.Schemas[name]
}

// TestSchemasAreTheTypes compares each schema with the type of package wire that
// it describes: the same fields, and those required that are always sent.
func TestSchemasAreTheTypes(t *testing.T) {
	for name, value := range map[string]any{
		"Comment": wire.Comment{}, "PostState": wire.PostState{}, "Truth": wire.Truth{}, "Outcome": wire.Outcome{},
		"Page": wire.Page{}, "CommentPage": wire.CommentPage{}, "Session": wire.Session{}, "Problem": wire.Problem{},
		"Change": wire.Change{}, "CommentText": wire.CommentText{}, "NewPost": wire.NewPost{}, "SignIn": wire.SignIn{},
		"Hello": wire.Hello{},
	} {
		s := schemaOf(t, name)
		all, always := jsonFields(reflect.TypeOf(value))
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, all) {
			t.Errorf("%s: the schema has %v, the type %v", name, got, all)
		}
		if got := slices.Sorted(slices.Values(s.Required)); !slices.Equal(got, always) {
			t.Errorf("%s: the schema requires %v, the type always sends %v", name, got, always)
		}
	}
}

// jsonFields returns the names of all fields, and of those without omitempty, sorted.
func jsonFields(typ reflect.Type) (all, always []string) {
	for _, f := range reflect.VisibleFields(typ) {
		tag, ok := f.Tag.Lookup("json")
		if !ok {
			continue // an embedded struct: its fields are visible themselves
		}
		name, option, _ := strings.Cut(tag, ",")
		all = append(all, name)
		if option != "omitempty" {
			always = append(always, name)
		}
	}
	slices.Sort(all)
	slices.Sort(always)
	return all, always
}

func TestSchemasStateTheBounds(t *testing.T) {
	equal(t, "comment", schemaOf(t, "CommentText").Properties["text"].MaxLength, wire.MaxCommentText)
	equal(t, "post", schemaOf(t, "NewPost").Properties["text"].MaxLength, wire.MaxPostText)
	equal(t, "comments", schemaOf(t, "PostState").Properties["comments"].MaxItems, wire.MaxComments)
	equal(t, "contains", schemaOf(t, "Truth").Properties["contains"].MaxItems, wire.MaxContains)
}
