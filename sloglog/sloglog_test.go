package sloglog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/optimisttest"
	"github.com/optimist-go/optimist/sloglog"
)

// untimed drops the parts that differ from run to run.
func untimed(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "id" {
		return slog.Attr{}
	}
	return a
}

func Example() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: untimed}))
	stop := sloglog.Attach(m, logger, sloglog.Options{})

	titles := optimist.NewStore[string](m, "title")
	rename := optimist.Register(titles, optimist.Mutation[string, string]{
		Type:  "rename",
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(context.Context, optimist.Call[string]) (t optimist.Truth[string], err error) {
			return t, optimist.Fail(optimist.Permanent, errors.New("locked"))
		},
	})
	titles.Receive("1", optimist.TruthOf("draft", 1))
	rename.Execute(ctx, "1", "final")
	m.Flush(ctx)
	stop()
	m.Close(ctx)
	// Output:
	// level=WARN msg="optimist: rolled back" entity=title:1 type=rename calls=1 outcome="rolled back" error="permanent: locked" victim.type=rename victim.entity=title:1 victim.error="permanent: locked"
}

type program struct {
	m      *optimist.Manager
	titles *optimist.Store[string]
	rename *optimist.Action[string, string]
	server *optimisttest.Server[string]
}

func start(t *testing.T) program {
	t.Helper()
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := program{m: m, titles: optimist.NewStore[string](m, "title"), server: optimisttest.NewServer[string]()}
	apply := func(_, text string) (string, error) { return text, nil }
	p.rename = optimist.Register(p.titles, optimist.Mutation[string, string]{
		Type: "rename", Apply: apply, Send: optimisttest.Change(p.server, apply),
		OnSuccess: func(text string, _ optimist.Result) {
			if text == "panic" {
				panic("callback")
			}
		},
	})
	p.titles.Receive("1", p.server.Put("1", ""))
	return p
}

// TestLevels: who must act, of a whole life.
func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		var out bytes.Buffer
		stop := sloglog.Attach(p.m, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), sloglog.Options{})
		p.server.Next(optimisttest.Transient, optimisttest.Fault{}, optimisttest.Permanent, optimisttest.Offline)
		for _, text := range []string{"secret", "other secret", "panic"} {
			p.rename.Execute(t.Context(), "1", text)
		}
		p.m.Flush(t.Context())
		stop()
		for _, want := range []string{
			`level=DEBUG msg="optimist: started"`, `level=DEBUG msg="optimist: accepted" entity=title:1 id=`,
			`level=INFO msg="optimist: retrying"`, `level=WARN msg="optimist: rolled back"`,
			`level=INFO msg="optimist: deferred"`, `level=ERROR msg="optimist: callback panicked"`,
			`outcome=confirmed`, `outcome="rolled back"`,
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("there is no %q in\n%s", want, &out)
			}
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("arguments or values were logged:\n%s", &out)
		}
		size := out.Len()
		p.rename.Execute(t.Context(), "1", "unheard")
		p.m.Flush(t.Context())
		stop() // a second time does nothing
		if out.Len() != size {
			t.Error("events were logged after stop")
		}
		p.m.Close(t.Context())
	})
}

func TestArgs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		var out bytes.Buffer
		level := func(optimist.Event) slog.Level { return slog.LevelInfo }
		stop := sloglog.Attach(p.m, slog.New(slog.NewTextHandler(&out, nil)), sloglog.Options{Args: true, Entity: "title:1", Level: level})
		p.rename.Execute(t.Context(), "1", "asked")
		p.m.Close(t.Context()) // ends the log as well
		stop()
		if !strings.Contains(out.String(), "asked") {
			t.Errorf("there are no arguments in\n%s", &out)
		}
	})
}

// slow is a handler that waits to be released.
type slow struct {
	slog.Handler
	release chan struct{}
	once    sync.Once
	entered chan struct{}
}

func (s *slow) Handle(ctx context.Context, r slog.Record) error {
	s.once.Do(func() { close(s.entered) })
	<-s.release
	return s.Handler.Handle(ctx, r)
}

// TestGap: a logger that falls behind delays no one, and the log has the number of
// missed events.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		var out bytes.Buffer
		h := &slow{
			Handler: slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}),
			release: make(chan struct{}), entered: make(chan struct{}),
		}
		stop := sloglog.Attach(p.m, slog.New(h), sloglog.Options{Buffer: 4})
		<-h.entered
		for i := range 10 {
			p.rename.Execute(t.Context(), "1", fmt.Sprint(i))
			p.m.Flush(t.Context())
		}
		close(h.release)
		stop()
		if !strings.Contains(out.String(), `level=WARN msg="optimist: gap" missed=`) {
			t.Errorf("there is no gap in\n%s", &out)
		}
		p.m.Close(t.Context())
	})
}

// TestDefault: no logger is slog's own.
func TestDefault(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	p := start(t)
	stop := sloglog.Attach(p.m, nil, sloglog.Options{})
	stop()
	if !strings.Contains(out.String(), "started") {
		t.Errorf("%q", &out)
	}
	p.m.Close(t.Context())
}
