package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// likeArgs is the payload of the operation "like".
type likeArgs struct {
	Post string `json:"post"`
	Note string `json:"note"`
}

// serveLikes serves the operation PUT /posts/{id}/like and GET /events on the fake
// database. The header User says who asks.
func serveLikes(t testing.TB, db *fakeDB, events EventOptions) (*Kit, *httptest.Server) {
	t.Helper()
	k, err := Open(context.Background(), db, Options{Truth: db.truths(), Log: quiet,
		User: func(r *http.Request) (string, error) {
			if r.Header.Get("User") == "eve" {
				return "", &Refusal{Status: http.StatusForbidden, Detail: "not you"}
			}
			return r.Header.Get("User"), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	Run(k, Name("like", func(a likeArgs) []string { return []string{a.Post} }), func(ctx context.Context, tx Tx, op Op, a likeArgs) error {
		switch a.Note {
		case "":
		case "panic":
			panic("at the disco")
		case "busy":
			return ErrBusy
		case "later":
			return &Refusal{Status: http.StatusTooManyRequests, Detail: "slowly", RetryAfter: 1500 * time.Millisecond}
		case "extra":
			return &Refusal{Status: http.StatusConflict, Detail: "no", With: map[string]any{"winner": "bob", "status": 7}}
		default:
			var status int
			fmt.Sscan(a.Note, &status)
			return &Refusal{Status: status, Detail: "no"}
		}
		if n, err := tx.Exec(ctx, "like", a.Post, op.User); err != nil || n == 1 {
			return err
		}
		return Already
	})
	mux := http.NewServeMux()
	mux.Handle("PUT /posts/{id}/like", k.Handle("like", func(r *http.Request) (any, error) {
		if r.PathValue("id") == "trap" {
			panic("trapped")
		}
		a, err := JSON[likeArgs](r)
		a.Post = r.PathValue("id")
		return a, err
	}))
	mux.Handle("/events", k.Events(events))
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		k.Drain()
		s.Close()
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k, s
}

// put sends one operation; body "" is an empty object.
func put(t testing.TB, s *httptest.Server, path, user string, keys []string, body string) (*http.Response, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+path, strings.NewReader(cmpOr(body, "{}")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User", user)
	r.Header[HeaderKey] = keys
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%d %q: %v", resp.StatusCode, text, err)
	}
	return resp, answer
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func TestAnOperationIsAnsweredWithItsTruth(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	for _, step := range []struct {
		path, user, key string
		status          int
		replayed        string
		want            string
	}{
		{"/posts/a/like", "ada", "k1", 201, "", `{"already":false,"truth":{"changedAt":1,"contains":["k0"],"id":"a","position":"1.1","state":{"liked":true,"likes":1},"version":1}}`},
		{"/posts/a/like", "ada", "k1b", 200, "", `{"already":true,"truth":{"changedAt":1,"contains":["k0"],"id":"a","position":"1.1","state":{"liked":true,"likes":1},"version":1}}`},
		{"/posts/a/like", "bob", `"k2"`, 200, "", `{"already":false,"truth":{"changedAt":2,"contains":["k1"],"id":"a","position":"1.2","state":{"liked":true,"likes":2},"version":2}}`},
		{"/posts/a/like", "ada", `"k1"`, 201, "true", `{"already":false,"truth":{"changedAt":2,"contains":["k0"],"id":"a","position":"1.2","state":{"liked":true,"likes":2},"version":2}}`},
		{"/posts/a/like", "ada", "k3", 200, "", `{"already":true,"truth":{"changedAt":2,"contains":["k0"],"id":"a","position":"1.2","state":{"liked":true,"likes":2},"version":2}}`},
	} {
		resp, answer := put(t, s, step.path, step.user, []string{step.key}, "")
		got, _ := json.Marshal(answer)
		if resp.StatusCode != step.status || resp.Header.Get(HeaderReplayed) != step.replayed || string(got) != step.want ||
			resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %v\n%s\nwant %d\n%s", step.user, step.key, resp.StatusCode, resp.Header, got, step.status, step.want)
		}
	}
}

func TestARefusalIsAProblem(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	db.like("a", "bob")
	one := []string{"k1"}
	for name, c := range map[string]struct {
		path, user string
		keys       []string
		body       string
		status     int
		problem    string
		retry      string
		truth      bool
	}{
		"nobody":             {"/posts/a/like", "", one, "", 401, ProblemUnauthenticated, "", false},
		"refused user":       {"/posts/a/like", "eve", one, "", 403, ProblemForbidden, "", false},
		"no key":             {"/posts/a/like", "ada", nil, "", 400, ProblemKeyMissing, "", false},
		"empty key":          {"/posts/a/like", "ada", []string{""}, "", 400, ProblemKeyMissing, "", false},
		"two keys":           {"/posts/a/like", "ada", []string{"a", "b"}, "", 400, ProblemBadRequest, "", false},
		"a key in one quote": {"/posts/a/like", "ada", []string{`"a`}, "", 400, ProblemBadRequest, "", false},
		"quotes of nothing":  {"/posts/a/like", "ada", []string{`""`}, "", 400, ProblemBadRequest, "", false},
		"a long key":         {"/posts/a/like", "ada", []string{strings.Repeat("k", 129)}, "", 400, ProblemBadRequest, "", false},
		"not JSON":           {"/posts/a/like", "ada", one, "{", 400, ProblemMalformed, "", false},
		"not an object":      {"/posts/a/like", "ada", one, "null", 400, ProblemMalformed, "", false},
		"two objects":        {"/posts/a/like", "ada", one, "{}{}", 400, ProblemMalformed, "", false},
		"unknown field":      {"/posts/a/like", "ada", one, `{"x":1}`, 400, ProblemMalformed, "", false},
		"another case":       {"/posts/a/like", "ada", one, `{"Note":"busy"}`, 400, ProblemMalformed, "", false},
		"a field twice":      {"/posts/a/like", "ada", one, `{"note":"","note":"busy"}`, 400, ProblemMalformed, "", false},
		"wrong kind":         {"/posts/a/like", "ada", one, `{"note":7}`, 400, ProblemMalformed, "", false},
		"not UTF-8":          {"/posts/a/like", "ada", one, "{\"note\":\"\xff\"}", 400, ProblemMalformed, "", false},
		"too large":          {"/posts/a/like", "ada", one, `{"note":"` + strings.Repeat("x", largestBody) + `"}`, 413, ProblemTooLarge, "", false},
		"panic while read":   {"/posts/trap/like", "ada", one, "", 500, ProblemInternal, "", false},
		"panic":              {"/posts/a/like", "ada", one, `{"note":"panic"}`, 500, ProblemInternal, "", false},
		"busy":               {"/posts/a/like", "ada", one, `{"note":"busy"}`, 409, ProblemInProgress, "1", false},
		"later":              {"/posts/a/like", "ada", one, `{"note":"later"}`, 429, ProblemRate, "2", false},
		"404":                {"/posts/a/like", "ada", one, `{"note":"404"}`, 404, ProblemNotFound, "", true},
		"404 of nothing":     {"/posts/b/like", "ada", one, `{"note":"404"}`, 404, ProblemNotFound, "", false},
		"409":                {"/posts/a/like", "ada", one, `{"note":"extra"}`, 409, ProblemConflict, "", true},
		"410":                {"/posts/a/like", "ada", one, `{"note":"410"}`, 410, ProblemGone, "", true},
		"422":                {"/posts/a/like", "ada", one, `{"note":"422"}`, 422, ProblemInvalid, "", false},
		"418":                {"/posts/a/like", "ada", one, `{"note":"418"}`, 418, ProblemBadRequest, "", false},
		"no such status":     {"/posts/a/like", "ada", one, `{"note":"200"}`, 500, ProblemInternal, "", false},
	} {
		resp, answer := put(t, s, c.path, c.user, c.keys, c.body)
		state, _ := answer["truth"].(map[string]any)
		if resp.StatusCode != c.status || answer["type"] != c.problem || resp.Header.Get("Retry-After") != c.retry ||
			answer["status"] != float64(c.status) || answer["title"] != http.StatusText(c.status) || answer["detail"] == nil ||
			resp.Header.Get("Content-Type") != "application/problem+json" || (state["id"] == "a") != c.truth {
			t.Errorf("%s: %d %v %v", name, resp.StatusCode, resp.Header, answer)
		}
		if name == "409" && answer["winner"] != "bob" {
			t.Errorf("what the program adds is missing in %v", answer)
		}
		if strings.Contains(fmt.Sprint(answer), "trapped") || strings.Contains(fmt.Sprint(answer), "disco") || strings.Contains(fmt.Sprint(answer), "likeArgs") {
			t.Errorf("%s: the answer says too much: %v", name, answer)
		}
	}
}

func TestAKeyOfAnotherPayloadIsRefused(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	put(t, s, "/posts/a/like", "ada", []string{"k1"}, "")
	resp, answer := put(t, s, "/posts/b/like", "ada", []string{"k1"}, "")
	if resp.StatusCode != 422 || answer["type"] != ProblemKeyReused {
		t.Errorf("%d %v", resp.StatusCode, answer)
	}
}

// TestAKeyInDoubtForLongerThanKeysAreKept: whether its operation was carried out is not known, unless
// the key is.
func TestAKeyInDoubtForLongerThanKeysAreKept(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	ask := func(key string, ages ...string) (status int, problem any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/posts/a/like", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/json"}, "User": {"ada"}, HeaderKey: {key}, HeaderKeyAge: ages}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer["type"]
	}
	const keep = 8 * 24 * 60 * 60 // seconds; the default
	for _, step := range []struct {
		key     string
		ages    []string
		status  int
		problem any
	}{
		{"k1", []string{fmt.Sprint(keep + 1)}, 410, ProblemKeyExpired},
		{"k1", []string{"99999999999999999999"}, 410, ProblemKeyExpired},
		{"k1", []string{"-1"}, 400, ProblemBadRequest},
		{"k1", []string{"1.5"}, 400, ProblemBadRequest},
		{"k1", []string{""}, 400, ProblemBadRequest},
		{"k1", []string{"1", "1"}, 400, ProblemBadRequest},
		{"k1", []string{fmt.Sprint(keep)}, 201, nil}, // nothing of it was carried out so far
		{"k1", []string{fmt.Sprint(keep + 1)}, 201, nil},
		{"k2", []string{"0"}, 200, nil},
	} {
		if status, problem := ask(step.key, step.ages...); status != step.status || problem != step.problem {
			t.Errorf("%s of age %q: %d %v, want %d %v", step.key, step.ages, status, problem, step.status, step.problem)
		}
	}
}

func TestWithoutADatabaseOperationsAreToComeAgain(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	db.fail(ErrUnavailable)
	resp, answer := put(t, s, "/posts/a/like", "ada", []string{"k1"}, "")
	if resp.StatusCode != 503 || answer["type"] != ProblemOverloaded || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", resp.StatusCode, answer)
	}
	db.fail(nil)
	if resp, answer = put(t, s, "/posts/a/like", "ada", []string{"k1"}, ""); resp.StatusCode != 201 {
		t.Errorf("then: %d %v", resp.StatusCode, answer)
	}
}

// TestADatabaseThatIsLostWhileAnOperationEnds: the client is told that nobody knows whether the
// operation was carried out; a request with the same key tells.
func TestADatabaseThatIsLostWhileAnOperationEnds(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	db.ending = fmt.Errorf("broken pipe: %w", ErrUnavailable)
	resp, answer := put(t, s, "/posts/a/like", "ada", []string{"k1"}, "")
	if resp.StatusCode != 504 || answer["type"] != ProblemUnsure || answer["title"] != "Gateway Timeout" || answer["retryAfterMs"] != 1000. {
		t.Errorf("%d %v", resp.StatusCode, answer)
	}
	if resp, answer = put(t, s, "/posts/a/like", "ada", []string{"k2"}, ""); resp.StatusCode != 503 {
		t.Errorf("what was not begun: %d %v", resp.StatusCode, answer)
	}
	db.fail(nil)
	if resp, answer = put(t, s, "/posts/a/like", "ada", []string{"k1"}, ""); resp.StatusCode != 201 || resp.Header.Get(HeaderReplayed) != "true" {
		t.Errorf("then: %d %v", resp.StatusCode, answer)
	}
}

func TestABodyMustBeJSON(t *testing.T) {
	for header, want := range map[string]int{
		"": 415, "text/plain": 415, "application/json; charset=latin1": 415, "application/json; charset=UTF-8": 0, "application/json": 0,
	} {
		r := httptest.NewRequest(http.MethodPut, "/", strings.NewReader("{}"))
		r.Header.Set("Content-Type", header)
		_, err := JSON[likeArgs](r)
		if got := ProblemOf(err).Status; err != nil && got != want || err == nil && want != 0 {
			t.Errorf("%q: %v", header, err)
		}
	}
}
