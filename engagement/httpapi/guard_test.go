package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// lines is a log that a test can read.
type lines struct {
	// mu guards the field below it.
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) all(tb testing.TB) []map[string]any {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(l.text.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			tb.Fatalf("%q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// only returns the one line of which that is said.
func (l *lines) only(tb testing.TB, name, value string) map[string]any {
	tb.Helper()
	var found []map[string]any
	for _, line := range l.all(tb) {
		if line[name] == value {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("%d lines: %v", len(found), found)
	}
	return found[0]
}

func TestPanicBecomesAProblem(t *testing.T) {
	var log lines
	s := start(t, setup{log: slog.New(slog.NewJSONHandler(&log, nil)), handler: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" {
				panic("a bug with secrets in it")
			}
			next.ServeHTTP(w, r)
		})
	}})
	r := s.anonymous().do("GET", "/healthz", "", nil)
	r.want(500, wire.ProblemInternal)
	if strings.Contains(string(r.body), "secrets") {
		t.Errorf("the answer tells too much: %s", r.body)
	}
	s.anonymous().do("GET", "/readyz", "", nil).want(200, "")
	s.stop()
	line := log.only(t, "path", "/healthz")
	equal(t, "level", line["level"], any("ERROR"))
	equal(t, "error", line["error"], any("panic: a bug with secrets in it"))
}

func TestEachRequestIsOneLineOfLog(t *testing.T) {
	var log lines
	s := start(t, setup{log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	r := ada.operate("the-key", "PUT", post+"/like", stampAt(0), nil)
	r.outcome(200)
	s.stop()
	found := log.only(t, "key", "the-key")
	for name, want := range map[string]any{
		"level": "DEBUG", "id": r.header.Get("X-Request-Id"), "user": "ada", "method": "PUT", "path": post + "/like", "status": 200.0, "brokenOff": false,
	} {
		equal(t, name, found[name], want)
	}
}

// TestClientThatGoesAwayIsNoError has clients that leave while the store works.
func TestClientThatGoesAwayIsNoError(t *testing.T) {
	var log lines
	waiting := &waitingStore{entered: make(chan struct{})}
	s := start(t, setup{log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), wrap: func(real engagement.Store) engagement.Store {
		waiting.Store = real
		return waiting
	}})
	ctx, leave := context.WithCancel(t.Context())
	var left sync.WaitGroup
	left.Go(func() {
		req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/posts", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if res, err := s.anonymous().http.Do(req); err == nil {
			res.Body.Close()
			t.Errorf("got an answer %d", res.StatusCode)
		}
	})
	<-waiting.entered
	leave()
	left.Wait()
	s.stop()
	found := false
	for _, line := range log.all(t) {
		if line["level"] != "DEBUG" {
			t.Errorf("%v", line)
		}
		found = found || line["status"] == 499.0
	}
	if !found {
		t.Error("the request is not in the log")
	}
}

// waitingStore reads until nobody wants to know any more.
type waitingStore struct {
	engagement.Store
	entered chan struct{} // closed when the feed is read
}

func (s *waitingStore) Posts(ctx context.Context, _ string, _ wire.Selection, _ wire.Cursor, _ int) (engagement.PostPage, error) {
	close(s.entered)
	<-ctx.Done()
	return engagement.PostPage{}, errors.New("interrupted (9)")
}

func TestPageHeaders(t *testing.T) {
	s := start(t, setup{})
	h := s.anonymous().do("GET", "/healthz", "", nil).header
	policy := h.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %s", policy, part)
		}
	}
	if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
		t.Errorf("policy %q is lax", policy)
	}
}

func TestHealth(t *testing.T) {
	s := start(t, setup{})
	c := s.anonymous()
	c.do("GET", "/healthz", "", nil).want(200, "")
	c.do("GET", "/readyz", "", nil).want(200, "")
	s.api.Drain()
	c.do("GET", "/healthz", "", nil).want(200, "")
	c.do("GET", "/readyz", "", nil).want(503, wire.ProblemOverloaded)
	c.do("GET", "/v1/events", "", nil).want(503, wire.ProblemOverloaded)
}

// TestHealthAsksNoDatabase: a process without a database lives, also for a session. These
// paths have no limit of rate, so a session must not cost a look into the database.
func TestHealthAsksNoDatabase(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	s.store.Close()
	ada.do("GET", "/healthz", "", nil).want(200, "")
	ada.do("GET", "/openapi.json", "", nil).want(200, "")
	ada.do("GET", "/v1/session", "", nil).want(503, wire.ProblemOverloaded)
}

// TestStoreThatFails: errors of the database are ours to know and nobody else's.
func TestStoreThatFails(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	s.store.Close()
	r := ada.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil)
	r.want(503, wire.ProblemOverloaded)
	r = s.anonymous().do("GET", "/v1/posts", "", nil)
	r.want(503, wire.ProblemOverloaded)
	equal(t, "code", engagement.ErrorCode(s.store.Ready(t.Context())), engagement.Unavailable)
}

// failingStore fails with an error of its choice.
type failingStore struct {
	engagement.Store
	err error
}

func (s *failingStore) Apply(context.Context, engagement.Operation) (engagement.Applied, error) {
	return engagement.Applied{}, s.err
}
func (s *failingStore) Ready(context.Context) error { return s.err }

// TestFailuresAreOneLineOfLog: a full disk is a warning, a bug is an error, and the
// reason of both is in the log and not in the answer.
func TestFailuresAreOneLineOfLog(t *testing.T) {
	for _, row := range []struct {
		err     error
		status  int
		problem string
		level   string
	}{
		{&engagement.Error{Code: engagement.Unavailable, Message: "not now", Cause: errors.New("disk full (13)")}, 503, wire.ProblemOverloaded, "WARN"},
		{&engagement.Error{Code: engagement.Unsure, Message: "who knows", Cause: errors.New("lost (3)")}, 504, wire.ProblemUnsure, "WARN"},
		{errors.New("bug (1)"), 500, wire.ProblemInternal, "ERROR"},
	} {
		var log lines
		failing := &failingStore{err: row.err}
		s := start(t, setup{log: slog.New(slog.NewJSONHandler(&log, nil)), wrap: func(real engagement.Store) engagement.Store {
			failing.Store = real
			return failing
		}})
		ada := s.signIn("ada")
		r := ada.operate("the-key", "PUT", "/v1/posts/"+engagement.NewID()+"/like", stampAt(0), nil)
		r.want(row.status, row.problem)
		if strings.Contains(string(r.body), "(") {
			t.Errorf("the answer tells too much: %s", r.body)
		}
		ada.do("GET", "/readyz", "", nil).want(503, wire.ProblemOverloaded)
		s.stop()
		line := log.only(t, "key", "the-key")
		equal(t, "level", line["level"], any(row.level))
		equal(t, "error", line["error"], any(row.err.Error()))
		line = log.only(t, "path", "/readyz")
		equal(t, "level of /readyz", line["level"], any("WARN"))
		equal(t, "error of /readyz", line["error"], any(row.err.Error()))
	}
}

func TestHostsThatAreAnsweredFor(t *testing.T) {
	c := start(t, setup{}).anonymous()
	for _, host := range []string{"localhost", "LocalHost:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080", "engaged.example", "Engaged.Example:443"} {
		c.do("GET", "/v1/posts", "", map[string]string{"Host": host}).want(200, "")
	}
}

// TestNoHost: HTTP/1.0 has none.
func TestNoHost(t *testing.T) {
	s := start(t, setup{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "GET /v1/posts HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 421 ") {
		t.Fatalf("got %.200q, %v", answer, err)
	}
}
