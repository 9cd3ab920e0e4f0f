package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/page"
	"github.com/optimist-go/optimist/engagement/web"
	"github.com/optimist-go/optimist/engagement/wire"
)

func TestMain(m *testing.M) {
	if flags := os.Getenv(childFlags); flags != "" {
		if err := serveAsChild(flags); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	closeChrome()
	os.Exit(code)
}

// build is the page, compiled once for all tests.
var build = sync.OnceValues(func() (*page.Build, error) {
	return page.New(context.Background(), page.Options{Progress: os.Stderr})
})

// pageOf serves the page, as the command does.
func pageOf(b *page.Build, first func(*http.Request, int) (wire.First, error)) (http.Handler, error) {
	return page.NewHandler(b, nil, func(r *http.Request) (wire.First, error) { return first(r, web.PageSize) }, http.NotFoundHandler())
}

// server is the real program in this process.
type server struct {
	*engaged.Main
	t    *testing.T
	addr string
	file string
	page http.Handler

	guests int // who have liked something elsewhere
}

func startServer(t *testing.T) *server {
	t.Helper()
	openChrome(t) // skips first where there is none
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: "127.0.0.1:0", file: filepath.Join(t.TempDir(), "engaged.db")}
	s.page, err = pageOf(b, func(r *http.Request, limit int) (wire.First, error) { return s.First(r, limit) }) // of the Main at that time
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) start(flags ...string) {
	s.t.Helper()
	s.Main = engaged.New()
	s.Main.Stderr = io.Discard
	s.Main.Page = s.page
	if err := s.ParseFlags(append([]string{"-addr", s.addr, "-db", s.file, "-rate", "-1"}, flags...)); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.addr = strings.TrimPrefix(s.URL(), "http://") // the same after a restart
}

func (s *server) stop() {
	if err := s.Close(); err != nil {
		s.t.Errorf("close the server: %v", err)
	}
}

// network makes the network of everybody bad, or good again.
func (s *server) network(r fault.Rule) {
	s.t.Helper()
	if err := s.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: r}); err != nil {
		s.t.Fatal(err)
	}
}

// truth returns a post from the database.
func (s *server) truth(post, viewer string) engagement.Truth {
	s.t.Helper()
	truth, err := s.Store().Truth(s.t.Context(), post, viewer)
	if err != nil {
		s.t.Fatal(err)
	}
	return truth
}
