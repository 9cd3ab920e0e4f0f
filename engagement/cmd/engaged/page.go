package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/page"
	"github.com/optimist-go/optimist/engagement/wire"
)

// newPage compiles the browser client if need be. When that cannot be done the page
// says so too, and the server runs all the same.
func newPage(ctx context.Context) (http.Handler, error) {
	build, err := page.New(ctx, page.Options{Progress: os.Stderr})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engaged:", err)
	}
	return page.NewHandler(build, err, http.HandlerFunc(nothing))
}

func nothing(w http.ResponseWriter, r *http.Request) {
	httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemNotFound, Status: http.StatusNotFound, Detail: "there is nothing at this path"})
}
