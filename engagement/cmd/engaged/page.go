package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/page"
	"github.com/optimist-go/optimist/engagement/web"
	"github.com/optimist-go/optimist/engagement/wire"
)

// latePage is a page that is built while the server runs already, so that an unusable
// port or database is reported before a minute of compiling. Requests for the page
// wait until it is built.
type latePage struct {
	built   chan struct{} // closed once handler is set
	handler http.Handler
}

func newLatePage() *latePage { return &latePage{built: make(chan struct{})} }

func (p *latePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-p.built:
	case <-r.Context().Done():
		return
	}
	// Compiling may have used up the time that the server gives an answer.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
	p.handler.ServeHTTP(w, r)
}

// build compiles the browser client if need be. If this fails the page shows the
// error, and the server runs all the same. In every case waiting requests are
// answered.
func (p *latePage) build(ctx context.Context, m *engaged.Main) error {
	p.handler = http.HandlerFunc(ending)
	defer close(p.built)
	build, err := page.New(ctx, page.Options{Progress: os.Stderr})
	if ctx.Err() != nil {
		return nil // the server ends
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engaged:", err)
	}
	h, err := page.NewHandler(build, err, func(r *http.Request) (wire.First, error) { return m.First(r, web.PageSize) }, http.HandlerFunc(nothing))
	if err == nil {
		p.handler = h
	}
	return err
}

func ending(w http.ResponseWriter, r *http.Request) {
	httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemOverloaded, Status: http.StatusServiceUnavailable, Detail: "the server is shutting down"})
}

func nothing(w http.ResponseWriter, r *http.Request) {
	httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemNotFound, Status: http.StatusNotFound, Detail: "there is nothing at this path"})
}
