package page

import (
	"net/http"
	"time"

	"github.com/optimist-go/optimist/engagement/web"
)

// Late is a page that is built while the server runs already, so that an unusable port or
// database is reported before a minute of compiling. Until the page is there, Late shows a
// page that says so, and becomes the real one by itself. Make one with [NewLate]; it is safe
// for concurrent use.
type Late struct {
	there   chan struct{} // closed once handler is set
	handler http.Handler
	start   *Handler // the page until then, and its files
}

// Bounds of waits for the page.
const (
	glance = 700 * time.Millisecond // so that a page that is built already is not announced first
	watch  = 20 * time.Second       // of the script in the page that waits
)

// startedPath is asked by the page that waits: the answer comes when the page is there.
const startedPath = "/started"

// NewLate returns a page that is not there yet.
func NewLate() (*Late, error) {
	start := &Handler{files: make(map[string]file), otherwise: http.HandlerFunc(notYet)}
	if err := start.addAssets("style.css", "starting.js", "favicon.svg"); err != nil {
		return nil, err
	}
	start.add("/", htmlType, []byte(web.Starting()))
	return &Late{there: make(chan struct{}), start: start}, nil
}

func notYet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the page is still being compiled", http.StatusServiceUnavailable)
}

// Set makes h the page. nil: the server ends before there is one. Call Set once.
func (l *Late) Set(h http.Handler) {
	l.handler = h
	close(l.there)
}

func (l *Late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	patience := watch
	switch _, known := l.start.files[r.URL.Path]; {
	case r.URL.Path == "/":
		patience = glance
	case known:
		patience = 0
	}
	there := l.wait(r, patience) && l.handler != nil
	switch {
	case r.URL.Path == startedPath && there:
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == startedPath:
		w.WriteHeader(http.StatusAccepted) // ask again
	case there:
		l.handler.ServeHTTP(w, r)
	default:
		l.start.ServeHTTP(w, r)
	}
}

// wait reports whether the page is there, or is within some time.
func (l *Late) wait(r *http.Request, patience time.Duration) bool {
	select {
	case <-l.there:
		return true
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.there:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	}
	return false
}
