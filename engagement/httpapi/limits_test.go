package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

// handClock is a clock that a test moves.
type handClock struct {
	// mu guards the field below it.
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestRateLimitPerSession(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Rate: 2, Burst: 5, Now: clock.Now}})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	for range 5 {
		ada.do("GET", "/v1/posts", "", nil).want(200, "")
	}
	p := ada.do("GET", "/v1/posts", "", nil).want(429, wire.ProblemRate)
	equal(t, "wait in milliseconds", p.RetryAfterMs, 500)
	bob.do("GET", "/v1/posts", "", nil).want(200, "")
	clock.advance(500 * time.Millisecond)
	ada.do("GET", "/v1/posts", "", nil).want(200, "")
	ada.do("GET", "/v1/posts", "", nil).want(429, wire.ProblemRate)
	clock.advance(time.Hour)
	for range 5 {
		ada.do("GET", "/v1/posts", "", nil).want(200, "")
	}
	ada.do("GET", "/v1/posts", "", nil).want(429, wire.ProblemRate)
}

func TestRateLimitOfAnOperationLeavesItsKeyFree(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Rate: 1, Burst: 1, Now: clock.Now}})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	key, at := freshKey(), stampAt(0)
	ada.operate(key, "PUT", post+"/like", at, nil).want(429, wire.ProblemRate)
	clock.advance(time.Second)
	equal(t, "replayed", ada.operate(key, "PUT", post+"/like", at, nil).replayed(), false)
}

func TestSignInIsLimitedByAddress(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Rate: 1, Burst: 3, Now: clock.Now}})
	for range 3 {
		s.signIn("ada")
	}
	p := s.anonymous().do("POST", "/v1/session", `{"name":"ada"}`, nil).want(429, wire.ProblemRate)
	equal(t, "wait in milliseconds", p.RetryAfterMs, 20_000)
	s.anonymous().do("GET", "/v1/posts", "", nil).want(200, "")
}

func TestSessionsOfAnAddressShareAnAllowance(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Rate: 1, Burst: 2, Now: clock.Now, AddressHeader: "X-Client"}})
	from := func(address string) map[string]string { return map[string]string{"X-Client": address} }
	strangers := 0
	for ; strangers < 50; strangers++ {
		if s.anonymous().do("GET", "/v1/posts", "", from("192.0.2.1")).status != 200 {
			break
		}
	}
	equal(t, "requests without a session", strangers, 4)
	s.anonymous().do("GET", "/v1/posts", "", from("192.0.2.2")).want(200, "")
	// The first address may be any client's claim; a whole IPv6 network is one client.
	s.anonymous().do("GET", "/v1/posts", "", from("192.0.2.9, 192.0.2.1")).want(429, wire.ProblemRate)
	for i := range 4 {
		s.anonymous().do("GET", "/v1/posts", "", from(fmt.Sprintf("2001:db8::%d", i))).want(200, "")
	}
	s.anonymous().do("GET", "/v1/posts", "", from("2001:db8::ffff")).want(429, wire.ProblemRate)
	s.anonymous().do("GET", "/v1/posts", "", from("2001:db8:0:1::")).want(200, "")

	// Each of 25 sessions has two requests; the address has forty.
	taken := 0
	for i := range 25 {
		c := s.anonymous()
		r := c.do("POST", "/v1/session", `{"name":"ada"}`, from(fmt.Sprintf("198.51.100.%d", i)))
		r.want(200, "")
		c.cookie = strings.SplitN(r.header.Get("Set-Cookie"), ";", 2)[0]
		for range 2 {
			if c.do("GET", "/v1/posts", "", from("192.0.2.3")).status == 200 {
				taken++
			}
		}
	}
	equal(t, "requests of all sessions", taken, 40)
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	slow := &slowStore{entered: make(chan struct{}, 10), release: make(chan struct{})}
	s := start(t, setup{options: httpapi.Options{InFlight: 1}, wrap: func(real engagement.Store) engagement.Store { slow.Store = real; return slow }})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	var wg sync.WaitGroup
	wg.Go(func() {
		if r := ada.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil); r.status != 200 {
			t.Errorf("the first: %d", r.status)
		}
	})
	<-slow.entered
	ada.do("GET", "/v1/posts", "", nil).want(503, wire.ProblemOverloaded)
	ada.do("GET", "/readyz", "", nil).want(200, "")
	close(slow.release)
	wg.Wait()
	ada.do("GET", "/v1/posts", "", nil).want(200, "")
}

// TestRequestsInFlightOfAnAddressAreBounded: a client that reads no answers takes only
// the places of its own address.
func TestRequestsInFlightOfAnAddressAreBounded(t *testing.T) {
	for rate, status := range map[float64]int{0: 429, -1: 200} {
		slow := &slowStore{entered: make(chan struct{}, 10), release: make(chan struct{})}
		s := start(t, setup{
			options: httpapi.Options{Rate: rate, InFlightEach: 1, AddressHeader: "X-Client"},
			wrap:    func(real engagement.Store) engagement.Store { slow.Store = real; return slow },
		})
		ada := s.signIn("ada")
		post := ada.newPost("hello")
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := ada.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil); r.status != 200 {
				t.Errorf("the first: %d", r.status)
			}
		})
		<-slow.entered
		ada.do("GET", "/v1/posts", "", nil).want(status, wire.ProblemRate)
		ada.do("GET", "/v1/posts", "", map[string]string{"X-Client": "192.0.2.1"}).want(200, "")
		close(slow.release)
		wg.Wait()
		ada.do("GET", "/v1/posts", "", nil).want(200, "")
	}
}

// TestSlowBody sends the head of a request and then nothing.
func TestSlowBody(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{BodyTimeout: 50 * time.Millisecond}})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	before := dump(t, s.database)
	reader, writer := io.Pipe()
	defer writer.Close()
	defer time.AfterFunc(patience, func() { writer.Close() }).Stop() // or net/http waits for the rest for ever
	go writer.Write([]byte(`{"at":"`))
	r, err := ada.try("PUT", post+"/like", reader, map[string]string{
		wire.HeaderKey: freshKey(), "Content-Type": "application/json",
	})
	if err != nil {
		t.Fatal(err)
	}
	r.want(408, wire.ProblemBodyTimeout)
	equal(t, "database", dump(t, s.database), before)
}

// TestSlowBodyOfARefusedRequest: a request refused before its body is read must not
// hold the connection for as long as the client likes.
func TestSlowBodyOfARefusedRequest(t *testing.T) {
	s := start(t, setup{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "PUT /v1/posts/x/like HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	answer, err := io.ReadAll(conn) // until the server closes
	if err != nil {
		t.Fatalf("the server does not let go: %v", err)
	}
	if !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Fatalf("got %q", answer)
	}
}

// TestHeaderBeyondAllBounds: net/http itself refuses such a header, with its own
// message.
func TestHeaderBeyondAllBounds(t *testing.T) {
	s := start(t, setup{})
	req, err := http.NewRequest("GET", s.url+"/v1/posts", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Large", strings.Repeat("x", 200_000))
	res, err := s.anonymous().http.Do(req)
	if err != nil {
		return // it may also close the connection on us
	}
	res.Body.Close()
	equal(t, "status", res.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
}

func TestOptionsAreValidated(t *testing.T) {
	if _, err := httpapi.New(t.Context(), nil, nil, httpapi.Options{Burst: -1}); err == nil {
		t.Fatal("a negative burst was taken")
	}
}
