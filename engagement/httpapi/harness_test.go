package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
)

// patience is the longest wait for an event that must come.
const patience = 15 * time.Second

// server is the real thing: a database file and a TCP listener.
type server struct {
	tb       testing.TB
	url      string
	database string
	store    *sqlstore.Store
	api      *httpapi.API
	http     *http.Server
	ended    chan struct{} // closed when Serve has returned
}

type setup struct {
	options  httpapi.Options
	database string                                  // empty: a fresh file
	wrap     func(engagement.Store) engagement.Store // nil: as it is
	handler  func(next http.Handler) http.Handler    // between Guard and API; nil: nothing
	server   func(*http.Server)                      // changes the server before it serves; nil: not at all
	log      *slog.Logger                            // nil: silence
}

func start(tb testing.TB, with setup) *server {
	tb.Helper()
	if with.database == "" {
		with.database = filepath.Join(tb.TempDir(), "engaged.db")
	}
	if with.log == nil {
		with.log = slog.New(slog.DiscardHandler)
	}
	store, err := sqlstore.Open(context.Background(), with.database, sqlstore.Options{Now: with.options.Now, Log: with.log, User: httpapi.Viewer})
	if err != nil {
		tb.Fatal(err)
	}
	var contract engagement.Store = store
	if with.wrap != nil {
		contract = with.wrap(store)
	}
	api, err := httpapi.New(context.Background(), contract, store.Kit(), with.options)
	if err != nil {
		tb.Fatal(err)
	}
	var handler http.Handler = api
	if with.handler != nil {
		handler = with.handler(api)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{tb: tb, url: "http://" + listener.Addr().String(), database: with.database, store: store, api: api,
		http: httpapi.NewServer(httpapi.Guard(httpapi.OnlyHosts(handler, "engaged.example"), with.log, nil), with.log), ended: make(chan struct{})}
	s.http.RegisterOnShutdown(api.Drain)
	if with.server != nil {
		with.server(s.http)
	}
	go func() {
		defer close(s.ended)
		s.http.Serve(listener)
	}()
	tb.Cleanup(s.stop)
	return s
}

// stop shuts down as the program does. A second call does nothing.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.tb.Errorf("shutdown: %v", err)
	}
	<-s.ended
	if err := s.store.Close(); err != nil {
		s.tb.Errorf("close: %v", err)
	}
}

// client is one device.
type client struct {
	*server
	http   *http.Client
	cookie string // the Cookie header; empty when signed out
	device string

	// address is the header X-Client of its streams; empty: none.
	address string
}

var keys atomic.Int64

func freshKey() string { return fmt.Sprintf("test-key-%d", keys.Add(1)) }

func (s *server) anonymous() *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	s.tb.Cleanup(transport.CloseIdleConnections)
	return &client{server: s, http: &http.Client{Transport: transport, Timeout: patience}, device: "phone"}
}

func (s *server) signIn(name string) *client {
	s.tb.Helper()
	c := s.anonymous()
	a := c.do("POST", "/v1/session", `{"name":"`+name+`"}`, nil)
	a.want(200, "")
	c.cookie = strings.SplitN(a.header.Get("Set-Cookie"), ";", 2)[0]
	return c
}

// reply is an answer, read to its end.
type reply struct {
	tb     testing.TB
	what   string
	status int
	header http.Header
	body   []byte
	all    exchange
}

// do sends one request. The given headers override its own ones; "" leaves a header
// out.
func (c *client) do(method, path, body string, header map[string]string) reply {
	c.tb.Helper()
	r, err := c.try(method, path, strings.NewReader(body), header)
	if err != nil {
		c.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) try(method, path string, body io.Reader, header map[string]string) (reply, error) {
	req, err := http.NewRequest(method, c.url+path, body)
	if err != nil {
		return reply{}, err
	}
	if req.ContentLength != 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	for name, value := range header {
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	e := exchange{method, req.URL, req.Header, bodyOf(req), res.StatusCode, res.Header, data}
	checkDocumented(c.tb, e)
	return reply{c.tb, method + " " + path, res.StatusCode, res.Header, data, e}, nil
}

// bodyOf returns the sent body; empty when it was written bit by bit.
func bodyOf(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	data, _ := io.ReadAll(body)
	return data
}

// want checks the status and, of an error, the problem's type.
func (r reply) want(status int, problem string) wire.Problem {
	r.tb.Helper()
	if r.status != status {
		r.tb.Fatalf("%s: status %d, want %d: %s", r.what, r.status, status, r.body)
	}
	if status < 400 {
		return wire.Problem{}
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.tb.Fatalf("%s: an error of type %q: %s", r.what, got, r.body)
	}
	p, err := wire.DecodeProblem(r.body)
	if err != nil {
		r.tb.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
	if p.Type != problem || p.Status != status || p.Title == "" || !strings.HasPrefix(p.Instance, "urn:request:") {
		r.tb.Fatalf("%s: problem %s, want type %s", r.what, r.body, problem)
	}
	if (status == 429 || status == 503 || problem == wire.ProblemInProgress) && (p.RetryAfterMs <= 0 || r.header.Get("Retry-After") == "") {
		r.tb.Fatalf("%s: does not say when to retry: %v %s", r.what, r.header, r.body)
	}
	return p
}

func (r reply) outcome(status int) wire.Outcome {
	r.tb.Helper()
	r.want(status, "")
	o, err := wire.DecodeOutcome(r.body)
	if err != nil {
		r.tb.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
	return o
}

func (r reply) replayed() bool { return r.header.Get(wire.HeaderReplayed) == "true" }

// stampAt is the stamp of an act of a minute ago and that many milliseconds. (One
// that is ahead of the server's clock would count as the present.)
func stampAt(milliseconds int64) wire.Stamp {
	return wire.NewStamp(time.Now().Add(-time.Minute).UnixMilli()+milliseconds, 0)
}

// operate sends an operation under the key. extra are the fields beside at and client.
func (c *client) operate(key, method, path string, at wire.Stamp, extra map[string]any) reply {
	c.tb.Helper()
	body := map[string]any{"at": fmt.Sprint(int64(at)), "client": c.device}
	for name, value := range extra {
		body[name] = value
	}
	data, err := json.Marshal(body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return c.do(method, path, string(data), map[string]string{wire.HeaderKey: key})
}

// newPost makes a post and returns its path.
func (c *client) newPost(text string) string {
	c.tb.Helper()
	id := engagement.NewID()
	c.operate(freshKey(), "POST", "/v1/posts", stampAt(0), map[string]any{"id": id, "text": text}).outcome(201)
	return "/v1/posts/" + id
}

func (c *client) truth(path string) wire.Truth {
	c.tb.Helper()
	r := c.do("GET", path, "", nil)
	r.want(200, "")
	t, err := wire.DecodeTruth(r.body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return t
}

func equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// newest is the newest place in the feed.
func (s *server) newest() wire.Position {
	s.tb.Helper()
	page, err := s.store.Posts(context.Background(), "", wire.Selection{}, wire.Cursor{}, 1)
	at, ok := wire.ParsePosition(page.After)
	if err != nil || !ok {
		s.tb.Fatalf("the page is of %q, %v", page.After, err)
	}
	return at
}

// at is the text of the place of that number in the feed.
func (s *server) at(number int64) string {
	return wire.Position{Era: s.newest().Era, Number: number}.String()
}
