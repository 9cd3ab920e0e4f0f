package httpapi_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
)

// someExchanges are of every kind.
func someExchanges(t *testing.T) []exchange {
	s := start(t, setup{options: httpapi.Options{Rate: 1, Burst: 100}})
	c := s.anonymous()
	signedIn := c.do("POST", "/v1/session", `{"name":"ada"}`, nil)
	ada := s.signIn("ada")
	post, comment := ada.newPost("hello"), engagement.NewID()
	liked := stampAt(0)
	text := map[string]any{"text": "hi"}
	replies := []reply{
		signedIn,
		ada.operate(freshKey(), "POST", "/v1/posts", stampAt(0), map[string]any{"id": engagement.NewID(), "text": "new"}),
		ada.operate("like", "PUT", post+"/like", liked, nil),
		ada.operate("like", "PUT", post+"/like", liked, nil),
		ada.operate(freshKey(), "DELETE", post+"/like", stampAt(-1000), nil),
		ada.operate(freshKey(), "PUT", post+"/comments/"+comment, stampAt(0), text),
		ada.operate(freshKey(), "PATCH", post+"/comments/"+comment, stampAt(0), text),
		ada.do("GET", "/v1/posts?limit=1", "", nil),
		ada.do("GET", post+"/comments?limit=1", "", nil),
		c.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil),
		ada.do("DELETE", "/v1/session", "", nil),
	}
	s.api.Drain()
	replies = append(replies, c.do("GET", "/readyz", "", nil))
	for range 300 {
		if r := c.do("GET", post, "", nil); r.status != 200 {
			replies = append(replies, r)
			break
		}
	}
	var all []exchange
	for _, r := range replies {
		all = append(all, r.all)
	}
	return all
}

// TestDriftIsNoticed changes the document and sees that it is no longer that of the
// server: the checks can fail.
func TestDriftIsNoticed(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	exchanges := someExchanges(t)
	fails := func(drift func(at func(steps ...string) map[string]any)) bool {
		t.Helper()
		var tree map[string]any
		if err := json.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		drift(func(steps ...string) map[string]any {
			at := tree
			for _, step := range steps {
				at, _ = at[step].(map[string]any)
			}
			if at == nil {
				t.Fatalf("there is no %v", steps)
			}
			return at
		})
		changed, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := parseDocument(string(changed))
		if err != nil {
			return true
		}
		return slices.ContainsFunc(exchanges, func(e exchange) bool {
			return doc.checkAnswer(e) != nil || e.status < 300 && doc.checkRequest(e) != nil
		})
	}
	type place = func(...string) map[string]any
	if fails(func(place) {}) {
		t.Fatal("the document as it is")
	}
	const like, posts = "/v1/posts/{post}/like", "/v1/posts"
	for what, drift := range map[string]func(at place){
		"a number is text": func(at place) {
			at("components", "schemas", "PostState", "properties", "likesCount")["type"] = "string"
		},
		"a stamp is a number":    func(at place) { at("components", "schemas", "Stamp")["type"] = "integer" },
		"a stamp is of hex":      func(at place) { at("components", "schemas", "Stamp")["pattern"] = "^[a-f]+$" },
		"a text is an object":    func(at place) { at("components", "schemas", "Comment", "properties", "text")["type"] = "object" },
		"a field is required":    func(at place) { at("components", "schemas", "Truth")["required"] = []string{"id", "likes"} },
		"a request has less":     func(at place) { delete(at("components", "schemas", "NewPost", "properties"), "text") },
		"a text is shorter":      func(at place) { at("components", "schemas", "CommentText", "properties", "text")["maxLength"] = 1 },
		"a status is missing":    func(at place) { delete(at("paths", like, "delete", "responses"), "409") },
		"a status has no body":   func(at place) { delete(at("components", "responses", "Conflict"), "content") },
		"no body is asked for":   func(at place) { delete(at("paths", like, "put"), "requestBody") },
		"no parameters":          func(at place) { delete(at("paths", like, "put"), "parameters") },
		"no parameters, reading": func(at place) { delete(at("paths", posts, "get"), "parameters") },
		"a key of digits":        func(at place) { at("components", "parameters", "key", "schema")["pattern"] = "^[0-9]+$" },
		"a limit of more":        func(at place) { at("components", "parameters", "limit", "schema")["minimum"] = 2 },
		"an id of version 4":     func(at place) { at("components", "parameters", "post", "schema")["pattern"] = "^.{14}4" },
		"another parameter":      func(at place) { at("components", "parameters", "cursor")["required"] = true },
		"no sign of a replay":    func(at place) { delete(at("paths", like, "put", "responses", "200"), "headers") },
		"no place":               func(at place) { delete(at("paths", posts, "post", "responses", "201", "headers"), "Location") },
		"no cookie":              func(at place) { delete(at("paths", "/v1/session", "post", "responses", "200"), "headers") },
		"no time to retry":       func(at place) { delete(at("components", "responses", "RateLimited"), "headers") },
		"a date to retry": func(at place) {
			at("components", "headers", "RetryAfter")["schema"] = map[string]any{"pattern": "GMT$"}
		},
		"another header":         func(at place) { at("components", "headers", "Replayed")["required"] = true },
		"another problem":        func(at place) { at("components", "responses", "Overloaded")["description"] = "Problem type: busy." },
		"a reference to nowhere": func(at place) { delete(at("components", "responses"), "Gone") },
		"a schema of nowhere":    func(at place) { delete(at("components", "schemas"), "Comment") },
		"a path is missing":      func(at place) { delete(at("paths"), like) },
		"a method is missing":    func(at place) { delete(at("paths", like), "put") },
	} {
		if !fails(drift) {
			t.Errorf("%s: nobody notices", what)
		}
	}
}
