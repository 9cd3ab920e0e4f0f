package engine_test

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// of executes an operation of any entity.
func (b *bench) of(entity string, typ *engine.Type, slot string, a lab.Args) *engine.Op {
	b.t.Helper()
	o := b.op(typ, slot, a)
	b.must(&engine.Execute{Space: b.space, Entity: entity, Op: o})
	return o
}

// names tells that A is the server's id of what a creation makes here.
func (b *bench) names(creation *engine.Op) {
	b.t.Helper()
	b.must(&engine.Receive{EntityTruth: engine.EntityTruth{Space: b.space, Entity: "A", Truth: engine.Truth{Version: 1, Contains: []string{creation.ID(b.e)}}}})
}

// What was shown under the server's id is before what was done under the first one, and may take
// its ground away, although its own value stays.
func TestLaw43_TwoThatBecomeOneAreFoldedAnew(t *testing.T) {
	b := newBench(t)
	gone := b.of("A", lab.DeleteDoc, "doc", lab.Args{})
	like := b.like(true)
	draft := b.do(lab.Draft, "doc", lab.Args{Text: "x"})
	b.names(draft)
	b.answer(gone, engine.Transient, none) // no call is under way any more
	b.is(like, engine.RolledBack)
	b.is(draft, engine.Unsettled)
	if b.space.Find("A").ID() != "a" || b.view().Doc != "x" {
		t.Fatalf("the view shows %+v", b.view())
	}
}

// What stands on a creation does so under each name, and nothing stands on one behind which the
// other name has a deletion.
func TestLaw43_TiesOutliveThatTwoBecomeOne(t *testing.T) {
	slow := *lab.Draft
	slow.Debounce = engine.Debounce{Wait: sec, MaxWait: sec}
	t.Run("they go with the creation", func(t *testing.T) {
		b := newBench(t)
		draft := b.do(&slow, "doc", lab.Args{Text: "x"})
		again := b.of("A", lab.CreateDoc, "doc", lab.Args{Text: "y"})
		like := b.of("A", lab.Like, "user 0", lab.Args{On: true})
		b.names(draft)
		if !like.Stands() || again.Entity().ID() != "a" {
			t.Fatal("it stands on nothing")
		}
		b.must(engine.Cancel{Op: again})
		b.is(like, engine.RolledBack)
	})
	t.Run("a deletion lies between", func(t *testing.T) {
		drop := *lab.Drop
		drop.Stored = false
		b := newBench(t)
		draft := b.do(lab.Draft, "doc", lab.Args{Text: "x"})
		first := b.of("A", &drop, "", lab.Args{})
		second := b.do(&drop, "", lab.Args{})
		b.names(draft)
		b.answer(draft, engine.Transient, none)
		b.answer(first, engine.Transient, none)
		if draft.Entity() != first.Entity() || second.Stands() {
			t.Fatal("it stands on what is deleted before it")
		}
	})
}
