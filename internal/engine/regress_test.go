package engine_test

import (
	"math"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// Each test here is a mistake that the twin, the exploration or a reader once found.

var none engine.Truth

func TestNetZeroIsJudgedByTheServer(t *testing.T) {
	b := newBench(t)
	b.do(lab.CreateDoc, "doc", lab.Args{Text: "x"})
	o := b.like(false) // so already in what is predicted, but not on the server
	b.is(o, engine.Unsettled)
	b.pass(sec)
	b.answer(b.sent[0], engine.Permanent, none)
	if o.Outcome() == engine.Confirmed {
		t.Fatal("confirmed, but the server has no such entity")
	}
}

func TestNetZeroBehindABarrier(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(liked(false), 1))
	first := b.like(true)
	b.do(lab.Publish, "pub", lab.Args{On: true})
	second := b.like(true)
	b.is(second, engine.Unsettled)
	b.pass(sec)
	b.answer(first, engine.Permanent, none)
	b.answer(b.sent[1], engine.OK, b.truth(lab.Value{Pub: true}, 2))
	b.calls(3)
	b.answer(second, engine.OK, b.truth(lab.Value{Likes: [2]bool{true}, Pub: true}, 3))
	b.is(second, engine.Confirmed)
}

func TestSlotsDoNotOutliveTheirEntity(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	first := b.like(true)
	b.pass(sec)
	b.do(lab.DeleteDoc, "doc", lab.Args{})
	b.do(lab.CreateDoc, "other", lab.Args{Text: "y"})
	if second := b.like(true); second.JoinedTo() == first {
		t.Fatal("joined to a like of what has been deleted since")
	}
}

func TestAcceptedByWhatTheUserSees(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	b.do(lab.DeleteDoc, "doc", lab.Args{})
	edit := b.op(lab.Edit, "doc", lab.Args{Text: "y"}) // would replace the deletion, if it were accepted
	if err := b.step(&engine.Execute{Space: b.space, Entity: "a", Op: edit}); err == nil {
		t.Fatal("what has been deleted cannot be edited")
	}
}

func TestFollowUpThatWantsWhatIsInFlightJoinsIt(t *testing.T) {
	b := newBench(t) // nothing is known of the entity
	first := b.like(true)
	b.pass(sec)
	b.like(false)
	b.like(true)
	b.answer(first, engine.OK, none)
	b.pass(sec)
	b.calls(1)
}

func TestMergeThatCannotApplyKeepsItsOwnArguments(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	strict := *lab.Edit
	strict.Merge = map[string]func(older, newer *engine.Op) engine.Merged{"create": func(older, newer *engine.Op) engine.Merged {
		return engine.Merged{Rule: engine.TakeSecond, Args: lab.Args{Text: "merged"}, Changed: true}
	}}
	b.do(lab.CreateDoc, "doc", lab.Args{Text: "x"})
	o := b.do(&strict, "doc", lab.Args{Text: "mine"}) // an edit needs the document
	if got := o.Args.(lab.Args).Text; got != "mine" || b.view().Doc != "mine" {
		t.Fatalf("sends %q and shows %q", got, b.view().Doc)
	}
}

func TestLateSuccessOfWhatWasCancelledIsTruth(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(liked(false), 1))
	o := b.like(true)
	b.pass(sec)
	b.must(engine.Cancel{Op: o})
	if b.view().Likes[0] {
		t.Fatal("still shown")
	}
	b.answer(o, engine.OK, none)
	b.is(o, engine.Cancelled)
	if !b.view().Likes[0] {
		t.Fatal("the server has it, the view does not")
	}
}

func TestTapAfterCancelReachesTheServer(t *testing.T) {
	for _, class := range []engine.Class{engine.OK, engine.Unknown} {
		b := newBench(t)
		b.receive(b.truth(liked(false), 1))
		first := b.like(true)
		b.pass(sec)
		b.must(engine.Cancel{Op: first})
		second := b.like(false) // the view is so already, the server may not be
		b.answer(first, class, none)
		b.pass(sec)
		b.calls(2)
		b.answer(second, engine.OK, none)
		b.is(second, engine.Confirmed)
	}
}

func TestIgnoredTruthConfirmsNothing(t *testing.T) {
	b := newBench(t)
	b.receive(engine.Truth{Presence: engine.Present, Value: liked(false)})
	o := b.like(true)
	b.pass(sec)
	old := engine.Truth{Presence: engine.Present, Value: liked(true), ReadAt: 1, Contains: []string{o.ID(b.e)}}
	b.receive(old)
	b.is(o, engine.Unsettled)
	if !b.view().Likes[0] {
		t.Fatal("flickers")
	}
	b.answer(o, engine.OK, engine.Truth{Presence: engine.Present, Value: liked(false), ReadAt: 1})
	b.is(o, engine.Confirmed)
	if !b.view().Likes[0] {
		t.Fatal("confirmed, and gone from the view")
	}
}

func TestSilentSuccessBehindAnAcknowledgedOne(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(liked(false), 1))
	on := b.like(true)
	b.pass(sec)
	b.answer(on, engine.OK, engine.Truth{Version: 5})
	off := b.like(false)
	b.pass(sec)
	b.answer(off, engine.OK, none)
	if b.view().Likes[0] {
		t.Fatal("the last tap was off")
	}
	b.receive(b.truth(liked(true), 5)) // as it was between the two
	b.is(on, engine.Confirmed)
	b.is(off, engine.Confirmed)
	if b.view().Likes[0] {
		t.Fatal("the server said yes to off after that")
	}
}

func TestDeadlineAfterACall(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	o := b.do(lab.Note, "note", lab.Args{Text: "x"})
	b.pass(sec)
	b.now += 5 * sec // the call hangs beyond the deadline
	b.must(engine.Tick{})
	b.answer(o, engine.Offline, none)
	b.is(o, engine.RolledBack)
}

func TestDeadlineHoldsAgainAfterARetry(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	b.must(engine.SetOnline{Online: false})
	o := b.do(lab.Stored, "", lab.Args{N: 1})
	b.pass(30 * sec)
	if o.State() != engine.Parked {
		t.Fatal("not parked at its deadline")
	}
	b.must(&engine.Decide{Op: o})
	b.pass(10 * sec)
	if o.State() != engine.Waiting {
		t.Fatal("the deadline did not begin anew")
	}
	b.pass(20 * sec)
	if o.State() != engine.Parked {
		t.Fatal("the second deadline was forgotten")
	}
}

func TestEditOfWhatNeverLeftBeginsAnew(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	typ := *lab.Save
	typ.Deadline = 5 * sec
	b.must(engine.SetOnline{Online: false})
	first := b.do(lab.Add, "", lab.Args{N: 1})
	o := b.do(&typ, "user 0", lab.Args{On: true}, first)
	b.pass(6 * sec)
	if o.State() != engine.Parked {
		t.Fatal("not parked at its deadline")
	}
	edited := b.op(&typ, "user 0", lab.Args{On: true, N: 1})
	b.must(&engine.Decide{Op: o, Edit: edited})
	b.pass(4 * sec)
	if edited.State() != engine.Waiting || len(edited.Deps()) != 1 {
		t.Fatal("it has another deadline, and waits for the same as before")
	}
	b.must(engine.SetOnline{Online: true})
	b.answer(first, engine.Permanent, none)
	b.is(edited, engine.RolledBack)
}

func TestShorterWaitAfterRetryNow(t *testing.T) {
	b := newBench(t)
	o := b.like(true)
	b.pass(sec)
	b.must(&engine.Answer{Op: o, Class: engine.Overloaded, Err: errNo, RetryAfter: 60 * sec})
	b.must(engine.RetryNow{})
	b.calls(2)
	b.answer(o, engine.Transient, none)
	b.pass(5 * sec)
	b.calls(3)
}

func TestGivenUpCallIsNoOutage(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		o := b.like(i%2 == 0)
		b.pass(sec)
		push := b.truth(liked(i%2 == 0), uint64(i+1))
		push.Contains = []string{o.ID(b.e)}
		b.receive(push)
		b.is(o, engine.Confirmed)
		b.answer(o, engine.Unknown, none)
	}
	if !b.e.Sending() {
		t.Fatal("the calls were ended by us, not by a silent server")
	}
}

func TestClearAllCancelsAllAlike(t *testing.T) {
	b := newBench(t)
	second := b.op(lab.Add, "", lab.Args{N: 1})
	b.must(&engine.Execute{Space: b.space, Entity: "b", Op: second})
	first := b.do(lab.Add, "", lab.Args{N: 1}, second)
	third := b.op(lab.Add, "", lab.Args{N: 1})
	b.must(&engine.Execute{Space: b.space, Entity: "b", Op: third, After: []*engine.Op{first}})
	b.must(engine.ClearAll{})
	for _, o := range []*engine.Op{first, second, third} {
		b.is(o, engine.Cancelled)
	}
}

func TestCountersStayAtTheirEnd(t *testing.T) {
	b := newBench(t)
	o := b.do(lab.Guarded, "g", lab.Args{On: true})
	for range math.MaxUint16 + 10 {
		b.e.Step(b.now, &engine.Answer{Op: o, Class: engine.Unknown, Err: errNo})
		b.now += 10 * sec
		b.e.Step(b.now, engine.Tick{})
	}
	if o.Attempts() != math.MaxUint16 || o.Calls() != math.MaxUint16 {
		t.Fatal(o.Attempts(), o.Calls())
	}
}

func TestHiddenOperationIsCheckedAtEachRebase(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	o := b.do(lab.Rename, "doc", lab.Args{Text: "y"})
	b.receive(b.truth(lab.Value{}, 2)) // without a document
	b.is(o, engine.RolledBack)
}

func TestHiddenOperationIsNotTakenForWhatIsShown(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	hidden := b.do(lab.Rename, "doc", lab.Args{Text: "y"})
	b.pass(sec)
	same := b.do(lab.Edit, "doc", lab.Args{Text: "x"}) // changes nothing that is shown
	b.answer(hidden, engine.OK, b.truth(lab.Value{Doc: "y"}, 2))
	b.pass(sec)
	b.calls(2)
	b.answer(same, engine.OK, b.truth(lab.Value{Doc: "x"}, 3))
	b.is(same, engine.Confirmed)
}

func TestRollbackJudgesByPositionAcrossEntities(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	set := func(v, _ any) (any, error) { value, _ := v.(lab.Value); return value, nil }
	group := func(kind engine.Kind, after ...*engine.Op) *engine.Op {
		o := b.op(lab.Group, "", lab.Args{})
		b.must(&engine.Execute{Op: o, After: after, Group: []engine.Part{
			{Space: b.space, Entity: "a", Apply: set}, {Space: b.space, Entity: "b", Kind: kind, Apply: set},
		}})
		return o
	}
	first := b.like(true)
	b.pass(sec)
	removes := group(engine.Delete)
	makes := group(engine.Create, first)
	o := b.op(lab.Like, "user 0", lab.Args{On: true})
	b.must(&engine.Execute{Space: b.space, Entity: "b", Op: o})
	b.answer(first, engine.Conflicting, engine.Truth{Presence: engine.Absent, Version: 2})
	b.is(removes, engine.RolledBack)
	b.is(makes, engine.RolledBack)
	b.is(o, engine.RolledBack) // for it stood on what the second group made
}

func TestGroupBehindWhatIsHeldStandsInNobodysWay(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	parked := b.do(lab.Save, "user 0", lab.Args{On: true})
	b.answer(parked, engine.Permanent, none)
	other := func(o *engine.Op, after ...*engine.Op) *engine.Op {
		b.must(&engine.Execute{Space: b.space, Entity: "b", Op: o, After: after})
		return o
	}
	dependent := other(b.op(lab.Add, "", lab.Args{N: 1}), parked)
	set := func(v, _ any) (any, error) { value, _ := v.(lab.Value); return value, nil }
	group := b.op(lab.Group, "", lab.Args{})
	b.must(&engine.Execute{Op: group, Group: []engine.Part{
		{Space: b.space, Entity: "b", Apply: set}, {Space: b.space, Entity: "a", Apply: set},
	}})
	later := b.do(lab.Add, "", lab.Args{N: 1}) // behind a group nothing may go before it
	b.pass(10 * sec)
	if b.calls(1); !b.e.Idle() {
		t.Fatal("all wait for a person")
	}
	b.must(engine.Cancel{Op: dependent}) // nothing is in front of the group any more
	b.pass(sec)
	b.answer(group, engine.OK, none)
	b.answer(later, engine.OK, none)
	if !b.e.Idle() || b.e.Pending() != 1 {
		t.Fatal("only the parked one is left")
	}
}

func TestDependentOfWhatJoinedWhatTheServerHasIsSent(t *testing.T) {
	b := newBench(t)
	create := func(text string) *engine.Op {
		o := b.op(lab.CreateDoc, "doc", lab.Args{Text: text})
		b.must(&engine.Execute{Space: b.space, Entity: "b", Op: o})
		return o
	}
	first := create("y")
	b.pass(sec)
	b.answer(first, engine.OK, engine.Truth{Version: 1})
	second := create("x")
	b.do(lab.Add, "", lab.Args{N: 1}, second)
	create("y") // as it was: the server has it
	b.is(second, engine.Superseded)
	b.calls(2)
}

// The server names a deletion before it is sent, and the deletion depends on a group that
// stands on the creation which goes with it.
func TestDeletionThatDependsOnWhatGoesWithTheCreation(t *testing.T) {
	b := newBench(t)
	b.must(engine.SetOnline{})
	created := b.do(lab.CreateDoc, "doc", lab.Args{Text: "x"})
	set := func(v, _ any) (any, error) { value, _ := v.(lab.Value); return value, nil }
	group := b.op(lab.Group, "", lab.Args{})
	b.must(&engine.Execute{Op: group, Group: []engine.Part{
		{Space: b.space, Entity: "a", Apply: set}, {Space: b.space, Entity: "b", Kind: engine.Create, Apply: set},
	}})
	deleted := b.do(lab.DeleteDoc, "doc", lab.Args{}, group)
	b.receive(engine.Truth{Presence: engine.Absent, Version: 1, Contains: []string{deleted.ID(b.e)}})
	b.is(deleted, engine.Confirmed)
	b.is(created, engine.Superseded)
	b.is(group, engine.RolledBack)
	if len(b.ends) != 3 {
		t.Fatalf("%d ends, want 3", len(b.ends))
	}
}
