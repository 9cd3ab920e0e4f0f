package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// frame is one event as it is read from a connection.
type frame struct{ id, event, data, retry string }

// eventReader is the client's end of a stream.
type eventReader struct {
	t    testing.TB
	resp *http.Response
	in   *bufio.Reader
}

// subscribe opens a stream; header has names and values in turn.
func subscribe(t testing.TB, s *httptest.Server, query string, header ...string) *eventReader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &eventReader{t, resp, bufio.NewReader(resp.Body)}
}

// next reads one event; false at the end of the stream.
func (r *eventReader) next() (f frame, ok bool) {
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return f, false
		}
		if line == "\n" {
			return f, true
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			f.data = value
		case "retry":
			f.retry = value
		default:
			r.t.Errorf("an event has the line %q", line)
		}
	}
}

// expect reads events until one of that name.
func (r *eventReader) expect(name string) frame {
	r.t.Helper()
	for {
		f, ok := r.next()
		if !ok {
			r.t.Fatalf("the stream has ended before %s", name)
		}
		if f.event == name {
			return f
		}
	}
}

func TestAStreamOfEvents(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	db.like("a", "ada")
	ada, bob := subscribe(t, s, "", "User", "ada"), subscribe(t, s, "?after=1.0", "User", "bob")
	if got := ada.resp.Header; got.Get("Content-Type") != "text/event-stream" || got.Get("Cache-Control") != "no-store, no-transform" {
		t.Errorf("its header is %v", got)
	}
	first := ada.expect(EventHello)
	if retry, _ := strconv.Atoi(first.retry); first.id != "1.1" || first.data != `{"after":"1.1","viewer":"ada"}` || retry < 500 || retry > 1500 {
		t.Errorf("it begins with %+v", first)
	}
	if got := bob.expect(EventHello); got.id != "1.0" {
		t.Errorf("the one after 1.0 begins with %+v", got)
	}
	if got, want := bob.expect(EventTruth), (frame{"1.1", "truth", `{"id":"a","version":1,"changedAt":1,"state":{"likes":1,"liked":false},"position":"1.1"}`, ""}); got != want {
		t.Errorf("it is told %+v, want %+v", got, want)
	}
	put(t, s, "/posts/a/like", "bob", []string{"k"}, "")
	if got, want := bob.expect(EventTruth), (frame{"1.2", "truth", `{"id":"a","version":2,"changedAt":2,"contains":["k1"],"state":{"likes":2,"liked":true},"position":"1.2"}`, ""}); got != want {
		t.Errorf("it is told %+v, want %+v", got, want)
	}
	if got, want := ada.expect(EventTruth), (frame{"1.2", "truth", `{"id":"a","version":2,"changedAt":2,"contains":["k0"],"state":{"likes":2,"liked":true},"position":"1.2"}`, ""}); got != want {
		t.Errorf("the other one is told %+v, want %+v", got, want)
	}
}

func TestLastEventIDIsNewerThanTheQuery(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	db.like("a", "ada")
	db.like("b", "ada")
	if got := subscribe(t, s, "?after=1.0", "Last-Event-ID", "1.1").expect(EventHello); got.id != "1.1" {
		t.Errorf("it goes on with %+v", got)
	}
	if got := subscribe(t, s, "?after=1.1", "Last-Event-ID", "9.1").expect(EventReset); got.id != "1.2" {
		t.Errorf("from another era it goes on with %+v", got)
	}
}

func TestTheEventOfABatchThatHasAnIDIsTheLast(t *testing.T) {
	db := newFakeDB()
	_, s := serveLikes(t, db, EventOptions{})
	for i := range 3 {
		db.like(postOf(i), "ada")
	}
	r := subscribe(t, s, "?after=1.0")
	var ids []string
	for range 3 {
		ids = append(ids, r.expect(EventTruth).id)
	}
	if got := fmt.Sprintf("%q", ids); got != `["" "" "1.3"]` {
		t.Errorf("the ids are %s", got)
	}
}

func TestAStreamIsRefused(t *testing.T) {
	db := newFakeDB()
	k, s := serveLikes(t, db, EventOptions{Most: 1})
	check := func(name string, r *eventReader, status int, problem string) {
		t.Helper()
		var p Problem
		err := json.NewDecoder(r.resp.Body).Decode(&p)
		if err != nil || r.resp.StatusCode != status || p.Type != problem || (r.resp.Header.Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: %d %+v %v", name, r.resp.StatusCode, p, err)
		}
	}
	check("no cursor", subscribe(t, s, "?after=now"), 400, ProblemBadRequest)
	check("refused user", subscribe(t, s, "", "User", "eve"), 403, ProblemForbidden)
	check("user who is no text", subscribe(t, s, "", "User", "\xff"), 400, ProblemBadRequest)
	resp, err := s.Client().Post(s.URL+"/events", "", nil)
	if err != nil || resp.Header.Get("Allow") != "GET" {
		t.Errorf("%v %v", resp, err)
	}
	check("POST", &eventReader{resp: resp}, 405, ProblemMethod)
	db.fail(ErrUnavailable)
	check("without a database", subscribe(t, s, "?after=1.7"), 503, ProblemOverloaded)
	db.fail(nil)
	first := subscribe(t, s, "?after=1.0")
	first.expect(EventHello)
	check("one too many", subscribe(t, s, ""), 503, ProblemOverloaded)
	k.Drain()
	if _, ok := first.next(); ok {
		t.Error("a stream outlives Drain")
	}
	for r := subscribe(t, s, ""); ; r = subscribe(t, s, "") { // until the place of the first one is free
		text, err := io.ReadAll(r.resp.Body)
		if err != nil || r.resp.StatusCode != 503 {
			t.Fatalf("after Drain: %d %s %v", r.resp.StatusCode, text, err)
		}
		if strings.Contains(string(text), "shutting down") {
			break
		}
	}
}

func TestAStreamBeatsInSilenceAndEndsWithItsSession(t *testing.T) {
	var alive atomic.Bool
	alive.Store(true)
	_, s := serveLikes(t, newFakeDB(), EventOptions{Heartbeat: time.Millisecond,
		Alive: func(r *http.Request) bool { return r.Header.Get("User") != "ada" || alive.Load() }})
	ada, bob := subscribe(t, s, "", "User", "ada"), subscribe(t, s, "", "User", "bob")
	if got := ada.expect(EventBeat); got.data != "{}" || got.id != "" {
		t.Errorf("the beat is %+v", got)
	}
	alive.Store(false)
	for {
		if _, ok := ada.next(); !ok {
			break
		}
	}
	for range 10 {
		bob.expect(EventBeat)
	}
}

// stuck opens a stream whose client takes nothing after the hello, and fills all buffers.
func stuck(t *testing.T, db *fakeDB, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.(*net.TCPConn).SetReadBuffer(1 << 10)
	fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}

func TestAClientThatTakesNothingIsCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		options EventOptions
		end     func(k *Kit, cancel func())
	}{
		"by the timeout": {EventOptions{WriteTimeout: 50 * time.Millisecond}, func(*Kit, func()) {}},
		"by the caller":  {EventOptions{WriteTimeout: time.Hour}, func(_ *Kit, cancel func()) { cancel() }},
		"by Drain":       {EventOptions{WriteTimeout: time.Hour}, func(k *Kit, _ func()) { k.Drain() }},
	} {
		t.Run(name, func(t *testing.T) {
			db := newFakeDB()
			k, err := Open(t.Context(), db, Options{Truth: Truth[string, int]{
				Read: func(_ context.Context, _ Query, ids []string) (map[string]string, error) {
					return map[string]string{ids[0]: strings.Repeat("x", 8<<20)}, nil // beyond all buffers
				},
			}, Log: quiet, User: func(*http.Request) (string, error) { return "", nil }})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				k.Events(c.options).ServeHTTP(w, r.WithContext(ctx))
				close(ended)
			}))
			stuck(t, db, s.Listener.Addr().String())
			db.like("a", "bob")
			for taken := false; !taken; taken = handedOut(k) {
				runtime.Gosched()
			}
			c.end(k, cancel)
			<-ended
			cancel()
			s.Close()
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// handedOut reports whether a stream has taken a frame to write.
func handedOut(k *Kit) bool {
	k.fan.mu.Lock()
	defer k.fan.mu.Unlock()
	at, _ := k.fan.log.Newest()
	return at.String() == "1.1"
}
