package nethttp_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestAnswersAreBounded: the largest page is taken, what is larger is an error and
// not a part of it.
func TestAnswersAreBounded(t *testing.T) {
	for size, taken := range map[int]bool{0: true, 2 * wire.MaxPageBytes: true, 2*wire.MaxPageBytes + 1: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write(bytes.Repeat([]byte("x"), size))
		}))
		defer server.Close()
		transport, err := nethttp.New(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(t.Context(), client.Request{Method: "GET", Path: "/"})
		if taken != (err == nil) || taken && len(answer.Body) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(answer.Body), err)
		}
	}
}
