package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

// A slow client sends the head of a sign-in and the first byte of its body.
func (s *server) slowBody(address string) net.Conn {
	s.tb.Helper()
	conn := s.dial()
	fmt.Fprintf(conn, "POST /v1/session HTTP/1.1\r\nHost: localhost\r\nX-Client: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", address)
	return conn
}

// waiting returns when so many requests wait for their clients.
func (s *server) waiting(n int) {
	s.tb.Helper()
	for deadline := time.Now().Add(patience); s.api.Waiting() != n; runtime.Gosched() {
		if time.Now().After(deadline) {
			s.tb.Fatalf("%d requests wait for their clients, not %d", s.api.Waiting(), n)
		}
	}
}

// innocent reads and writes from the address; everything has to succeed.
func (s *server) innocent(address string) {
	s.tb.Helper()
	from := map[string]string{"X-Client": address}
	c := s.anonymous()
	r := c.do("POST", "/v1/session", `{"name":"ada"}`, from)
	r.want(200, "")
	c.cookie = strings.SplitN(r.header.Get("Set-Cookie"), ";", 2)[0]
	for range 60 {
		body := fmt.Sprintf(`{"at":"%d","client":"phone","id":"%s","text":"hello"}`, stampAt(0), engagement.NewID())
		c.do("POST", "/v1/posts", body, map[string]string{"X-Client": address, wire.HeaderKey: freshKey()}).want(201, "")
		c.do("GET", "/v1/posts?limit=1", "", from).want(200, "")
	}
}

// TestSlowBodiesShutNobodyOut has as many slow clients as there are places for requests
// that run, and as many as there are places at all. Each address has its whole share.
func TestSlowBodiesShutNobodyOut(t *testing.T) {
	for addresses, each := range map[int]int{8: 64, 9: 128} {
		s := start(t, setup{options: httpapi.Options{AddressHeader: "X-Client"}})
		for n := range addresses * each {
			s.slowBody(fmt.Sprintf("192.0.2.%d", n%addresses))
		}
		s.waiting(min(addresses*each, 1024))
		s.innocent("198.51.100.1")
	}
}

// TestSlowBodiesOfOwnAddress: who shares an address with slow clients, as behind a proxy
// that does not name its own, gets through when these have had their time.
func TestSlowBodiesOfOwnAddress(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Now: clock.Now, InFlightEach: 2}})
	slow := s.slowBody("")
	s.waiting(1)
	for range 3 {
		s.slowBody("")
	}
	s.waiting(4)
	s.anonymous().do("GET", "/v1/posts", "", nil).want(429, wire.ProblemRate)
	clock.advance(time.Second)
	s.innocent("")
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 408 || answer.Header.Get("Retry-After") == "" || !answer.Close {
		t.Errorf("who had to go is told %d %v", answer.StatusCode, answer.Header)
	}
}

// TestDrippingBody: a body that always comes, but hardly, is cut like one that does not.
func TestDrippingBody(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{BodyTimeout: 50 * time.Millisecond}})
	conn := s.slowBody("")
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		answered <- line
	}()
	drip := time.NewTicker(10 * time.Millisecond) // a tenth of the least rate
	defer drip.Stop()
	for n := 0; ; n++ {
		select {
		case <-drip.C:
			io.WriteString(conn, " ")
		case line := <-answered:
			if !strings.Contains(line, " 408 ") || n > 90 {
				t.Errorf("after %d bytes: %q", n, line)
			}
			return
		}
	}
}

// TestSlowButHonestBody takes longer than BodyTimeout and never stops for long.
func TestSlowButHonestBody(t *testing.T) {
	const timeout = 200 * time.Millisecond
	s := start(t, setup{options: httpapi.Options{BodyTimeout: timeout}})
	ada := s.signIn("ada")
	body := fmt.Sprintf(`{"at":"%d","client":"phone","id":"%s","text":"%s"}`, stampAt(0), engagement.NewID(), strings.Repeat(`\u0061`, wire.MaxPostText))
	conn := s.dial()
	began := time.Now()
	const pieces = 30
	rest := body[len(body)/2:] // the first bytes buy five seconds
	fmt.Fprintf(conn, "POST /v1/posts HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		ada.cookie, len(body), strings.TrimSuffix(body, rest))
	pause := time.NewTicker(timeout / (pieces / 2))
	defer pause.Stop()
	for n := range pieces {
		<-pause.C
		io.WriteString(conn, rest[n*len(rest)/pieces:(n+1)*len(rest)/pieces])
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); answer.StatusCode != 201 || took < timeout {
		t.Errorf("status %d after %v", answer.StatusCode, took)
	}
}

// smallBuffers lets the server's connections hold little that nobody has read.
func smallBuffers(h *http.Server) {
	note := h.ConnState
	h.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
		note(c, state)
	}
}

// slowReader asks for the newest posts and does not read them.
func (s *server) slowReader(head string) net.Conn {
	s.tb.Helper()
	conn := s.dial()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		s.tb.Fatal(err)
	}
	io.WriteString(conn, "GET /v1/posts?limit=100 HTTP/1.1\r\nHost: localhost\r\n"+head+"\r\n")
	return conn
}

// TestSlowReadersShutNobodyOut: nor does who reads no answers.
func TestSlowReadersShutNobodyOut(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{InFlight: 2, InFlightEach: 2, Now: clock.Now}, server: smallBuffers})
	ada := s.signIn("ada")
	for range 40 {
		ada.newPost(strings.Repeat("x", wire.MaxPostText))
	}
	conn := s.slowReader("")
	for n := range 3 { // one after the other, for two of them may run at once
		s.waiting(n + 1)
		s.slowReader("")
	}
	s.waiting(4) // all places there are
	clock.advance(time.Second)
	for range 10 {
		ada.do("GET", "/v1/posts", "", nil).want(200, "")
		clock.advance(time.Second)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("who had to go got all of the %d bytes", len(data))
	}
}

// TestBodyThatNobodyWants: net/http reads it in front of the answer, and must not wait
// for it on a place of those that run, nor for ever.
func TestBodyThatNobodyWants(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{InFlight: 1}})
	ada := s.signIn("ada")
	ada.newPost(strings.Repeat("x", wire.MaxPostText))
	ada.newPost(strings.Repeat("x", wire.MaxPostText))
	conn := s.slowReader("Content-Length: 100\r\n")
	s.waiting(1)
	ada.do("GET", "/v1/posts", "", nil).want(200, "")
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatalf("the server does not let go: %v", err)
	}
}

// TestStreamsShutNobodyOut: when all places are taken, who has many streams loses one for
// who has few.
func TestStreamsShutNobodyOut(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Streams: 4, AddressHeader: "X-Client"}})
	many := s.signIn("many")
	streams := make([]*listener, 4)
	for i := range streams {
		streams[i] = many.listen("", "")
		streams[i].hello(wire.EventHello)
	}
	few := s.signIn("few")
	few.address = "192.0.2.1"
	first := few.listen("", "")
	first.hello(wire.EventHello)
	streams[0].ended()
	second := few.listen("", "")
	second.hello(wire.EventHello)
	streams[1].ended()
	equal(t, "a third", few.listen("", "").status, 503)
	// Both remaining streams are told of the change.
	post := many.newPost("hello")
	for _, l := range []*listener{first, second, streams[2], streams[3]} {
		l.until(post, 1)
	}
}
