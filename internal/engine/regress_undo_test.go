package engine_test

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// The inverse of an inverse may join the operation that was undone first. That one is undone no
// more, else each of the two would have undone the other.
func TestLaw50_NothingUndoesItself(t *testing.T) {
	b := newBench(t)
	undo := func(o *engine.Op) *engine.Op {
		t.Helper()
		in := &engine.Undo{Op: o, Inverse: &engine.Execute{Space: b.space, Entity: "a", Op: b.op(lab.Like, "user 0", lab.Args{})}}
		b.must(in)
		return in.By
	}
	first := b.like(false) // nothing is known of it, so it is sent
	b.pass(sec)
	second := undo(first) // which wants the same, for that was the wish before
	known := b.truth(liked(false), 1)
	known.Contains = []string{second.ID(b.e)}
	b.receive(known)
	b.is(second, engine.Confirmed)
	for range 2 {
		if by := undo(second); by != first {
			t.Fatal("it did not join the one under way")
		}
	}
	if by := undo(first); by == second || by == first {
		t.Fatal("it was not undone anew")
	}
}
