package check

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// keyHeader is the header with the key of an operation.
const keyHeader = "Idempotency-Key"

// call is one request, ready to be sent any number of times: always the same bytes.
type call struct {
	method, path string
	header       http.Header
	body         []byte // nil: none
	user         *user  // nil: nobody
}

// values replace the names in a profile.
type values struct{ user, entity, item, text, stamp string }

// fill makes a call of a request's form.
func (form *Request) fill(v values) call {
	inText := strings.NewReplacer("{user}", v.user, "{entity}", v.entity, "{item}", v.item, "{text}", v.text, "{stamp}", v.stamp)
	inPath := strings.NewReplacer("{user}", url.QueryEscape(v.user), "{entity}", url.PathEscape(v.entity),
		"{item}", v.item, "{text}", url.QueryEscape(v.text), "{stamp}", v.stamp)
	c := call{method: form.Method, path: inPath.Replace(form.Path), header: make(http.Header)}
	for name, value := range form.Header {
		c.header.Set(name, inText.Replace(value))
	}
	if len(form.Body) > 0 {
		c.body, _ = json.Marshal(filled(parse(form.Body), inText, v.stamp)) // the value was read from JSON
		if c.header.Get("Content-Type") == "" {
			c.header.Set("Content-Type", "application/json")
		}
	}
	return c
}

// filled replaces the names in all texts of a JSON value.
func filled(value any, names *strings.Replacer, stamp string) any {
	switch v := value.(type) {
	case string:
		if v == "{stampNumber}" {
			return json.Number(stamp)
		}
		return names.Replace(v)
	case map[string]any:
		for name, member := range v {
			v[name] = filled(member, names, stamp)
		}
	case []any:
		for i, member := range v {
			v[i] = filled(member, names, stamp)
		}
	}
	return value
}

// mentions reports whether the form contains the name.
func (form *Request) mentions(name string) bool {
	for _, value := range form.Header {
		if strings.Contains(value, name) {
			return true
		}
	}
	return strings.Contains(form.Path, name) || bytes.Contains(form.Body, []byte(name))
}

// with returns the call with another value of a header; an empty value removes the
// header.
func (c call) with(name, value string) call {
	c.header = c.header.Clone()
	c.header.Del(name)
	if value != "" {
		c.header.Set(name, value)
	}
	return c
}

// key returns the key of the operation.
func (c call) key() string { return c.header.Get(keyHeader) }

func (c call) String() string { return c.method + " " + c.path }

// answer is the server's answer to a call.
type answer struct {
	status int
	header http.Header
	body   any // parsed; nil: no JSON
}

func (a answer) ok() bool      { return a.status >= 200 && a.status < 300 }
func (a answer) refused() bool { return a.status >= 400 && a.status < 500 }

// busy reports whether the answer asks the client to try again: 429, 503, 504, and 409 with
// Retry-After.
func (a answer) busy() bool {
	return a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout ||
		a.status == http.StatusConflict && a.header.Get("Retry-After") != ""
}

// problem reports whether the body says that it is a problem (RFC 9457).
func (a answer) problem() bool {
	mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	_, isObject := a.body.(map[string]any)
	return strings.TrimSpace(mediaType) == "application/problem+json" && isObject
}

func (a answer) String() string {
	text := strconv.Itoa(a.status)
	for _, pointer := range []string{"/detail", "/title"} {
		if detail, ok := at(a.body, pointer).(string); ok && detail != "" {
			return text + " (" + short(detail) + ")"
		}
	}
	return text
}

// short bounds the length of a text that the server chose.
func short(text string) string {
	const longest = 120
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}
