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

// What waits for a person under one name keeps what comes behind it under the other.
func TestLaw43_WhatIsParkedHoldsOthersWhenTwoBecomeOne(t *testing.T) {
	b := newBench(t)
	parked := b.of("A", lab.Save, "user 0", lab.Args{On: true})
	b.answer(parked, engine.Permanent, none)
	draft := b.do(lab.Draft, "doc", lab.Args{Text: "x"})
	save := b.do(lab.Save, "user 0", lab.Args{})
	named := b.truth(lab.Value{Doc: "x"}, 1)
	named.ID = "A"
	b.answer(draft, engine.OK, named)
	b.is(draft, engine.Confirmed)
	if parked.Entity() != save.Entity() || !save.IsHeld() {
		t.Fatal("it overtakes one of its slot that waits for a person")
	}
}

// A group of two that become one changes it in each of its parts, and ends once.
func TestLaw43_AGroupOfTwoThatBecomeOne(t *testing.T) {
	b := newBench(t)
	drafts := []*engine.Op{b.of("a", lab.Draft, "doc", lab.Args{Text: "x"}), b.of("b", lab.Draft, "doc", lab.Args{Text: "x"})}
	sets := func(f func(v *lab.Value)) func(value, args any) (any, error) {
		return func(value, _ any) (any, error) {
			v, _ := value.(lab.Value)
			f(&v)
			return v, nil
		}
	}
	group := b.op(lab.Pair, "", lab.Args{})
	b.must(&engine.Execute{Op: group, Group: []engine.Part{
		{Space: b.space, Entity: "a", Apply: sets(func(v *lab.Value) { v.Pub = true })},
		{Space: b.space, Entity: "b", Apply: sets(func(v *lab.Value) { v.Safe = true })},
	}})
	for _, draft := range drafts {
		named := b.truth(lab.Value{Doc: "x"}, 1)
		named.ID = "A"
		b.answer(draft, engine.OK, named)
	}
	want := lab.Value{Doc: "x", Pub: true, Safe: true}
	if b.space.Find("b").ID() != "a" || b.view() != want {
		t.Fatalf("the view shows %+v", b.view())
	}
	b.answer(group, engine.OK, none)
	b.is(group, engine.Confirmed)
	b.calls(3)
	if value, _, _ := b.space.Find("A").Truth(); value != any(want) || b.e.Pending() != 0 || len(b.ends) != 3 {
		t.Fatalf("the truth held is %+v, %d are pending, %d ended", value, b.e.Pending(), len(b.ends))
	}
}
