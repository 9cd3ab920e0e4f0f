package page

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/wire"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	zipped := file{}
	probe := &Handler{files: make(map[string]file)}
	probe.add("/x", "text/plain", []byte(strings.Repeat("wasm ", 1000)))
	zipped = probe.files["/x"]
	h, err := NewHandler(&Build{Wasm: zipped.zip, Runtime: []byte("runtime"), Hash: "h"}, nil, nil, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{
		"/gallery": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8",
		"/boot.js": "text/javascript; charset=utf-8", "/wasm_exec.js": "text/javascript; charset=utf-8", "/page.wasm": "application/wasm", "/favicon.svg": "image/svg+xml",
	} {
		w := get(t, h, path)
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s: %d %q", path, w.Code, w.Header().Get("Content-Type"))
		}
		if again := get(t, h, path, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s, unchanged: %d", path, again.Code)
		}
	}
	if w := get(t, h, "/page.wasm", "Accept-Encoding", "gzip, br"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() != len(zipped.zip) {
		t.Errorf("not given out as it was kept: %v", w.Header())
	}
	if w := get(t, h, "/page.wasm", "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" || !strings.HasPrefix(w.Body.String(), "wasm wasm") {
		t.Errorf("zipped for who says that they cannot do it: %v", w.Header())
	}
	if w := get(t, h, "/page.wasm"); !strings.HasPrefix(w.Body.String(), "wasm wasm") {
		t.Error("not unzipped for who cannot do it")
	}
	wasm := h.files["/page.wasm"].plain
	if first, err := wasm(); err != nil {
		t.Error(err)
	} else if again, _ := wasm(); &first[0] != &again[0] {
		t.Error("unzipped for each request")
	}
	if w := get(t, h, "/other"); w.Code != 404 {
		t.Errorf("another path: %d", w.Code)
	}
}

// policy is a part of the server's.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"

// TestDocument: the page has its first content, for this user alone, and its policy allows
// the script and the style in it.
func TestDocument(t *testing.T) {
	answer, failure := wire.First{Session: wire.Session{Name: "ada"}}, error(nil)
	answer.Page.After = "1.7"
	answer.Page.Posts = []wire.Truth{{ID: "p", Version: 3, State: &wire.PostState{Post: wire.Post{ID: "p", Author: "kofi", Text: "</script><b>hello"}}}}
	h, err := NewHandler(&Build{}, nil, func(*http.Request) (wire.First, error) { return answer, failure }, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(header ...string) *httptest.ResponseRecorder {
		return get(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			h.ServeHTTP(w, r)
		}), "/", header...)
	}
	w := ask()
	body := w.Body.String()
	for _, want := range []string{`&lt;/script&gt;&lt;b&gt;hello`, `<script type="application/json" id="first">{"session":{"name":"ada"}`, `"after":"1.7"`, `<html lang="en" data-for="ada">`, `data-act="post-add"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "</script><b>") || strings.Contains(body, `data-act="sign-in"`) {
		t.Errorf("the page has too much: %s", body)
	}
	if head := w.Header(); head.Get("Cache-Control") != "no-store" || head.Get("ETag") != "" || head.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(head.Get("Vary"), "Cookie") {
		t.Errorf("a cache may keep what ada sees: %v", head)
	}
	for element, directive := range map[string]string{"script": "script-src", "style": "style-src"} {
		_, inline, _ := strings.Cut(body, "<"+element+">")
		inline, _, _ = strings.Cut(inline, "</"+element+">")
		sum := sha256.Sum256([]byte(inline))
		want := directive + " 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if got := w.Header().Get("Content-Security-Policy"); len(inline) < 500 || !strings.Contains(got, want) {
			t.Errorf("the policy %q lacks %s", got, want)
		}
	}
	if small := ask("Accept-Encoding", "gzip"); small.Header().Get("Content-Encoding") != "gzip" || small.Body.Len() > len(body)/2 {
		t.Errorf("not zipped: %v, %d bytes", small.Header(), small.Body.Len())
	}
	failure = errors.New("too many requests")
	if w := ask(); w.Code != 200 || strings.Contains(w.Body.String(), `id="first"`) || !strings.Contains(w.Body.String(), "ghost") {
		t.Errorf("without content: %d %s", w.Code, w.Body)
	}
}

// TestWorker: the service worker keeps files that there are, and has a version of its own
// for each set of them.
func TestWorker(t *testing.T) {
	worker := func(b *Build) (*Handler, string) {
		h, err := NewHandler(b, nil, func(*http.Request) (wire.First, error) { return wire.First{}, nil }, http.NotFoundHandler())
		if err != nil {
			t.Fatal(err)
		}
		return h, get(t, h, "/sw.js").Body.String()
	}
	h, first := worker(&Build{Runtime: []byte("runtime"), Hash: "one"})
	_, list, _ := strings.Cut(first, "const files = [")
	list, _, _ = strings.Cut(list, "]")
	names := strings.Split(list, ", ")
	for _, name := range names {
		path := strings.Trim(name, `"`)
		if _, wasm := h.files[path]; path == "/page.wasm" && wasm {
			continue // there is none in this build
		}
		if w := get(t, h, path); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(t, h, "/shell"); len(names) != 5 || strings.Contains(w.Body.String(), `id="first"`) || !strings.Contains(w.Body.String(), "ghost") {
		t.Errorf("the worker keeps %q, and the shell is %s", names, w.Body)
	}
	if _, again := worker(&Build{Runtime: []byte("runtime"), Hash: "one"}); again != first || strings.Contains(first, "{{") {
		t.Error("the same files have another version")
	}
	if _, other := worker(&Build{Runtime: []byte("runtime"), Hash: "two"}); other == first {
		t.Error("another client has the same version")
	}
}

func TestWithoutBuild(t *testing.T) {
	h, err := NewHandler(nil, errors.New("no <toolchain>"), nil, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "/"); w.Code != 200 || !strings.Contains(w.Body.String(), "no &lt;toolchain&gt;") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestWithoutToolchain: the last build is used, and without one the reason is told.
func TestWithoutToolchain(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	cache := t.TempDir()
	if _, err := New(t.Context(), Options{Cache: cache}); err == nil {
		t.Error("built without a toolchain")
	}
	if err := keep(cache, "last", &Build{Wasm: []byte("w"), Runtime: []byte("r")}); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	b, err := New(t.Context(), Options{Cache: cache, Progress: &told})
	if err != nil || string(b.Wasm) != "w" || b.Compiled || !strings.Contains(told.String(), "the last build") {
		t.Errorf("%+v, %v, %q", b, err, told.String())
	}
	names, err := os.ReadDir(cache)
	if err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := os.Stat(filepath.Join(cache, "last.wasm.gz")); err != nil {
		t.Error(err)
	}
}
