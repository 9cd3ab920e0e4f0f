package fault_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/fault"
)

const patience = 15 * time.Second

// world is a network in front of a handler that counts, over real TCP.
type world struct {
	tb      testing.TB
	network *fault.Network
	server  *httptest.Server
	client  *http.Client

	handled atomic.Int64 // requests that reached the handler
	bodies  sync.Map     // their bodies: text -> true
	ended   chan error   // the context's error of each stream that ended
}

func newWorld(tb testing.TB) *world {
	w := &world{tb: tb, ended: make(chan error, 10)}
	w.network = fault.New(fault.Options{Seed: 7, Scope: func(r *http.Request) string { return r.Header.Get("X-Scope") }})
	mux := http.NewServeMux()
	mux.Handle("/demo/network", w.network.Control(nil))
	mux.Handle("/", w.network.Wrap(http.HandlerFunc(w.handle), nil))
	w.server = httptest.NewServer(mux)
	tb.Cleanup(w.server.Close)
	// Without kept connections nothing is sent again behind the test's back.
	w.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	return w
}

func (w *world) handle(rw http.ResponseWriter, r *http.Request) {
	n := w.handled.Add(1)
	if strings.HasSuffix(r.URL.Path, "/events") {
		io.WriteString(rw, "data: hello\n\n")
		rw.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(http.Flusher).Flush()
		<-r.Context().Done()
		w.ended <- r.Context().Err()
		return
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		w.tb.Errorf("body: %v", err)
	}
	w.bodies.Store(string(data), true)
	fmt.Fprintf(rw, "answer %d", n)
}

func (w *world) set(scope string, rule fault.Rule) {
	w.tb.Helper()
	if err := w.network.Set(scope, fault.Setting{Profile: "custom", Rule: rule}); err != nil {
		w.tb.Fatal(err)
	}
}

// put sends one request; err is not nil when no whole answer came.
func (w *world) put(scope string) (status int, text string, header http.Header, err error) {
	req, err := http.NewRequest("PUT", w.server.URL+"/x", strings.NewReader("the body"))
	if err != nil {
		w.tb.Fatal(err)
	}
	req.Header.Set("X-Scope", scope)
	res, err := w.client.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), res.Header, err
}

func (w *world) expect(what string, got, want any) {
	w.tb.Helper()
	if got != want {
		w.tb.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestClean(t *testing.T) {
	w := newWorld(t)
	status, text, _, err := w.put("")
	w.expect("error", err, nil)
	w.expect("status", status, 200)
	w.expect("text", text, "answer 1")
}

func TestLostRequestHasNoEffect(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{LoseRequest: 1})
	if status, text, _, err := w.put(""); err == nil {
		t.Fatalf("an answer came: %d %q", status, text)
	}
	w.expect("handled", w.handled.Load(), int64(0))
	w.expect("counted", w.network.Counts().LostRequests, int64(1))
}

func TestLostAnswerHasItsEffect(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{LoseAnswer: 1})
	if status, text, _, err := w.put(""); err == nil {
		t.Fatalf("an answer came: %d %q", status, text)
	}
	w.expect("handled", w.handled.Load(), int64(1))
	_, whole := w.bodies.Load("the body")
	w.expect("with its body", whole, true)
	w.expect("counted", w.network.Counts().LostAnswers, int64(1))
}

func TestDuplicateArrivesTwice(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{Duplicate: 1})
	status, text, _, err := w.put("")
	w.expect("error", err, nil)
	w.expect("status", status, 200)
	w.expect("the second answer", text, "answer 2")
	w.expect("handled", w.handled.Load(), int64(2))
	w.bodies.Range(func(body, _ any) bool {
		w.expect("body", body, "the body")
		return true
	})
	res, err := w.client.Get(w.server.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	w.expect("reading is not duplicated", w.handled.Load(), int64(3))
}

// TestSlowBodyIsNotDuplicated: the network does not wait for it for ever, and the received
// part reaches the handler.
func TestSlowBodyIsNotDuplicated(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{Duplicate: 1})
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nthe ")
	for deadline := time.Now().Add(patience); w.handled.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it never reaches the handler")
		}
	}
	io.WriteString(conn, "body")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
		t.Errorf("%q, %v", line, err)
	}
	if _, whole := w.bodies.Load("the body"); !whole || w.handled.Load() != 1 {
		t.Errorf("%d requests came, one of them whole: %v", w.handled.Load(), whole)
	}
}

func TestErrors(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{ServerError: 1})
	seen := make(map[int]bool)
	for range 20 {
		status, _, _, err := w.put("")
		w.expect("error", err, nil)
		seen[status] = true
	}
	w.expect("statuses", fmt.Sprint(len(seen), seen[500], seen[503]), "2 true true")
	w.set("", fault.Rule{Throttle: 1, RetryAfterMs: 2500})
	status, _, header, _ := w.put("")
	w.expect("status", status, 429)
	w.expect("Retry-After", header.Get("Retry-After"), "3")
	w.expect("handled", w.handled.Load(), int64(0))
}

func TestOfflineCutsEverything(t *testing.T) {
	w := newWorld(t)
	res, err := w.client.Get(w.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "data: hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	w.set("other", fault.Rule{Offline: true})
	status, _, _, err := w.put("")
	w.expect("others go on", fmt.Sprint(status, err), "200 <nil>")

	w.set("", fault.Rule{Offline: true})
	if rest, err := io.ReadAll(lines); err == nil {
		t.Fatalf("the stream ended as if nothing were wrong: %q", rest)
	}
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Fatal("the handler of the stream goes on")
	}
	before := w.handled.Load()
	if _, _, _, err := w.put(""); err == nil {
		t.Fatal("an answer came")
	}
	w.expect("handled", w.handled.Load(), before)
	w.network.Clear("")
	status, _, _, err = w.put("")
	w.expect("back again", fmt.Sprint(status, err), "200 <nil>")
}

func TestOfflineCutsWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{LatencyMs: 60_000})
	failed := make(chan error, 1)
	go func() {
		_, _, _, err := w.put("")
		failed <- err
	}()
	deadline := time.Now().Add(patience)
	for w.network.Counts().Requests == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the request does not come")
		}
	}
	w.set("", fault.Rule{Offline: true})
	select {
	case err := <-failed:
		if err == nil {
			t.Fatal("an answer came")
		}
	case <-time.After(patience):
		t.Fatal("the request goes on waiting")
	}
	w.expect("handled", w.handled.Load(), int64(0))
}

func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.set("bad", fault.Rule{ServerError: 1})
	status, _, _, _ := w.put("good")
	w.expect("another scope", status, 200)
	status, _, _, _ = w.put("bad")
	w.expect("its own rule", status >= 500, true)
	w.set("", fault.Rule{Throttle: 1})
	status, _, _, _ = w.put("good")
	w.expect("everybody's rule", status, 429)
	status, _, _, _ = w.put("bad")
	w.expect("its own goes before", status >= 500, true)
	w.network.Clear("bad")
	status, _, _, _ = w.put("bad")
	w.expect("cleared", status, 429)
}

func TestLikelihoods(t *testing.T) {
	w := newWorld(t)
	w.set("", fault.Rule{LoseRequest: 0.2, LoseAnswer: 0.1, ServerError: 0.05})
	const sent = 400
	for range sent {
		w.put("")
	}
	c := w.network.Counts()
	for what, got := range map[string][3]int64{
		"lost requests": {c.LostRequests, 50, 115},
		"lost answers":  {c.LostAnswers, 12, 58},
		"errors":        {c.ServerErrors, 4, 34},
	} {
		if got[0] < got[1] || got[0] > got[2] {
			t.Errorf("%s: %d of %d", what, got[0], sent)
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	run := func(seed uint64) string {
		n := fault.New(fault.Options{Seed: seed})
		if err := n.Set("", fault.Setting{Rule: fault.Rule{ServerError: 0.5}}); err != nil {
			t.Fatal(err)
		}
		h := n.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
		var b strings.Builder
		for range 50 {
			r := httptest.NewRecorder()
			h.ServeHTTP(r, httptest.NewRequest("GET", "/", nil))
			fmt.Fprint(&b, r.Code, " ")
		}
		return b.String()
	}
	if run(1) != run(1) || run(1) == run(2) {
		t.Fatal("the seed does not decide")
	}
}
