package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Bounds of what Guard lets through, in bytes.
const (
	maxHeader = 16 << 10
	maxURI    = 4 << 10
)

// pagePolicy allows what the page is made of and nothing else: its own files, and
// WebAssembly among its scripts. Comments are text; a script in one stays text.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// record is what Guard knows of a request; it is in the request's context.
type record struct {
	id   string
	user string // filled in by the API; only the request's goroutine uses it
	err  error  // the reason of a status of 500 or more; as user

	// faults are what was done to the request on purpose; as user.
	faults []string
}

type recordKey struct{}

func requestID(r *http.Request) string {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		return rec.id
	}
	return ""
}

func noteUser(r *http.Request, user string) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.user = user
	}
}

// noteError keeps the first error that is told.
func noteError(r *http.Request, err error) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok && rec.err == nil {
		rec.err = err
	}
}

// NoteFault says in the log that something was done to the request on purpose: an error
// that it leads to is no trouble of the server. It is to be called by the request's
// goroutine.
func NoteFault(r *http.Request, fault string) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.faults = append(rec.faults, fault)
	}
}

// Guard is the outermost layer of the whole server, page included. It gives each
// request an id (header X-Request-Id), refuses what is too large before anything
// reads it, sets the security headers, turns a panic into a problem and writes
// one line to the log. log and now may be nil.
func Guard(next http.Handler, log *slog.Logger, now func() time.Time) http.Handler {
	orElse(&log, slog.Default())
	if now == nil {
		now = time.Now
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{id: engagement.NewID()}
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
		seen := &watchedWriter{ResponseWriter: w}
		began := now()
		defer func() {
			caught := recover()
			if caught != nil && caught != http.ErrAbortHandler {
				rec.err = fmt.Errorf("panic: %v", caught)
				if seen.status == 0 {
					WriteProblem(seen, r, wire.Problem{Type: wire.ProblemInternal, Status: http.StatusInternalServerError,
						Detail: "something went wrong on the server"})
					caught = nil
				} else {
					caught = http.ErrAbortHandler // the answer is broken off, and so must look
				}
			}
			writeLine(log, r, rec, seen, now().Sub(began), caught != nil)
			if caught != nil {
				panic(caught)
			}
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardTimeout))
		}()
		if r.ContentLength != 0 { // who reads the body sets a deadline of its own
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardTimeout))
		}
		secure(w.Header(), rec.id, r.TLS != nil)
		if p, ok := unacceptable(r); ok {
			w.Header().Set("Connection", "close")
			WriteProblem(seen, r, p)
			return
		}
		next.ServeHTTP(seen, r)
	})
}

// discardTimeout is how long a body may take that no handler reads. net/http throws it
// away, in front of the answer, in the middle of a handler's Write, or after the handler.
const discardTimeout = 2 * time.Second

func secure(h http.Header, id string, overTLS bool) {
	h.Set("X-Request-Id", id)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	if overTLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// unacceptable refuses what no handler should have to look at.
func unacceptable(r *http.Request) (wire.Problem, bool) {
	if len(r.RequestURI) > maxURI {
		return wire.Problem{Type: wire.ProblemURITooLong, Status: http.StatusRequestURITooLong, Detail: "the path and query are too long"}, true
	}
	size := 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
	}
	if size > maxHeader {
		return wire.Problem{Type: wire.ProblemHeaderTooLarge, Status: http.StatusRequestHeaderFieldsTooLarge, Detail: "the header is too large"}, true
	}
	if clean := path.Clean(r.URL.Path); r.URL.Path != clean && r.URL.Path != clean+"/" {
		return wire.Problem{Type: wire.ProblemNotFound, Status: http.StatusNotFound, Detail: "there is nothing at this path"}, true
	}
	return wire.Problem{}, false
}

func writeLine(log *slog.Logger, r *http.Request, rec *record, seen *watchedWriter, took time.Duration, brokenOff bool) {
	attrs := []slog.Attr{
		slog.String("id", rec.id),
		slog.String("method", shortened(r.Method)),
		slog.String("path", shortened(r.URL.Path)),
		slog.Int("status", seen.status),
		slog.Int64("bytes", seen.bytes),
		slog.Duration("took", took),
		slog.String("user", rec.user),
		slog.String("key", shortened(r.Header.Get(wire.HeaderKey))),
		slog.Bool("brokenOff", brokenOff),
	}
	if rec.err != nil {
		attrs = append(attrs, slog.Any("error", rec.err))
	}
	if len(rec.faults) > 0 {
		attrs = append(attrs, slog.String("faultOnPurpose", strings.Join(rec.faults, ", ")))
	}
	log.LogAttrs(r.Context(), levelOf(seen.status, rec.err, len(rec.faults) > 0), "request", attrs...)
}

// levelOf goes by who has to act. A server that has too much to do gets better by
// itself, or is told of by /readyz; what is broken does not. Of an error without a
// reason that was made on purpose nobody has to do anything.
func levelOf(status int, err error, onPurpose bool) slog.Level {
	switch {
	case err == nil && onPurpose:
		return slog.LevelInfo
	case status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status >= http.StatusInternalServerError, err != nil && status != statusClientGone:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func shortened(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// watchedWriter notes what was answered.
type watchedWriter struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
}

func (w *watchedWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watchedWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(data)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what the connection can do.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
