package load_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/wire"
)

// busy is a server that refuses every other request of each client for each thing, and
// says when to come back.
type busy struct {
	wait time.Duration

	// mu guards the fields below it.
	mu      sync.Mutex
	refused map[string]time.Time // refused requests that have not come back
	early   []string             // came back sooner than it was told
	times   map[string]int       // refusals, by path
}

func (b *busy) lie(_ *liar, w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get(wire.HeaderKey) != "" {
		return false // a manager's own affair
	}
	body, _ := io.ReadAll(r.Body) // says who signs in
	r.Body = io.NopCloser(bytes.NewReader(body))
	cookie, _ := r.Cookie(httpapi.CookieName)
	what := r.Method + " " + r.URL.String() + string(body)
	if r.URL.Path == "/v1/events" {
		what = "the stream" // from wherever
	}
	if cookie != nil && r.URL.Path != "/v1/session" {
		what += cookie.Value
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, ok := b.refused[what]; ok {
		delete(b.refused, what)
		if time.Since(at) < b.wait {
			b.early = append(b.early, what)
		}
		return false
	}
	b.refused[what] = time.Now()
	b.times[r.URL.Path]++
	httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemOverloaded, Status: 503, RetryAfterMs: b.wait.Milliseconds()})
	return true
}

// TestBusyServer: every request of a run comes back when the server said, to the last
// look at the feed, and nothing is thrown away.
func TestBusyServer(t *testing.T) {
	b := &busy{wait: 40 * time.Millisecond, refused: make(map[string]time.Time), times: make(map[string]int)}
	const clients = 8
	report, err := load.Run(t.Context(), load.Config{URLs: []string{newLiar(t, b.lie)}, Clients: clients, Devices: 1, Taps: 80, Think: -1})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Taps != 80 {
		t.Errorf("%+v", report)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.early) > 0 {
		t.Errorf("sooner than they were told came %d: %q", len(b.early), b.early[0])
	}
	// The run and each client read the feed at the beginning and at the end.
	if b.times["/v1/session"] < clients || b.times["/v1/events"] < clients || b.times["/v1/posts"] < 2*(clients+1) {
		t.Errorf("refused: %v", b.times)
	}
}

// TestRunThatBreaksOff: the findings until then are in the report.
func TestRunThatBreaksOff(t *testing.T) {
	var mu sync.Mutex
	looked := 0
	url := newLiar(t, func(_ *liar, w http.ResponseWriter, r *http.Request) bool {
		if _, err := r.Cookie(httpapi.CookieName); err == nil || r.URL.Path != "/v1/posts" {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if looked++; looked == 1 {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	report, err := load.Run(t.Context(), load.Config{URLs: []string{url}, Clients: 2, Taps: 40, Think: -1})
	if err == nil || report == nil {
		t.Fatalf("%+v, %v", report, err)
	}
	if report.Taps != 40 || report.Calls == 0 || report.Held || report.BrokeOff != err.Error() {
		t.Errorf("%+v, %v", report, err)
	}
	var table strings.Builder
	if err := report.Write(&table); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.Contains(text, "the run broke off: the feed cannot be read") || strings.Contains(text, "as it must be") {
		t.Errorf("%s", text)
	}
}
