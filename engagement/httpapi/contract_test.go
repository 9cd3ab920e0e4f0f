package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/optimist-go/optimist/engagement/wire"
)

// exchange is one request and its answer, as they were on the wire.
type exchange struct {
	method string
	url    *url.URL
	header http.Header
	sent   []byte

	status   int
	answered http.Header
	got      []byte // nil: a stream
}

// telling are the headers of requests and answers that are part of the contract.
var telling = []string{"Idempotency-Key", "Last-Event-Id", "Idempotency-Replayed", "Location", "Retry-After", "Set-Cookie", "Www-Authenticate"}

// checkDocumented fails when the exchange is not as the document has it: an answer
// must be in it, and so must a request that the server took. Every exchange of any
// test of this package passes through here.
func checkDocumented(tb testing.TB, e exchange) {
	tb.Helper()
	doc := mustReadDocument(tb)
	if err := doc.checkAnswer(e); err != nil {
		tb.Errorf("%s %s: %v", e.method, e.url, err)
	}
	if e.status < 300 {
		if err := doc.checkRequest(e); err != nil {
			tb.Errorf("%s %s was taken: %v", e.method, e.url, err)
		}
	}
}

// find returns the operation and the steps to it; ok is false when there is none.
func (d *document) find(e exchange) (op documented, steps []string, ok bool) {
	method := strings.ToLower(e.method)
	if e.method == http.MethodHead && e.status != http.StatusMethodNotAllowed {
		method = "get"
	}
	for template, methods := range d.Paths {
		if _, matches := pathValues(template, e.url.Path); matches {
			op, ok := methods[method]
			return op, []string{"paths", template, method}, ok
		}
	}
	return documented{}, nil, false
}

// pathValues returns the part of the path for each name of the template.
func pathValues(template, path string) (values map[string]string, ok bool) {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return nil, false
	}
	values = make(map[string]string)
	for i := range a {
		if name, ok := strings.CutPrefix(a[i], "{"); ok {
			values[strings.TrimSuffix(name, "}")] = b[i]
		} else if a[i] != b[i] {
			return nil, false
		}
	}
	return values, true
}

func (d *document) checkAnswer(e exchange) error {
	op, steps, ok := d.find(e)
	switch {
	case !ok && steps == nil && e.status >= 400 && e.status < 500:
		return nil // there is no such path
	case !ok && (e.status == http.StatusMethodNotAllowed || e.status == http.StatusForbidden):
		return nil // there is no such method, or it comes from another site
	case !ok:
		return fmt.Errorf("answered %d and is not in the document", e.status)
	}
	status := fmt.Sprint(e.status)
	r, ok := op.Responses[status]
	if !ok {
		return fmt.Errorf("answered %d, which is not in the document", e.status)
	}
	steps = append(steps, "responses", status)
	var errs []error
	var names []string
	for name, h := range r.Headers {
		names = append(names, name)
		if value := e.answered.Get(name); value != "" {
			errs = append(errs, d.check(textOf(value, h), append(steps, "headers", name, "schema")...))
		} else if h.Required {
			errs = append(errs, fmt.Errorf("the header %s is missing", name))
		}
	}
	errs = append(errs, namesAll(e.answered, names))
	mediaType := e.answered.Get("Content-Type")
	if _, ok := r.Content[mediaType]; !ok && (len(r.Content) > 0 || mediaType != "") {
		errs = append(errs, fmt.Errorf("the media type %q of %d is not in the document", mediaType, e.status))
	} else if e.got != nil && mediaType != "" && e.method != http.MethodHead {
		errs = append(errs, d.checkJSON(e.got, append(steps, "content", mediaType, "schema")...), namesProblem(e.got, r.Description))
	}
	return errors.Join(errs...)
}

// namesAll: the telling headers that are there are among those of the document.
func namesAll(header http.Header, documented []string) error {
	for _, name := range telling {
		known := slices.ContainsFunc(documented, func(d string) bool { return strings.EqualFold(d, name) })
		if header.Get(name) != "" && !known {
			return fmt.Errorf("the header %s is not in the document", name)
		}
	}
	return nil
}

// namesProblem: the description of a refusal says which types of problems it may be.
func namesProblem(body []byte, description string) error {
	var p struct{ Type string }
	json.Unmarshal(body, &p)
	if short, ok := strings.CutPrefix(p.Type, "/problems/"); ok && !regexp.MustCompile(`\b`+short+`\b`).MatchString(description) {
		return fmt.Errorf("the problem %s is not in the description %q", p.Type, description)
	}
	return nil
}

// checkRequest returns the document's objection to the request.
func (d *document) checkRequest(e exchange) error {
	op, steps, ok := d.find(e)
	if !ok {
		return errors.New("is not in the document")
	}
	inPath, _ := pathValues(steps[1], e.url.Path)
	inQuery, err := url.ParseQuery(e.url.RawQuery)
	errs := []error{err}
	var names []string // of headers
	for i, p := range op.Parameters {
		var value string
		var given bool
		switch p.In {
		case "path":
			value, given = inPath[p.Name]
			delete(inPath, p.Name)
		case "query":
			value, given = inQuery.Get(p.Name), inQuery.Has(p.Name)
			if len(inQuery[p.Name]) == 1 {
				inQuery.Del(p.Name)
			}
		case "header":
			value, given = e.header.Get(p.Name), e.header.Get(p.Name) != ""
			names = append(names, p.Name)
		}
		if given {
			errs = append(errs, d.check(textOf(value, p), append(steps, "parameters", fmt.Sprint(i), "schema")...))
		} else if p.Required {
			errs = append(errs, fmt.Errorf("the parameter %s is missing", p.Name))
		}
	}
	errs = append(errs, namesAll(e.header, names))
	if len(inPath)+len(inQuery) > 0 {
		errs = append(errs, fmt.Errorf("the parameters %v %v are not in the document", inPath, inQuery))
	}
	return errors.Join(append(errs, d.checkBody(e, op, steps))...)
}

func (d *document) checkBody(e exchange, op documented, steps []string) error {
	if op.RequestBody == nil || len(e.sent) == 0 {
		if op.RequestBody != nil && op.RequestBody.Required || len(e.sent) > 0 {
			return fmt.Errorf("a body of %d bytes is not as the document has it", len(e.sent))
		}
		return nil
	}
	mediaType, _, _ := mime.ParseMediaType(e.header.Get("Content-Type"))
	if _, ok := op.RequestBody.Content[mediaType]; !ok {
		return fmt.Errorf("a body of type %q is not in the document", mediaType)
	}
	return d.checkJSON(e.sent, append(steps, "requestBody", "content", mediaType, "schema")...)
}

// textOf is the value of a parameter or header as JSON would have it.
func textOf(value string, p parameter) any {
	if p.Schema.Type == "integer" {
		return json.Number(value)
	}
	return value
}

func (d *document) checkJSON(text []byte, steps ...string) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return d.check(value, steps...)
}

// check compares the value with the schema at the end of the steps.
func (d *document) check(value any, steps ...string) error {
	schema, err := d.schema(append([]string(nil), steps...)...)
	if err != nil {
		return err
	}
	if n, ok := value.(json.Number); ok && !json.Valid([]byte(n)) {
		return fmt.Errorf("%v: %q is not a number", steps, n)
	}
	return schema.Validate(value)
}

// beyondTheDocument are hostile requests that a schema cannot tell from good ones: by
// how their JSON is written, or by blank or invisible characters.
var beyondTheDocument = []string{
	"cursor made up", "cursor of another order", "cursor of the order by likes", "cursor of posts, for comments", "cursor with negative likes",
	"field twice", "not UTF-8", "half a character", "blank text", "text of a blank letter", "text of a blank sign",
	"text of marks on nothing", "text that turns the direction", "text that holds no character", "letter with 999 marks",
	"post that holds no character", "post of a letter with many marks", "text with NUL", "text with escape codes",
}

// checkRefused: a request that the server calls malformed or out of bounds does not
// fit the document, either.
func checkRefused(tb testing.TB, row hostile, e exchange) {
	tb.Helper()
	switch row.problem {
	case wire.ProblemMalformed, wire.ProblemInvalid, wire.ProblemBadRequest, wire.ProblemKeyMissing:
	default:
		return
	}
	if e.method == "GET" || e.url.Path == "/v1/session" {
		e.header = e.header.Clone()
		e.header.Del(wire.HeaderKey) // which is sent with every row, and is right
	}
	err := mustReadDocument(tb).checkRequest(e)
	if beyond := slices.Contains(beyondTheDocument, row.name); beyond != (err == nil) {
		tb.Errorf("the document has against the request: %v", err)
	}
}
