package optimist_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// What an operation depends on may have been replaced before the crash. The
// dependent still waits for it, in its own lane, after the restart.
func TestLaw30_DependencyOnAReplacedOperationSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		first := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		second := must(l.done.Execute(ctx, "2", true, first))(t)
		instead := must(l.edit.Execute(ctx, "1", edit{"b"}))(t)
		want := []string{instead.ID(), second.ID()}
		synctest.Wait()
		w.crash(l)

		w.lose = 1 // what is needed is tried twice
		l = w.start(t, optimist.Options{})
		if err := l.m.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if got := slices.Compact(w.seen); !slices.Equal(got, want) {
			t.Fatalf("the server saw %v, want %v", got, want)
		}
		l.m.Close(ctx)
	})
}

// An operation whose outcome is unknown is parked when its time is over. It cannot be
// edited, for the server may have it: not after a restart either.
func TestLaw30_UnknownOutcomeStaysUnknownWhileParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		deadline := optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Deadline: 15 * time.Second}}}
		w := world{lose: 1000}
		l := w.start(t, deadline)
		must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := l.m.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.crash(l)

		w.lose = 0
		l = w.start(t, deadline)
		h := l.restored.Operations[0]
		if h.State() != optimist.Parked {
			t.Fatalf("restored as %v", h.State())
		}
		if _, err := l.edit.Edit(h, edit{"b"}); !errors.Is(err, optimist.ErrUnknownOutcome) {
			t.Fatalf("edited: %v", err)
		}
		if err := h.Retry(); err != nil {
			t.Fatal(err)
		}
		if r := must(h.Wait(ctx))(t); !r.Success() {
			t.Fatalf("%+v", r)
		}
		l.m.Close(ctx)
	})
}

// What a full disk has refused is written as soon as there is room, and is durable
// then.
func TestLaw33_RefusedIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		synctest.Wait()
		w.disk.Inject(1, memjournal.Refuse)
		first := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := first.Await(ctx, optimist.Journaled); !errors.Is(err, journal.ErrRefused) {
			t.Fatalf("refused: %v", err)
		}
		second := must(l.edit.Execute(ctx, "2", edit{"b"}))(t)
		synctest.Wait()
		for _, h := range []*optimist.Handle{first, second} {
			if err := h.Await(ctx, optimist.Journaled); err != nil {
				t.Errorf("with room again: %v", err)
			}
		}
		w.crash(l)
		l = w.start(t, optimist.Options{})
		if n := len(l.restored.Operations); n != 2 {
			t.Errorf("%d operations restored, want 2", n)
		}
		l.m.Close(ctx)
	})
}

// A long error of the server does not make an operation too large for the journal.
func TestLaw30_ParkedWithALongError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		w := world{reject: optimist.Fail(optimist.Permanent, errors.New(strings.Repeat("no ", journal.MaxData/2)))}
		l := w.start(t, optimist.Options{})
		must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := l.m.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.crash(l)
		l = w.start(t, optimist.Options{})
		if h := l.restored.Operations[0]; h.State() != optimist.Parked {
			t.Errorf("restored as %v", h.State())
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		l.m.Close(ended)
	})
}

// An operation that is too large with all its names is refused alone.
func TestLaw33_TooLargeHarmsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		var large, small *optimist.Handle
		large = must(l.edit.Execute(ctx, strings.Repeat("x", journal.MaxData), edit{"a"}))(t)
		small = must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := large.Await(ctx, optimist.Journaled); !errors.Is(err, journal.ErrTooLarge) {
			t.Errorf("the large one: %v", err)
		}
		if err := small.Await(ctx, optimist.Journaled); err != nil {
			t.Errorf("the small one: %v", err)
		}
		if err := l.m.Flush(ctx); err != nil {
			t.Error(err)
		}
		l.m.Close(ctx)
	})
}

// A disk that was full may have refused the mark of an attempt: the next life does not
// know that the operation has left. The server does.
func TestLaw15_TruthNamesARestoredOperationThatSeemsNotToHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var disk memjournal.Disk
		calls := 0
		open := func() (*optimist.Manager, *optimist.Store[string], *optimist.Action[string, string]) {
			m := must(optimist.New(optimist.Options{Journal: must(disk.Open())(t)}))(t)
			s := optimist.NewStore[string](m, "text")
			return m, s, optimist.Register(s, optimist.Mutation[string, string]{
				Type: "append", Stored: stored[string](),
				Apply: func(v, more string) (string, error) { return v + more, nil },
				Send: func(context.Context, optimist.Call[string]) (t optimist.Truth[string], err error) {
					calls++
					return t, nil
				},
			})
		}
		m, s, add := open()
		must(m.Restore())(t)
		m.SetOnline(false)
		s.Receive("1", optimist.TruthOf("a", 1))
		must(add.Execute(ctx, "1", "b"))(t)
		synctest.Wait()
		disk.Crash()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		m.Close(ended)

		m, s, _ = open()
		m.SetOnline(false)
		h := must(m.Restore())(t).Operations[0]
		truth := optimist.TruthOf("ab", 2)
		truth.Contains = []string{h.ID()}
		s.Receive("1", truth)
		if v, _ := s.Get("1"); v != "ab" {
			t.Fatalf("shown: %q", v)
		}
		m.SetOnline(true)
		synctest.Wait()
		if r, ok := h.Result(); !ok || r.Outcome != optimist.Confirmed || calls != 0 {
			t.Fatalf("%+v after %d calls", r, calls)
		}
		m.Close(ctx)
	})
}
