package indexing

import (
	"errors"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

// watching is a book, a store, and an index that notes what it is told.
func watching(t *testing.T, finish bool) (b *Book, e *engine.Engine, ix *Index, told *[]string) {
	t.Helper()
	e, told = engine.New(engine.Config{Prefix: "p", MaxPerEntity: 10, MaxPending: 10, MaxInFlight: 1}), new([]string)
	note := func(s string) { *told = append(*told, s) }
	b = New(func(_ *Index, f func()) (err error) {
		defer func() {
			if recover() != nil {
				err = errors.New("panicked")
			}
		}()
		f()
		return nil
	})
	ix = &Index{Leaving: func() bool { return false }, Tell: func() { note("told") }, Detached: func(error) { note("detached") }}
	if finish {
		ix.Finish = func() { note("finished") }
	}
	space := engine.NewSpace("post")
	b.Add(e, space, ix, func() *Gather {
		return &Gather{Take: func([]*engine.Move) { note("gathered") }, Drop: func() { note("dropped") }}
	})
	return b, e, ix, told
}

func TestAnIndexIsToldOfAllAndThenFinishes(t *testing.T) {
	_, _, ix, told := watching(t, true)
	if want := []string{"gathered", "told", "finished", "dropped"}; !slices.Equal(*told, want) || !ix.Attached() {
		t.Errorf("told %v, want %v", *told, want)
	}
}

func TestAPanicDetachesAnIndexOnce(t *testing.T) {
	b, _, ix, told := watching(t, false)
	ix.Holds = func(string) bool { panic("no") }
	ix.call(func() { ix.Holds("42") })
	ix.Detach(nil)
	b.DetachAll(nil)
	if want := []string{"gathered", "told", "dropped", "detached"}; !slices.Equal(*told, want) || ix.Attached() {
		t.Errorf("told %v, want %v", *told, want)
	}
}

func TestAnIndexTakesItsPartBeforeItIsTold(t *testing.T) {
	b, e, ix, told := watching(t, true)
	*told = nil
	ix.TakePart(func(id func(string) string) { *told = append(*told, "part of "+id("42")) })
	for b.Due(e) {
		b.Tell(e)
	}
	if want := []string{"part of 42", "told", "finished"}; !slices.Equal(*told, want) {
		t.Errorf("told %v, want %v", *told, want)
	}
}

// TestNothingIsToldAfterDetached: an index that panics at the era with which it begins hears of no
// change.
func TestNothingIsToldAfterDetached(t *testing.T) {
	b, e, first, _ := watching(t, false)
	if _, err := e.Step(1, engine.NewEra{Era: 1}); err != nil {
		t.Fatal(err)
	}
	var told []string
	ix := &Index{
		Leaving: func() bool { return false }, NewEra: func(uint64) { panic("no") },
		Tell: func() { told = append(told, "told") }, Detached: func(error) { told = append(told, "detached") },
	}
	b.Add(e, first.store.space, ix, nil)
	if want := []string{"detached"}; !slices.Equal(told, want) || ix.Attached() {
		t.Errorf("told %v, want %v", told, want)
	}
}
