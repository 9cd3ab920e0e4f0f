package property

import (
	"errors"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
	"pgregory.net/rapid"
)

// TestCoalescedHistoryEndsTheSame: folded or sent one by one, the server ends in the
// same state, the view shows it, and folding never costs a call more.
func TestCoalescedHistoryEndsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folded := deeds(rt, 14)
		silent := rapid.Bool().Draw(rt, "silent")
		apart := make([]deed, len(folded))
		for i, d := range folded {
			apart[i] = d.apart()
		}
		a, err := play(folded, silent)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := play(apart, silent)
		if err != nil {
			rt.Fatal(err)
		}
		if a.server != b.server || a.view != a.server || a.view != b.view || a.there != b.there {
			rt.Fatalf("folded:   %+v\none by one: %+v", a, b)
		}
		if a.calls > b.calls {
			rt.Fatalf("folding costs %d calls, one by one %d", a.calls, b.calls)
		}
	})
}

// rich needs an amount that only the rolled back operation gives.
var rich = func() *engine.Type {
	t := *lab.Guarded
	t.Guard = func(value, _ any) error {
		if value.(lab.Value).N == 0 {
			return errors.New("nothing to spend")
		}
		return nil
	}
	return &t
}()

// TestRolledBackIsAsIfItHadNeverBeen: a history with an operation that the server
// refuses ends like the same history without it.
func TestRolledBackIsAsIfItHadNeverBeen(t *testing.T) {
	add := func(rt *rapid.T) deed {
		n := rapid.IntRange(1, 5).Draw(rt, "n")
		gap := rapid.SampledFrom([]engine.Time{0, 20e6, 400e6}).Draw(rt, "gap after it")
		return deed{typ: lab.Add, args: lab.Args{N: n}, gap: gap, fails: true}
	}
	rapid.Check(t, func(rt *rapid.T) {
		begin := []deed{{typ: create, slot: "doc", args: lab.Args{Text: "x"}, gap: 3e9}}
		without := append(begin, deeds(rt, 10)...)
		if rapid.Bool().Draw(rt, "guarded") { // something that may hold only because of it
			at := rapid.IntRange(1, len(without)).Draw(rt, "guarded at")
			without = slices.Insert(without, at, deed{typ: rich, slot: "guarded", args: lab.Args{On: true}})
		}
		at := rapid.IntRange(1, len(without)).Draw(rt, "at")
		with := slices.Insert(slices.Clone(without), at, add(rt))
		a, err := play(with, false)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := play(without, false)
		if err != nil {
			rt.Fatal(err)
		}
		if a.view != b.view || a.server != b.server || a.there != b.there || a.view != a.server {
			rt.Fatalf("with:    %+v\nwithout: %+v", a, b)
		}
	})
}
