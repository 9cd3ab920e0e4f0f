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

// Bounds of requests at Guard, in bytes.
const (
	maxHeader = 16 << 10
	maxURI    = 4 << 10
)

// pagePolicy allows only the parts of the page: its own files, and WebAssembly among its
// scripts. Comments are text; a script in one stays text.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// record is Guard's record of a request, in the request's context.
type record struct {
	id   string
	user string // filled in by the API; only the request's goroutine uses it
	err  error  // the reason of a status of 500 or more; as user

	// faults are the deliberate faults of the request; as user.
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

// noteError records the first error of a request.
func noteError(r *http.Request, err error) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok && rec.err == nil {
		rec.err = err
	}
}

// NoteFault records a deliberate fault of the request for the log: an error that follows
// from it is no failure of the server. Only the request's goroutine may call it.
func NoteFault(r *http.Request, fault string) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.faults = append(rec.faults, fault)
	}
}

// Guard is the outermost layer of the whole server, page included. It gives each request
// an id (header X-Request-Id), refuses oversized requests unread, sets the security
// headers, turns a panic into a problem and writes one line to the log, of level debug if there is
// nothing to act on. log and now may
// be nil.
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
					caught = http.ErrAbortHandler // the answer must be cut off visibly
				}
			}
			writeLine(log, r, rec, seen, now().Sub(began), caught != nil)
			if caught != nil {
				panic(caught)
			}
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardTimeout))
		}()
		if r.ContentLength != 0 { // a handler that reads the body sets its own deadline
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

// discardTimeout is the longest time for a body that no handler reads. net/http discards
// it before the answer, in the middle of a handler's Write, or after the handler.
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

// unacceptable refuses requests that no handler should have to check.
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

// levelOf depends on the need to act; without any it is debug. An overloaded server recovers by itself, or
// /readyz reports it; a broken one does not. An error that a deliberate fault caused
// needs no action.
func levelOf(status int, err error, onPurpose bool) slog.Level {
	switch {
	case err == nil && onPurpose:
		return slog.LevelDebug
	case status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return slog.LevelWarn
	case status >= http.StatusInternalServerError, err != nil && status != statusClientGone:
		return slog.LevelError
	}
	return slog.LevelDebug
}

func shortened(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// watchedWriter records the status and size of an answer.
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

// Unwrap lets [http.ResponseController] reach the connection's methods.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
