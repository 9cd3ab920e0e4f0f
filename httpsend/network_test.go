package httpsend_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/httpsend"
)

// to sends a request to another place.
func to(r *http.Request, base string) {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	r.URL.Scheme, r.URL.Host, r.Host = u.Scheme, u.Host, ""
}

func over(t http.RoundTripper) *httpsend.Client {
	return &httpsend.Client{HTTP: &http.Client{Transport: t}}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// raw is the address of a server that is nothing but bytes: serve has each connection,
// which is closed afterwards, and at the end of the test.
func raw(t *testing.T, serve func(net.Conn, *bufio.Reader)) (address string) {
	l := listen(t)
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() }) // the context of the test ends before
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { c.Close() })()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	return l.Addr().String()
}

// cut is a server that reads so many bytes of a request (-1: all of it), writes an answer,
// and hangs up.
func cut(read int, answer string) func(*testing.T, *http.Request) *httpsend.Client {
	return func(t *testing.T, r *http.Request) *httpsend.Client {
		to(r, "http://"+raw(t, func(c net.Conn, in *bufio.Reader) {
			if read < 0 {
				if req, err := http.ReadRequest(in); err == nil {
					io.Copy(io.Discard, req.Body)
				}
			} else {
				io.ReadFull(in, make([]byte, read))
			}
			io.WriteString(c, answer)
		}))
		return over(&http.Transport{})
	}
}

// status is a server that answers so.
func status(code int, header http.Header, body string) func(*testing.T, *http.Request) *httpsend.Client {
	return func(t *testing.T, r *http.Request) *httpsend.Client {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				t.Error("the operation became a GET")
			}
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(code)
			io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		to(r, server.URL)
		return nil
	}
}

// thenNobody is a server that answers once, takes the next request on the same connection,
// and is gone with it: net/http dials again by itself, and finds nobody.
func thenNobody(t *testing.T, r *http.Request) *httpsend.Client {
	l := listen(t)
	var done sync.WaitGroup
	t.Cleanup(done.Wait)
	done.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		http.ReadRequest(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		if req, err := http.ReadRequest(in); err == nil {
			io.Copy(io.Discard, req.Body)
		}
		l.Close()
	})
	to(r, "http://"+l.Addr().String())
	client := over(&http.Transport{})
	before, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(before); err != nil {
		t.Fatal(err)
	}
	return client
}

// overHTTP2 is a server that answers so many requests of a connection, and then breaks the
// stream of the next.
func overHTTP2(before int) func(*testing.T, *http.Request) *httpsend.Client {
	return func(t *testing.T, r *http.Request) *httpsend.Client {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Proto != "HTTP/2.0" {
				t.Error(r.Proto)
			}
			if r.Method == http.MethodPut {
				panic(http.ErrAbortHandler)
			}
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		client := &httpsend.Client{HTTP: server.Client()}
		for range before {
			r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Do(r); err != nil {
				t.Fatal(err)
			}
		}
		to(r, server.URL)
		return client
	}
}

// deaf is a network on which dialling takes for ever.
func deaf(t *testing.T) *httpsend.Client {
	return over(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select { // net/http does not end it with the request: it may serve another one
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.Context().Done():
			return nil, t.Context().Err()
		}
	}})
}

// failing is a transport of another kind than net/http's.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
