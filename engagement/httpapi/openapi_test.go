package httpapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/optimist-go/optimist/engagement/httpapi"
)

// document is openapi.json, in which references, except to schemas, have been replaced
// by their targets.
type document struct {
	Paths      map[string]map[string]documented
	Components struct{ Schemas map[string]schema }

	// mu guards the compiler and the field below it.
	mu       *sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// documented is one method of one path.
type documented struct {
	OperationID string
	Parameters  []parameter
	RequestBody *struct {
		Required bool
		Content  map[string]any
	}
	Responses map[string]struct {
		Description string
		Content     map[string]any
		Headers     map[string]parameter
	}
	Security []any
}

// parameter is one of a request, or a header of an answer, which has no Name and In.
type parameter struct {
	Name     string
	In       string
	Required bool
	Schema   struct{ Type string }
}

var readDocument = sync.OnceValues(func() (*document, error) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	return parseDocument(string(text))
})

func parseDocument(text string) (*document, error) {
	tree, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	tree, err = inlined(tree, tree)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	doc := &document{mu: new(sync.Mutex), compiler: jsonschema.NewCompiler(), compiled: make(map[string]*jsonschema.Schema)}
	if err := json.Unmarshal(data, doc); err != nil {
		return nil, err
	}
	return doc, doc.compiler.AddResource("openapi.json", tree)
}

// inlined replaces each reference in the node by its target, except to schemas.
func inlined(node, tree any) (any, error) {
	var err error
	switch n := node.(type) {
	case map[string]any:
		if path, ok := n["$ref"].(string); ok && !strings.HasPrefix(path, "#/components/schemas/") {
			at := tree
			for step := range strings.SplitSeq(strings.TrimPrefix(path, "#/"), "/") {
				object, _ := at.(map[string]any)
				at = object[step]
			}
			if at == nil {
				return nil, fmt.Errorf("%s points nowhere", path)
			}
			return inlined(at, tree)
		}
		for name := range n {
			if n[name], err = inlined(n[name], tree); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range n {
			if n[i], err = inlined(n[i], tree); err != nil {
				return nil, err
			}
		}
	}
	return node, nil
}

func mustReadDocument(tb testing.TB) *document {
	tb.Helper()
	doc, err := readDocument()
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// schema returns the schema at the end of the steps into the document.
func (d *document) schema(steps ...string) (*jsonschema.Schema, error) {
	for i, step := range steps {
		steps[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(step)
	}
	place := "openapi.json#/" + strings.Join(steps, "/")
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.compiled[place]; ok {
		return s, nil
	}
	s, err := d.compiler.Compile(place)
	d.compiled[place] = s
	return s, err
}

func TestDocumentNamesEveryRouteAndNoOther(t *testing.T) {
	var documented []string
	ids := make(map[string]bool)
	for path, methods := range mustReadDocument(t).Paths {
		for method, op := range methods {
			line := strings.ToUpper(method) + " " + path
			if len(op.Security) > 0 {
				line += " signed in"
			}
			documented = append(documented, line)
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is missing or used twice", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	slices.Sort(documented)
	served := httpapi.Routes()
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Fatalf("documented:\n%s\nserved:\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

// TestDocumentIsWhole compiles every schema: each is valid, and its references have
// targets.
func TestDocumentIsWhole(t *testing.T) {
	doc := mustReadDocument(t)
	compile := func(steps ...string) {
		t.Helper()
		if _, err := doc.schema(steps...); err != nil {
			t.Errorf("%v: %v", steps, err)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for i := range op.Parameters {
				compile("paths", path, method, "parameters", fmt.Sprint(i), "schema")
			}
			for status, r := range op.Responses {
				for mediaType := range r.Content {
					compile("paths", path, method, "responses", status, "content", mediaType, "schema")
				}
				for name := range r.Headers {
					compile("paths", path, method, "responses", status, "headers", name, "schema")
				}
			}
		}
	}
}

func TestDocumentIsServed(t *testing.T) {
	s := start(t, setup{})
	r := s.anonymous().do("GET", "/openapi.json", "", nil)
	r.want(200, "")
	want, _ := os.ReadFile("openapi.json")
	if string(r.body) != string(want) {
		t.Fatal("another document is served")
	}
}
