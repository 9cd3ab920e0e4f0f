package httpapi_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (s *server) dial() net.Conn {
	s.tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// TestDrippingHeader sends a header byte by byte, and never its end. The server cuts
// it after a fiftieth of its usual time, lest the test take as long.
func TestDrippingHeader(t *testing.T) {
	s := start(t, setup{server: func(h *http.Server) { h.ReadHeaderTimeout /= 50 }})
	conn := s.dial()
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		io.ReadAll(conn) // ends when the server has cut the connection
	}()
	io.WriteString(conn, "GET /v1/posts HTTP/1.1\r\nHost: localhost\r\nX-Drip: ")
	drip := time.NewTicker(10 * time.Millisecond)
	defer drip.Stop()
	enough := time.After(patience / 3)
	for {
		select {
		case <-drip.C:
			io.WriteString(conn, "x")
		case <-stop:
			return
		case <-enough:
			t.Fatal("the server still takes it")
		}
	}
}

// TestShutdownDoesNotWaitForSilentConnections: browsers open some in advance.
func TestShutdownDoesNotWaitForSilentConnections(t *testing.T) {
	s := start(t, setup{})
	silent := s.dial()
	s.anonymous().do("GET", "/healthz", "", nil).want(200, "") // accepted after it
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 3*time.Second { // net/http itself waits five
		t.Errorf("shutdown took %v", took)
	}
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the silent connection: %v", err)
	}
}
