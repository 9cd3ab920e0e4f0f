package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/page"
	"github.com/optimist-go/optimist/engagement/web"
	"github.com/optimist-go/optimist/engagement/wire"
)

// buildPage compiles the browser client if need be, and makes it the page. If this fails
// the page shows the error, the build is nil, and the server runs all the same.
func buildPage(ctx context.Context, m *engaged.Main, late *page.Late) (*page.Build, error) {
	build, err := page.New(ctx, page.Options{Progress: os.Stderr})
	if ctx.Err() != nil { // the server ends
		late.Set(nil)
		return nil, nil
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engaged:", err)
	}
	first := func(r *http.Request) (wire.First, error) { return m.First(r, web.PageSize) }
	h, err := page.NewHandler(build, err, first, http.HandlerFunc(nothing))
	if err != nil {
		late.Set(nil)
		return nil, err
	}
	late.Set(h)
	return build, nil
}

// squeeze makes the page smaller, in a goroutine that stop ends.
func squeeze(ctx context.Context, build *page.Build) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		if build == nil {
			return
		}
		if err := build.Squeeze(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "page: not kept for the next start:", err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func nothing(w http.ResponseWriter, r *http.Request) {
	httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemNotFound, Status: http.StatusNotFound, Detail: "there is nothing at this path"})
}
