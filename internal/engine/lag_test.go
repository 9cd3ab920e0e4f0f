package engine_test

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// lagging is a bench whose server may lag behind, on truth of version 7.
func lagging(t *testing.T) *bench {
	b := newBench(t)
	b.space.Patience = 10 * sec
	b.receive(b.truth(liked(false), 7))
	return b
}

// accepted is an operation that a lagging replica has answered.
func (b *bench) accepted(o *engine.Op) *engine.Op {
	b.t.Helper()
	b.pass(sec)
	b.answer(o, engine.OK, b.truth(liked(false), 7))
	if o.State() != engine.Acked {
		b.t.Fatalf("%s is in state %d", o.Type.Name, o.State())
	}
	return o
}

func TestGuessesLeaveInOrder(t *testing.T) {
	b := lagging(t)
	first := b.accepted(b.like(true))
	second := b.accepted(b.do(lab.Like, "user 1", lab.Args{I: 1, On: true}))
	b.receive(b.truth(lab.Value{Likes: [2]bool{false, true}}, 8))
	b.is(first, engine.Unsettled)
	b.is(second, engine.Unsettled)
	b.receive(b.truth(lab.Value{Likes: [2]bool{true, true}}, 9))
	b.is(first, engine.Confirmed)
	b.is(second, engine.Confirmed)
}

// The patience for both ends at one moment: the truth held stands for the first, and contains the
// second, which the server accepted without a value.
func TestLaw48_PatienceEndsInOrder(t *testing.T) {
	b := lagging(t)
	first := b.like(true)
	b.pass(sec)
	second := b.do(lab.Add, "", lab.Args{N: 1})
	b.must(&engine.Execute{Space: b.space, Entity: "b", Op: b.op(lab.Like, "user 0", lab.Args{On: true})})
	b.answer(first, engine.OK, b.truth(liked(false), 7))
	b.answer(second, engine.OK, none)
	b.pass(10 * sec)
	b.is(first, engine.Confirmed)
	b.is(second, engine.Confirmed)
	if want := (lab.Value{N: 1}); b.view() != want || !first.Differs() {
		t.Fatalf("the view shows %+v, want %+v; the first differs: %v", b.view(), want, first.Differs())
	}
}

func TestPatienceWaitsForTheNetwork(t *testing.T) {
	b := lagging(t)
	o := b.accepted(b.like(true))
	b.pass(6 * sec)
	b.must(engine.SetOnline{})
	b.pass(3600 * sec)
	b.must(engine.SetOnline{Online: true})
	b.pass(4*sec - 1)
	b.is(o, engine.Unsettled)
	b.pass(1)
	b.is(o, engine.Confirmed)
	if !o.Differs() || o.Conflict() != engine.TookTheirs {
		t.Fatal("the truth held is not what was wanted")
	}
}

func TestWhatIsConfirmedEndsTheGuessesBeforeIt(t *testing.T) {
	for name, answer := range map[string]engine.Truth{
		"a value":   {Presence: engine.Present, Value: liked(false), Version: 9},
		"a version": {Version: 7},
	} {
		b := lagging(t)
		on := b.accepted(b.like(true))
		off := b.like(false)
		b.pass(sec)
		b.answer(off, engine.OK, answer)
		b.is(on, engine.Confirmed)
		b.is(off, engine.Confirmed)
		if b.view().Likes[0] {
			t.Fatal(name, "the last tap was off")
		}
		if on.Differs() {
			t.Fatal(name, "it was written over by ourselves")
		}
	}
}

// A group's read that began before something settled must not hide what the group did.
func TestAGroupsOldAnswerIsIgnored(t *testing.T) {
	b := newBench(t)
	b.now += 100
	b.receive(engine.Truth{Presence: engine.Present, Value: lab.Value{}})
	add := func(value, args any) (any, error) {
		v := value.(lab.Value)
		v.N++
		return v, nil
	}
	o := b.op(lab.Group, "", lab.Args{})
	b.must(&engine.Execute{Op: o, Group: []engine.Part{{Space: b.space, Entity: "a", Apply: add}}})
	b.pass(sec)
	b.answer(o, engine.OK, engine.Truth{Presence: engine.Present, Value: lab.Value{}, ReadAt: 1})
	b.is(o, engine.Confirmed)
	if b.view().N != 1 {
		t.Fatal("confirmed, and gone from the view")
	}
}

// Truth of a version between what a group's answer told and its write does not have it.
func TestTruthBetweenAGroupsAnswerAndItsWriteIsOld(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 3))
	add := func(value, args any) (any, error) {
		v := value.(lab.Value)
		v.N++
		return v, nil
	}
	o := b.op(lab.Group, "", lab.Args{})
	b.must(&engine.Execute{Op: o, Group: []engine.Part{{Space: b.space, Entity: "a", Apply: add}}})
	b.pass(sec)
	b.answer(o, engine.OK, engine.Truth{Presence: engine.Present, Value: lab.Value{}, Version: 3, Wrote: 6})
	b.is(o, engine.Confirmed)
	for _, n := range []uint64{4, 5} {
		if b.receive(b.truth(lab.Value{}, n)); b.view().N != 1 {
			t.Fatalf("version %d is taken, and the group was written at 6", n)
		}
	}
	if b.receive(b.truth(lab.Value{N: 5}, 6)); b.view().N != 5 {
		t.Fatal("its own version is not taken")
	}
}
