package engine_test

import (
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

var toggle = &engine.Type{
	Name: "toggle", Family: "toggle", Closure: true, Retry: engine.Retry{Base: sec, Cap: sec},
	Debounce: engine.Debounce{Wait: 300 * ms, MaxWait: sec},
	SameArgs: func(a, b any) bool { return a != nil && a == b },
}

// toggle executes the closure of a switch whose state outside was the opposite.
func (b *bench) toggle(on bool) *engine.Op {
	b.t.Helper()
	b.stamp++
	o := &engine.Op{Type: toggle, Slot: "s", Args: on, Timestamp: b.stamp}
	o.SetBase(!on)
	b.must(&engine.Execute{Space: b.space, Entity: "a", Op: o})
	return o
}

func (b *bench) count(kind engine.EffectKind) (n int) {
	for _, f := range b.effects {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

func TestClosuresThatCancelOutAreNotSent(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	off := b.toggle(false)
	b.is(on, engine.Superseded)
	b.is(off, engine.Confirmed)
	if on.Successor() != off || b.count(engine.Changed) != 1 {
		t.Fatal("one change outside, and a successor")
	}
	b.pass(sec)
	b.calls(0)
}

func TestClosureJoins(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	same := &engine.Op{Type: toggle, Slot: "s", Args: true}
	in := &engine.Execute{Space: b.space, Entity: "a", Op: same}
	if !b.e.WouldJoin(in) {
		t.Fatal("it repeats what is unsettled")
	}
	b.must(in)
	if same.JoinedTo() != on || on.JoinedTo() != nil {
		t.Fatal("joined to another")
	}
	other := &engine.Execute{Space: b.space, Entity: "nobody", Op: &engine.Op{Type: toggle, Slot: "s", Args: true}}
	if b.e.WouldJoin(other) {
		t.Fatal("there is nothing to join")
	}
}

func TestClosureDuringAFlightFollowsUp(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	b.pass(sec)
	off := b.toggle(false)
	again := b.toggle(true) // what the call brings about
	b.is(off, engine.Superseded)
	if again.JoinedTo() != on {
		t.Fatal("does not join the call")
	}
	last := b.toggle(false)
	b.answer(on, engine.OK, none)
	b.pass(sec)
	b.calls(2)
	b.answer(last, engine.OK, engine.Truth{Presence: engine.Present, Value: true})
	if last.Conflict() != engine.TookTheirs || b.count(engine.Adopt) != 1 {
		t.Fatal("the server said that it is on")
	}
}

func TestClosureAfterAFailureNeedsNoCall(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	b.pass(sec)
	off := b.toggle(false)
	b.answer(on, engine.Permanent, none)
	if b.count(engine.Rewind) != 1 {
		t.Fatal("nothing was rewound")
	}
	b.pass(sec)
	b.calls(1) // the server never had it on
	b.is(off, engine.Confirmed)
}

func TestClosureAfterACancelledCallIsSent(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	b.pass(sec)
	b.must(engine.Cancel{Op: on})
	on = b.toggle(true)
	off := b.toggle(false)
	b.is(off, engine.Unsettled)
	b.answer(b.sent[0], engine.OK, none)
	b.pass(sec)
	b.calls(2)
}

func TestClosureBehindACancelledCallThatDidNothingIsSent(t *testing.T) {
	for _, class := range []engine.Class{engine.Permanent, engine.Offline, engine.Unauthenticated} {
		b := newBench(t)
		first := b.toggle(true)
		b.pass(sec)
		b.toggle(false)
		b.must(engine.Cancel{Op: first})
		last := b.toggle(true) // in the place of off
		b.answer(first, class, none)
		b.must(engine.RetryNow{})
		b.pass(sec)
		if b.calls(2); b.sent[1] != last {
			t.Fatal("nobody tells the server")
		}
	}
}

func TestLateAnswerAfterADoubtIsAdopted(t *testing.T) {
	b := newBench(t)
	first := b.toggle(true)
	b.pass(sec)
	b.toggle(false)
	b.must(engine.Cancel{Op: first})
	last := b.toggle(true)
	b.answer(first, engine.Transient, none)
	b.pass(sec)
	b.must(engine.Cancel{Op: last})
	b.answer(last, engine.OK, engine.Truth{Presence: engine.Present, Value: true})
	if b.count(engine.Adopt) != 1 {
		t.Fatal("what the slot held before was a guess")
	}
}

func TestClosureThatFoundSomethingElseDoesNotOnlyRepeat(t *testing.T) {
	b := newBench(t)
	b.toggle(true)
	again := &engine.Op{Type: toggle, Slot: "s", Args: true}
	again.SetBase(false) // the state outside was changed meanwhile
	in := &engine.Execute{Space: b.space, Entity: "a", Op: again}
	if b.e.WouldJoin(in) {
		t.Fatal("it has a change to make")
	}
	b.must(in)
	if again.JoinedTo() == nil || b.count(engine.Changed) != 1 {
		t.Fatal("it joins, and is seen")
	}
}

func TestDoubtOfClosuresEndsWithAnAnswerAndIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range 300 { // more than are remembered
		o := &engine.Op{Type: toggle, Slot: fmt.Sprint(i), Args: true}
		o.SetBase(false)
		b.must(&engine.Execute{Space: b.space, Entity: "a", Op: o})
		b.pass(sec)
		b.must(engine.Cancel{Op: o})
		b.must(&engine.Answer{Op: o, Class: engine.Unknown})
	}
	off := func(slot int) *engine.Op {
		o := &engine.Op{Type: toggle, Slot: fmt.Sprint(slot), Args: false}
		o.SetBase(false)
		b.must(&engine.Execute{Space: b.space, Entity: "a", Op: o})
		b.pass(sec)
		return o
	}
	b.is(off(0), engine.Confirmed) // forgotten
	last := off(299)
	b.calls(301)
	b.answer(last, engine.OK, engine.Truth{Presence: engine.Present, Value: false})
	b.is(off(299), engine.Confirmed)
	b.calls(301)
}

func TestClosureConflictIsAFailure(t *testing.T) {
	b := newBench(t)
	on := b.toggle(true)
	b.pass(sec)
	b.answer(on, engine.Conflicting, none)
	b.is(on, engine.RolledBack)
}

func TestClosureWithoutAWantIsAlwaysSent(t *testing.T) {
	b := newBench(t)
	plain := &engine.Op{Type: toggle, Slot: "s"}
	b.must(&engine.Execute{Space: b.space, Entity: "a", Op: plain})
	second := &engine.Op{Type: toggle, Slot: "s"}
	b.must(&engine.Execute{Space: b.space, Entity: "a", Op: second})
	b.is(plain, engine.Superseded)
	b.pass(sec)
	b.calls(1)
	incomparable := &engine.Op{Type: toggle, Slot: "s", Args: []int{1}}
	incomparable.SetBase([]int{1}) // comparing panics, and means no
	b.must(&engine.Execute{Space: b.space, Entity: "a", Op: incomparable})
	b.is(incomparable, engine.Unsettled)
}
