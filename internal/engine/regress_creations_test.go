package engine_test

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// What the exploration of creations found.

// births are a creation that parks, a change in its slot, and a deletion, all in memory.
func births() (found, title, drop *engine.Type) {
	f, d := *lab.Found, *lab.Drop
	f.Stored, d.Stored = false, false
	c := f
	c.Name, c.Kind, c.Failure = "title", engine.Change, engine.Revert
	return &f, &c, &d
}

var absent = engine.Truth{Presence: engine.Absent, Version: 1}

func (b *bench) presence() engine.Presence {
	_, presence := b.space.Find("a").View()
	return presence
}

func TestCreationOverTruthWithADeletionBehindItDoesNotPark(t *testing.T) {
	found, _, drop := births()
	b := newBench(t)
	creation := b.do(found, "", lab.Args{On: true})
	b.receive(b.truth(lab.Value{N: 1}, 1)) // somebody else has made it
	deletion := b.do(drop, "", lab.Args{})
	b.answer(creation, engine.Permanent, none)
	b.is(creation, engine.RolledBack)
	b.answer(deletion, engine.OK, engine.Truth{Presence: engine.Absent, Version: 2})
	b.is(deletion, engine.Confirmed)
	if b.presence() != engine.Absent || b.e.Pending() != 0 {
		t.Fatal("it is deleted, and the view shows it")
	}
}

func TestDeletionEndsAParkedCreationThatLiesOverTruth(t *testing.T) {
	found, _, drop := births()
	b := newBench(t)
	creation := b.do(found, "", lab.Args{On: true})
	for range 2 {
		b.must(&engine.Answer{Op: creation, Class: engine.Transient, Unclassified: true, Err: errNo})
		b.pass(sec)
	}
	b.receive(b.truth(lab.Value{N: 1}, 1))
	deletion := b.do(drop, "", lab.Args{})
	b.answer(deletion, engine.OK, engine.Truth{Presence: engine.Absent, Version: 2})
	b.is(creation, engine.Superseded)
	if b.presence() != engine.Absent || b.e.Pending() != 0 {
		t.Fatal("it is deleted, and the view shows it")
	}
}

func TestDeletionOfWhatIsInDoubtIsSent(t *testing.T) {
	found, _, drop := births()
	found.Debounce = engine.Debounce{Wait: sec, MaxWait: sec}
	b := newBench(t)
	b.receive(absent)
	first := b.do(found, "", lab.Args{On: true})
	b.pass(sec)
	b.must(&engine.Answer{Op: first, Class: engine.Transient, Unclassified: true, Err: errNo})
	b.must(engine.Cancel{Op: first}) // the server may have it
	second := b.do(found, "", lab.Args{On: true})
	deletion := b.do(drop, "", lab.Args{})
	b.pass(sec)
	b.answer(second, engine.Permanent, none)
	b.is(second, engine.RolledBack)
	b.answer(deletion, engine.OK, engine.Truth{Presence: engine.Absent, Version: 3})
	b.is(deletion, engine.Confirmed)
	b.calls(3)
}

func TestDeletionOvertakesWhatWaitsForAParkedCreation(t *testing.T) {
	found, title, drop := births()
	b := newBench(t)
	creation := b.do(found, "s", lab.Args{On: true})
	for range 2 {
		b.must(&engine.Answer{Op: creation, Class: engine.Transient, Unclassified: true, Err: errNo})
		b.pass(sec)
	}
	change := b.do(title, "s", lab.Args{On: false})
	deletion := b.do(drop, "", lab.Args{})
	b.calls(3)
	b.answer(deletion, engine.OK, engine.Truth{Presence: engine.Absent, Version: 2})
	b.is(creation, engine.Superseded)
	b.is(change, engine.Superseded)
	b.is(deletion, engine.Confirmed)
}

// A deletion that waits behind what is held passes it when its creation comes into doubt.
func TestDeletionPassesWhatIsHeldWhenItsCreationIsInDoubt(t *testing.T) {
	found, title, drop := births()
	again := *found
	again.Name, again.Family = "again", "again"
	b := newBench(t)
	parked := b.do(found, "s", lab.Args{On: true})
	b.answer(parked, engine.Permanent, none)
	creation := b.do(&again, "", lab.Args{On: true})
	change := b.do(title, "s", lab.Args{On: false})
	deletion := b.do(drop, "", lab.Args{})
	b.must(&engine.Answer{Op: creation, Class: engine.Unknown, Err: errNo})
	if err := b.e.Check(); err != nil {
		t.Fatal(err)
	}
	b.is(change, engine.Unsettled)
	b.is(deletion, engine.Unsettled)
}

// The server has the entity by an earlier creation, so the later one is not sent. What stood on it
// stands on nothing then, and a crash takes it for nothing else.
func TestLaw36_ACreationThatIsNotSentEndsTheTie(t *testing.T) {
	first, same := lab.Args{Text: "x"}, lab.Args{Text: "x", N: 1} // another wish, of the same effect
	other := *lab.CreateDoc
	other.Family = "other"
	for name, at := range map[string]struct {
		typ     *engine.Type // of the first creation
		between lab.Args     // wanted by the one on which the like stands
		last    *lab.Args    // wanted by one that takes its place
	}{
		"when its turn comes":                       {lab.CreateDoc, same, nil},
		"when another takes its place, and joins":   {lab.CreateDoc, lab.Args{Text: "y"}, &first},
		"when another takes its place, and is done": {&other, lab.Args{Text: "y"}, &same},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			creation := b.do(at.typ, "doc", first)
			b.pass(sec)
			b.answer(creation, engine.OK, engine.Truth{Version: 1})
			second := b.do(lab.CreateDoc, "doc", at.between)
			like := b.like(true)
			if at.last != nil {
				b.do(lab.CreateDoc, "doc", *at.last)
			}
			b.pass(200 * ms)
			b.is(like, engine.Unsettled)
			b.pass(100 * ms)
			if second.Outcome() == engine.Unsettled || like.Stands() {
				t.Fatalf("outcome %d of the creation, on which it stands: %v", second.Outcome(), like.Stands())
			}
			b.calls(2)
		})
	}
}

// The server has made it, and would make another one under another key.
func TestLaw43_WhatWasAcceptedWithoutAnIDKeepsItsKey(t *testing.T) {
	kept := *lab.DraftKept
	kept.Stored, kept.Merge = false, nil
	b := newBench(t)
	o := b.do(&kept, "draft", lab.Args{On: true})
	b.answer(o, engine.OK, b.truth(lab.Value{Safe: true}, 1))
	edit := b.op(&kept, "draft", lab.Args{})
	if err := b.step(&engine.Decide{Op: o, Edit: edit}); err != engine.ErrUnknownOutcome {
		t.Fatalf("edited with %v", err)
	}
	second := b.do(&kept, "draft", lab.Args{})
	b.is(o, engine.Unsettled)
	if !o.Kept(b.now).Unknown {
		t.Fatal("a restart would edit it")
	}
	b.must(&engine.Decide{Op: o}) // under its key
	named := b.truth(lab.Value{Safe: true}, 1)
	named.ID = "A"
	b.answer(o, engine.OK, named)
	b.is(o, engine.Confirmed)
	b.answer(second, engine.OK, b.truth(lab.Value{}, 2))
	b.calls(3)
}
