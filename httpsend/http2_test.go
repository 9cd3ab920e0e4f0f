package httpsend_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/optimist-go/optimist/httpsend"
)

// goings are the ways in which a server ends a connection that has served requests.
func goings() []one {
	return []one{
		{"HTTP/2, a graceful shutdown meanwhile", success, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			s := serveTLS(t, func(s *secure, w http.ResponseWriter, r *http.Request) {
				said := make(chan struct{})
				s.Config.RegisterOnShutdown(func() { close(said) })
				go s.Config.Shutdown(context.WithoutCancel(t.Context()))
				<-said
				io.WriteString(w, "post 7 2")
			})
			s.use(t)
			to(r, s.URL)
			return s.client
		}},
		{"HTTP/2, a graceful shutdown before", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			s := serveTLS(t, nil)
			s.use(t)
			if err := s.Config.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.ended(t)
			to(r, s.URL)
			return s.client
		}},
		{"HTTP/2, killed after the body", noAnswer, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			s := serveTLS(t, func(_ *secure, _ http.ResponseWriter, r *http.Request) { reset(r) })
			s.use(t)
			to(r, s.URL)
			return s.client
		}},
		{"HTTP/2, killed between requests", success, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			return killedBetween(t, r, true, false)
		}},
		{"HTTP/2, killed between requests, then nobody", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			return killedBetween(t, r, true, true)
		}},
		{"killed between requests", success, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			return killedBetween(t, r, false, false)
		}},
		{"killed between requests, then nobody", noConnection, 0, func(t *testing.T, r *http.Request) *httpsend.Client {
			return killedBetween(t, r, false, true)
		}},

		// The server has read the request, and says that it has not looked at it: net/http sends
		// it once more. When nobody is there then, net/http does not tell why it tried again.
		{"HTTP/2, gone before the stream", success, 0, framed(false, func(c *framedConn) bool { c.goAway(1); return false })},
		{"HTTP/2, gone before the stream, then nobody", noAnswer, 0, framed(true, func(c *framedConn) bool { c.goAway(1); return false })},
		{"HTTP/2, the stream is refused", success, 0, framed(false, func(c *framedConn) bool {
			c.write(frameReset, 0, 3, binary.BigEndian.AppendUint32(nil, refusedStream))
			return true
		})},
		{"HTTP/2, gone after the stream", noAnswer, 0, framed(false, func(c *framedConn) bool { c.goAway(3); return false })},
		{"HTTP/2, gone after the stream, with its answer", success, 0, framed(true, func(c *framedConn) bool { c.goAway(3); c.answer(3); return false })},
	}
}

// killedBetween is a server that resets the connection of a request that it has answered. It
// answers the next one, or is away by then (gone).
func killedBetween(t *testing.T, r *http.Request, http2, gone bool) *httpsend.Client {
	s := startSecure(t, http2, func(_ *secure, w http.ResponseWriter, r *http.Request) { io.WriteString(w, "post 7 2") })
	s.use(t)
	if gone {
		s.Listener.Close()
	}
	(<-s.conns).Close()
	s.ended(t)
	to(r, s.URL)
	return s.client
}

// secure is a real server, and a client that has one connection to it.
type secure struct {
	*httptest.Server
	client *httpsend.Client
	conns  chan net.Conn // those that the server has accepted; Close resets
	closed chan struct{} // gets a value when the client has closed a connection
}

func serveTLS(t *testing.T, put func(*secure, http.ResponseWriter, *http.Request)) *secure {
	return startSecure(t, true, put)
}

// startSecure starts a server whose put answers requests with this method; all others are
// answered with nothing.
func startSecure(t *testing.T, http2 bool, put func(*secure, http.ResponseWriter, *http.Request)) *secure {
	s := &secure{conns: make(chan net.Conn, 10), closed: make(chan struct{}, 10)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := map[bool]int{false: 1, true: 2}[http2]; r.ProtoMajor != want {
			t.Error(r.Proto)
		}
		io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPut {
			put(s, w, r)
		}
	}))
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = quiet()
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		tcp := c.(*tls.Conn).NetConn().(*net.TCPConn)
		tcp.SetLinger(0)
		s.conns <- tcp
		return context.WithValue(ctx, theConn{}, tcp)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.client = s.dialling(http2)
	return s
}

type theConn struct{}

// reset kills the connection of a request.
func reset(r *http.Request) { r.Context().Value(theConn{}).(*net.TCPConn).Close() }

// dialling is a client that trusts the server, and tells when it closes a connection.
func (s *secure) dialling(http2 bool) *httpsend.Client {
	trusted := s.Server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return over(&http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			return &telling{c, s.closed}, err
		},
	})
}

// use makes a first request, so that there is a connection.
func (s *secure) use(t *testing.T) { before(t, s.client, s.URL) }

func before(t *testing.T, client *httpsend.Client, base string) {
	r, err := http.NewRequestWithContext(t.Context(), "GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(r); err != nil {
		t.Fatal(err)
	}
}

// ended waits until the client has given its connection up.
func (s *secure) ended(t *testing.T) {
	select {
	case <-s.closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the client keeps its connection")
	}
}

// telling is a connection that tells when it is closed.
type telling struct {
	net.Conn
	closed chan<- struct{}
}

func (c *telling) Close() error {
	err := c.Conn.Close()
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return err
}

// The frames of HTTP/2 (RFC 9113) that a framedConn reads and writes.
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7

	endStream, endHeaders, acknowledged = 1, 4, 1

	refusedStream = 7
)

// framed is a server that answers the first request of its first connection. With the second
// it does as it is told, and closes the connection, unless it is to go on. If it is not away
// then (gone), it answers all that follow.
func framed(gone bool, then func(*framedConn) (goOn bool)) func(*testing.T, *http.Request) *httpsend.Client {
	return func(t *testing.T, r *http.Request) *httpsend.Client {
		s := serveTLS(t, nil) // for its certificate, and the client that trusts it
		l := listen(t)
		base := "https://" + l.Addr().String()
		config := &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}}
		done := make(chan struct{})
		t.Cleanup(func() { l.Close(); <-done })
		go func() {
			defer close(done)
			for first := true; ; first = false {
				c, err := l.Accept()
				if err != nil {
					return
				}
				stop := context.AfterFunc(t.Context(), func() { c.Close() })
				f := &framedConn{Conn: tls.Server(c, config)}
				for stream := range f.requests {
					if !first || stream != 3 {
						f.answer(stream)
						continue
					}
					if gone {
						l.Close()
					}
					if !then(f) {
						f.CloseWrite() // with a reset, the client might not read so far
						break
					}
				}
				io.Copy(io.Discard, f)
				f.Close()
				stop()
			}
		}()
		before(t, s.client, base)
		to(r, base)
		return s.client
	}
}

// framedConn is the server's end of a connection, frame by frame.
type framedConn struct{ *tls.Conn }

// requests ranges over the streams of requests that have come whole, until the connection
// ends.
func (c *framedConn) requests(yield func(stream uint32) bool) {
	c.write(frameSettings, 0, 0, nil)
	if _, err := io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(head[:4]) >> 8
		if _, err := io.CopyN(io.Discard, c, int64(size)); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&acknowledged == 0:
			c.write(frameSettings, acknowledged, 0, nil)
		case (kind == frameHeaders || kind == frameData) && flags&endStream != 0 && !yield(stream):
			return
		}
	}
}

func (c *framedConn) write(kind, flags byte, stream uint32, payload []byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = binary.BigEndian.AppendUint32(append(head, flags), stream)
	c.Write(append(head, payload...))
}

// goAway says that streams after the last were not looked at.
func (c *framedConn) goAway(last uint32) {
	c.write(frameGoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0))
}

// answer is a whole answer with status 200, which is entry 8 of HPACK's table.
func (c *framedConn) answer(stream uint32) {
	c.write(frameHeaders, endHeaders, stream, []byte{0x80 | 8})
	c.write(frameData, endStream, stream, []byte("post 7 2"))
}
