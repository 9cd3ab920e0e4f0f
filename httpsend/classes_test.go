package httpsend_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// The rows of the table in the package's documentation.
const (
	noConnection = "no connection: DNS, dial, TLS, proxy; also when the deadline passes meanwhile"
	noAnswer     = "a connection, and then no answer: broken, or the context ended"
	cancelled    = "the context was cancelled, whenever that was"
	notSent      = "net/http refuses to send such a request, or the program made none"
	notUnderst   = "2xx, and the answer broke off, is too large or not as expected"
	success      = "2xx"
	inProgress   = "409 with a Retry-After: the first request with this key still runs"
	forgotten    = "410 to a request that told the age of its key"
	redirected   = "3xx that is not followed; see below"
	otherStatus  = "any other status"
)

// post is the truth of these tests.
type post struct {
	Likes   int
	Version uint64
}

// one is a case: how a request meets its end, and the row that describes it.
type one struct {
	name  string
	row   string
	class optimist.Class                                       // of otherStatus
	setup func(t *testing.T, r *http.Request) *httpsend.Client // changes the request to reach what it has set up
}

// TestClasses: each thing that can happen to a request gives the class that the
// documentation says.
func TestClasses(t *testing.T) {
	said, used := documented(t), make(map[string]bool)
	for _, c := range append(happenings(), goings()...) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			want, ok := said[c.row]
			if !ok {
				t.Fatalf("the documentation has no row %q", c.row)
			}
			used[c.row] = true
			if c.class != 0 {
				want = c.class.String()
			}
			class, err := classOf(t, c)
			if class != want {
				t.Errorf("class %s, documented is %s: %v", class, want, err)
			}
			if errors.Is(err, optimist.ErrUnknownOutcome) != (c.row == forgotten) {
				t.Errorf("unknown outcome: %v", err)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	for row := range said {
		if !used[row] {
			t.Errorf("no case is of the row %q", row)
		}
	}
}

// classOf sends one request as Send does, and returns the name of its class.
func classOf(t *testing.T, c one) (string, error) {
	r, err := httpsend.JSON("PUT", "http://unset.invalid/posts/42/like", map[string]bool{"on": true})
	if err != nil {
		t.Fatal(err)
	}
	r = r.WithContext(t.Context())
	client := c.setup(t, r)
	send := httpsend.Send(client,
		func(optimist.Call[int]) (*http.Request, error) { return r, nil },
		func(a httpsend.Answer) (optimist.Truth[post], error) { return truthIn(a) })
	truth, err := send(r.Context(), optimist.Call[int]{ID: "key-1", Entity: "42"})
	var classified *optimist.SendError
	switch {
	case err == nil:
		if truth.Value.Likes != 7 {
			t.Errorf("the truth is %+v", truth)
		}
		return "success", nil
	case !errors.As(err, &classified):
		return "none", err
	}
	return classified.Class.String(), err
}

func truthIn(a httpsend.Answer) (optimist.Truth[post], error) {
	var p post
	if _, err := fmt.Sscanf(string(a.Body), "post %d %d", &p.Likes, &p.Version); err != nil {
		return optimist.Truth[post]{}, err
	}
	return optimist.TruthOf(p, p.Version), nil
}

// documented reads the table in doc.go.
func documented(t *testing.T) map[string]string {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^//\t(\S.*?) {2,}(\S.*)$`).FindAllStringSubmatch(string(data), -1) {
		said[m[1]] = strings.ToLower(m[2])
	}
	said[noAnswer], said[notUnderst], said[cancelled] = long(said[noAnswer]), long(said[notUnderst]), long(said[cancelled])
	if len(said) != 10 {
		t.Fatalf("the table in doc.go has %d rows: %v", len(said), said)
	}
	return said
}

// long is the text of a class, of which the constant's name is shorter.
func long(name string) string {
	if name == "unknown" {
		return optimist.Unknown.String()
	}
	return name
}

func happenings() []one {
	const whole = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npost 7 2"
	return []one{
		{"dial refused", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			l := listen(t)
			to(r, "http://"+l.Addr().String())
			l.Close()
			return nil
		}},
		{"no such host", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no name server")
			}}
			return over(&http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext})
		}},
		{"the certificate is of another", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") }))
			server.Config.ErrorLog = quiet()
			server.StartTLS()
			t.Cleanup(server.Close)
			to(r, server.URL)
			return nil
		}},
		{"the proxy is away", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			l := listen(t)
			l.Close()
			return over(&http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: l.Addr().String()})})
		}},
		{"the proxy reaches nobody", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			proxy := raw(t, func(c net.Conn, _ *bufio.Reader) {
				io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			})
			r.URL.Scheme = "https"
			return over(&http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})})
		}},
		{"deadline while dialling", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			t.Cleanup(cancel)
			*r = *r.WithContext(ctx)
			return deaf(t)
		}},
		{"the client's timeout while dialling", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			client := deaf(t)
			client.HTTP.Timeout = time.Millisecond
			return client
		}},
		{"a transport that says nothing but the error", noConnection, 0, func(*testing.T, *http.Request) *httpsend.Client {
			return over(failing{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}})
		}},

		{"closed before the request was read", noAnswer, 0, cut(0, "")},
		{"closed in the middle of the head", noAnswer, 0, cut(10, "")},
		{"closed after the request was read", noAnswer, 0, cut(-1, "")},
		{"cut in the status line", noAnswer, 0, cut(-1, whole[:7])},
		{"cut in the head", noAnswer, 0, cut(-1, whole[:25])},
		{"not HTTP", noAnswer, 0, cut(-1, "SSH-2.0-OpenSSH_9.6\r\n")},
		{"deadline in silence", noAnswer, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			t.Cleanup(cancel)
			*r = *r.WithContext(ctx)
			to(r, "http://"+raw(t, func(net.Conn, *bufio.Reader) { <-ctx.Done() }))
			return nil
		}},
		{"the client's timeout in silence", noAnswer, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			to(r, "http://"+raw(t, func(net.Conn, *bufio.Reader) { <-t.Context().Done() }))
			client := over(nil)
			client.HTTP.Timeout = 50 * time.Millisecond
			return client
		}},
		{"an upload that is cut", noAnswer, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			large := strings.Repeat("x", 4<<20)
			r.Body, r.ContentLength, r.GetBody = io.NopCloser(strings.NewReader(large)), int64(len(large)), nil
			return cut(1000, "")(t, r)
		}},
		{"used connection breaks, then nobody is there", noAnswer, 0, thenNobody},
		{"HTTP/2, the stream breaks", noAnswer, 0, overHTTP2(0)},
		{"HTTP/2, the stream of a used connection breaks", noAnswer, 0, overHTTP2(2)},
		{"a transport with words of its own", noAnswer, 0, func(*testing.T, *http.Request) *httpsend.Client {
			return over(failing{errors.New("it did not work")})
		}},

		{"cancelled while dialling", cancelled, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			ctx, cancel := context.WithCancel(t.Context())
			*r = *r.WithContext(ctx)
			return over(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				cancel()
				<-t.Context().Done()
				return nil, t.Context().Err()
			}})
		}},
		{"cancelled in silence", cancelled, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			ctx, cancel := context.WithCancel(t.Context())
			*r = *r.WithContext(ctx)
			to(r, "http://"+raw(t, func(_ net.Conn, in *bufio.Reader) {
				http.ReadRequest(in)
				cancel()
				<-t.Context().Done()
			}))
			return nil
		}},
		{"cancelled before", cancelled, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			*r = *r.WithContext(ctx)
			return nil
		}},

		{"no such scheme", notSent, 0, func(t *testing.T, r *http.Request) *httpsend.Client { r.URL.Scheme = ""; return nil }},
		{"no host", notSent, 0, func(t *testing.T, r *http.Request) *httpsend.Client { r.URL.Host, r.Host = "", ""; return nil }},
		{"a header that is none", notSent, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			r.Header.Set("X-Name", "two\nlines")
			return nil
		}},
		{"no address", notSent, 0, func(t *testing.T, r *http.Request) *httpsend.Client { r.URL = nil; return nil }},

		{"cut in the body", notUnderst, 0, cut(-1, whole[:len(whole)-1])},
		{"cut in a chunk", notUnderst, 0, cut(-1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npost 7")},
		{"the last chunk is missing", notUnderst, 0, cut(-1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npost 7 2\r\n")},
		{"a page of the hotel", notUnderst, 0, status(200, nil, "<html>Please log in")},
		{"an empty answer", notUnderst, 0, status(200, nil, "")},
		{"too large", notUnderst, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			status(200, nil, "post 7 2"+strings.Repeat(" ", 100))(t, r)
			return &httpsend.Client{MaxAnswer: 107}
		}},
		{"beyond all bounds", notUnderst, 0, status(200, nil, "post 7 2"+strings.Repeat(" ", httpsend.DefaultMaxAnswer))},

		{"done", success, 0, cut(-1, whole)},
		{"created", success, 0, status(201, nil, "post 7 2")},
		{"as large as it may be", success, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			status(200, nil, "post 7 2"+strings.Repeat(" ", 100))(t, r)
			return &httpsend.Client{MaxAnswer: 108}
		}},
		{"without a limit", success, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			status(200, nil, "post 7 2")(t, r)
			return &httpsend.Client{MaxAnswer: math.MaxInt64}
		}},

		{"in progress", inProgress, 0, status(409, http.Header{"Retry-After": {"3"}}, "")},
		{"in progress, with a date", inProgress, 0, status(409, http.Header{"Retry-After": {"Wed, 21 Oct 2026 07:28:00 GMT"}}, "")},

		{"a forgotten key", forgotten, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			r.Header.Set(httpsend.HeaderKeyAge, "900000")
			return status(410, nil, "")(t, r)
		}},
		{"gone", otherStatus, optimist.Permanent, status(410, nil, "")},

		{"a redirect to a GET", redirected, 0, status(303, http.Header{"Location": {"/home"}}, "")},
		{"a redirect to a login", redirected, 0, status(302, http.Header{"Location": {"/login"}}, "post 7 2")},
		{"moved", redirected, 0, status(301, http.Header{"Location": {"/new"}}, "")},
		{"in circles", redirected, 0, status(307, http.Header{"Location": {"/posts/42/like"}}, "")},
		{"to nowhere", redirected, 0, status(307, nil, "")},
		{"not modified", redirected, 0, status(304, nil, "")},

		{"refused", otherStatus, optimist.Permanent, status(403, nil, "you may not")},
		{"refused by a cut answer", otherStatus, optimist.Permanent, cut(-1, "HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nyou")},
		{"refused beyond all bounds", otherStatus, optimist.Permanent, status(404, nil, strings.Repeat("x", 2<<20))},
		{"conflict", otherStatus, optimist.Conflicting, status(409, nil, "{")},
		{"precondition", otherStatus, optimist.Conflicting, status(412, nil, "")},
		{"not signed in", otherStatus, optimist.Unauthenticated, status(401, nil, "")},
		{"too many", otherStatus, optimist.Overloaded, status(429, http.Header{"Retry-After": {"3"}}, "")},
		{"broken", otherStatus, optimist.Transient, status(500, nil, "panic")},
		{"the gateway lost it", otherStatus, optimist.Unknown, status(504, nil, "")},
		{"a proxy for plain HTTP lost it", otherStatus, optimist.Unknown, func(t *testing.T, r *http.Request) *httpsend.Client {
			proxy := raw(t, func(c net.Conn, in *bufio.Reader) {
				http.ReadRequest(in)
				io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			})
			return over(&http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})})
		}},
	}
}
