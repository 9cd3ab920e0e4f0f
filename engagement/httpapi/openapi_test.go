package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/engagement/httpapi"
)

// document is what the tests need of openapi.json.
type document struct {
	Paths map[string]map[string]struct {
		OperationID string
		Responses   map[string]response
	}
	Components struct {
		Responses map[string]response
		Schemas   map[string]json.RawMessage
	}
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]json.RawMessage
}

var readDocument = sync.OnceValues(func() (document, error) {
	var doc document
	data, err := os.ReadFile("openapi.json")
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	return doc, err
})

func mustReadDocument(tb testing.TB) document {
	tb.Helper()
	doc, err := readDocument()
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func TestDocumentNamesEveryRouteAndNoOther(t *testing.T) {
	var documented []string
	ids := make(map[string]bool)
	for path, methods := range mustReadDocument(t).Paths {
		for method, op := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
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

func TestDocumentReferencesResolve(t *testing.T) {
	data, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"\$ref": "#/([^"]+)"`).FindAllStringSubmatch(string(data), -1) {
		at := tree
		for _, step := range strings.Split(m[1], "/") {
			at = at.(map[string]any)[step]
		}
		if at == nil {
			t.Errorf("%s points nowhere", m[1])
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

// checkDocumented fails when the document does not know the answer. Every answer
// that any test of this package gets passes through here.
func checkDocumented(tb testing.TB, method, path string, res *http.Response) {
	tb.Helper()
	if err := findDocumented(mustReadDocument(tb), method, path, res); err != nil {
		tb.Error(err)
	}
}

func findDocumented(doc document, method, path string, res *http.Response) error {
	for template, methods := range doc.Paths {
		if !matches(template, path) {
			continue
		}
		op, ok := methods[strings.ToLower(method)]
		if method == "HEAD" && res.StatusCode != http.StatusMethodNotAllowed {
			op, ok = methods["get"]
		}
		if !ok {
			if res.StatusCode == http.StatusMethodNotAllowed || res.StatusCode == http.StatusForbidden {
				return nil
			}
			return fmt.Errorf("%s %s answered %d and is not in the document", method, path, res.StatusCode)
		}
		r, ok := op.Responses[fmt.Sprint(res.StatusCode)]
		if !ok {
			return fmt.Errorf("%s %s answered %d, which is not in the document", method, template, res.StatusCode)
		}
		if r.Ref != "" {
			r = doc.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
		}
		mediaType := res.Header.Get("Content-Type")
		if _, ok := r.Content[mediaType]; !ok && (len(r.Content) > 0 || mediaType != "") {
			return fmt.Errorf("%s %s answered %d as %q, which is not in the document", method, template, res.StatusCode, mediaType)
		}
		return nil
	}
	if res.StatusCode == http.StatusNotFound || res.StatusCode >= 400 && res.StatusCode < 500 {
		return nil
	}
	return fmt.Errorf("%s %s answered %d and its path is not in the document", method, path, res.StatusCode)
}

func matches(template, path string) bool {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

// TestUndocumentedAnswersAreNoticed proves that the check can fail.
func TestUndocumentedAnswersAreNoticed(t *testing.T) {
	doc := mustReadDocument(t)
	problem := http.Header{"Content-Type": {"application/problem+json"}}
	for _, res := range []*http.Response{
		{StatusCode: 418, Header: problem},
		{StatusCode: 200, Header: problem},
		{StatusCode: 204, Header: http.Header{}},
	} {
		if findDocumented(doc, "GET", "/v1/posts", res) == nil {
			t.Errorf("an answer %d passed", res.StatusCode)
		}
	}
	if findDocumented(doc, "GET", "/v1/unknown", &http.Response{StatusCode: 200}) == nil {
		t.Error("a path that is not there passed")
	}
}
