package fault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// errCut is the cause of the end of a request that was cut.
var errCut = errors.New("fault: the network went away")

// Bounds of a body that can be sent twice, in bytes and in time; a request with a
// larger or slower body is not duplicated.
const (
	maxCopied   = 64 << 10
	copyTimeout = 2 * time.Second
)

// Refuse answers a request with an error of the network's making: 500, 503, or 429
// with the time to wait.
type Refuse func(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration)

// Wrap returns a handler that passes requests to next through the network. Refuse may
// be nil: then errors are plain text.
func (n *Network) Wrap(next http.Handler, refuse Refuse) http.Handler {
	if refuse == nil {
		refuse = refusePlainly
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cut := context.WithCancelCause(r.Context())
		defer cut(nil)
		p := &passage{scope: n.scope(r), cut: cut}
		f := n.enter(p, r.Method != http.MethodGet && r.Method != http.MethodHead)
		if f.offline {
			n.note(r, "offline")
			hangUp(w)
		}
		defer n.leave(p)
		n.carry(w, r.WithContext(ctx), f, next, refuse)
		if context.Cause(ctx) == errCut {
			n.note(r, "cut")
			hangUp(w)
		}
	})
}

// carry carries out the fate of the request.
func (n *Network) carry(w http.ResponseWriter, r *http.Request, f fate, next http.Handler, refuse Refuse) {
	if !wait(r.Context(), f.delay) {
		return
	}
	switch {
	case f.loseRequest:
		n.count(&n.counts.LostRequests)
		n.note(r, "lost request")
		hangUp(w)
	case f.serverError:
		n.count(&n.counts.ServerErrors)
		n.note(r, "server error")
		refuse(w, r, f.status, 0)
		return
	case f.throttle:
		n.count(&n.counts.Throttled)
		n.note(r, "throttled")
		refuse(w, r, http.StatusTooManyRequests, f.retryAfter)
		return
	}
	if f.duplicate {
		n.duplicate(r, next, w)
	}
	if !f.loseAnswer {
		next.ServeHTTP(&severable{ResponseWriter: w, ctx: r.Context()}, r)
		return
	}
	n.count(&n.counts.LostAnswers)
	n.note(r, "lost answer")
	if !isStream(r) {
		next.ServeHTTP(&unheard{ResponseWriter: w, header: make(http.Header)}, r)
	}
	hangUp(w)
}

// duplicate passes a copy of the request to next, drops the answer, and restores the
// body of r.
func (n *Network) duplicate(r *http.Request, next http.Handler, w http.ResponseWriter) {
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(copyTimeout))
	start, err := io.ReadAll(io.LimitReader(r.Body, maxCopied+1))
	control.SetReadDeadline(time.Time{})
	rest := r.Body
	r.Body = body{io.MultiReader(bytes.NewReader(start), rest), rest}
	if err != nil || len(start) > maxCopied {
		return
	}
	n.count(&n.counts.Duplicates)
	n.note(r, "duplicate")
	twin := r.Clone(r.Context())
	twin.Body = io.NopCloser(bytes.NewReader(start))
	next.ServeHTTP(&unheard{ResponseWriter: w, header: make(http.Header)}, twin)
}

type body struct {
	io.Reader
	io.Closer
}

// wait waits for the delay; it reports false when the request ended before.
func wait(ctx context.Context, delay time.Duration) bool {
	if delay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hangUp closes the connection without another byte and ends the handler.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
	panic(http.ErrAbortHandler) // needed where hijacking is not possible, as with HTTP/2
}

// isStream reports whether the request asks for server-sent events.
func isStream(r *http.Request) bool {
	return r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/events") ||
		strings.Contains(r.Header.Get("Accept"), "text/event-stream"))
}

func refusePlainly(w http.ResponseWriter, _ *http.Request, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", retryAfterSeconds(retryAfter))
	}
	http.Error(w, http.StatusText(status), status)
}

// unheard is a ResponseWriter whose answer gets lost. The connection behind it can
// still be used for reading the request.
type unheard struct {
	http.ResponseWriter
	header http.Header
}

func (u *unheard) Header() http.Header            { return u.header }
func (u *unheard) WriteHeader(int)                {}
func (u *unheard) Write(data []byte) (int, error) { return len(data), nil }
func (u *unheard) FlushError() error              { return nil }
func (u *unheard) Unwrap() http.ResponseWriter    { return u.ResponseWriter }

// severable is a ResponseWriter that refuses writes once its request was cut.
type severable struct {
	http.ResponseWriter
	ctx context.Context
}

func (s *severable) Write(data []byte) (int, error) {
	if context.Cause(s.ctx) == errCut {
		return 0, errCut
	}
	return s.ResponseWriter.Write(data)
}

// Unwrap lets [http.ResponseController] reach the connection's methods.
func (s *severable) Unwrap() http.ResponseWriter { return s.ResponseWriter }
