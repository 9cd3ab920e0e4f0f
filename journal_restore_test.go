package optimist_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist"
)

// What an operation depends on may have been replaced before the crash. The
// dependent still waits for it, in its own lane, after the restart.
func TestLaw30_DependencyOnAReplacedOperationSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		first := must[*optimist.Handle](t)(l.edit.Execute(ctx, "1", edit{"a"}))
		second := must[*optimist.Handle](t)(l.done.Execute(ctx, "2", true, first))
		instead := must[*optimist.Handle](t)(l.edit.Execute(ctx, "1", edit{"b"}))
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
