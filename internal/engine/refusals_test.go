package engine_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// What the ordinary tests of this package may leave out, and why:
//
//   - Check gives no verdict on a lane while something is due (a Tick comes first).
//   - emptied drops the scratch of a Step with more than 1,024 effects.
//   - release finds its work done: two parts of one operation end in one Step.
//   - foldIntoTruth of a closure: groups and acknowledgements of closures do not exist.
//   - equalAny of values that cannot be compared: Update refuses them before.
//   - decideConflict of a resolver without a reason of its own, restore of what depends
//     on what is lost, loseAtOnce of a group, a batch beyond MaxPending: one line each,
//     which the twin's random inputs reach in some runs and not in others.
//   - RestoredID of an operation without extras is what the shell asks most.

func TestRefusesTellsBeforeAClosureRuns(t *testing.T) {
	b := newBench(t)
	b.e = engine.New(engine.Config{Prefix: "p", MaxInFlight: 1, MaxPerEntity: 1, MaxPending: 9, ProbeAfter: 9})
	failed := b.do(lab.Add, "", lab.Args{N: 1})
	b.answer(failed, engine.Permanent, none)
	b.toggle(true)
	in := func(slot string, after ...*engine.Op) *engine.Execute {
		o := &engine.Op{Type: toggle, Slot: slot, Args: false}
		return &engine.Execute{Space: b.space, Entity: "a", Op: o, After: after}
	}
	if err := b.e.Refuses(in("s")); err != nil {
		t.Fatal("it would take a place:", err)
	}
	if err := b.e.Refuses(in("other")); !errors.Is(err, engine.ErrQueueFull) {
		t.Fatal(err)
	}
	if err := b.e.Refuses(in("s", failed)); !errors.Is(err, engine.ErrDependency) {
		t.Fatal(err)
	}
}

func TestBatchThatLosesItsGround(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	needs := *lab.Add
	needs.Apply = func(value, _ any) (any, error) {
		if v := value.(lab.Value); v.Note == "" || v.N > 0 {
			return nil, errNo
		}
		return value, nil
	}
	b.do(lab.Note, "note", lab.Args{Text: "x"})
	held := b.do(&needs, "", lab.Args{}) // goes when the note goes
	note := engine.Execute{Space: b.space, Entity: "a", Op: b.op(lab.Guarded, "g", lab.Args{})}
	if err := b.step(&engine.Batch{Items: []engine.Execute{note}}); err == nil {
		t.Fatal("its guard does not hold")
	}
	gone := *lab.Note
	gone.Merge = nil
	replace := engine.Execute{Space: b.space, Entity: "a", Op: b.op(&gone, "note", lab.Args{Text: ""})}
	after := engine.Execute{Space: b.space, Entity: "a", Op: b.op(lab.Add, "", lab.Args{N: 1}), After: []*engine.Op{held}}
	b.must(&engine.Batch{Items: []engine.Execute{replace, after}})
	b.is(held, engine.RolledBack)
	b.is(after.Op, engine.RolledBack)
}

func TestEditThatDoesNotApply(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	typ := *lab.Edit
	apply := typ.Apply
	typ.Apply = func(value, args any) (any, error) {
		if args.(lab.Args).Text == "" {
			return nil, errNo
		}
		return apply(value, args)
	}
	o := b.do(&typ, "doc", lab.Args{Text: "y"})
	b.pass(sec)
	b.answer(o, engine.Permanent, none)
	if err := b.step(&engine.Decide{Op: o, Edit: b.op(&typ, "doc", lab.Args{})}); !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	if o.State() != engine.Parked {
		t.Fatal("refused, and yet gone")
	}
}

func TestLateSuccessOfAClosureIsBroughtToTheScreen(t *testing.T) {
	for _, told := range []bool{true, false} {
		b := newBench(t)
		on := b.toggle(true)
		b.pass(sec)
		b.must(engine.Cancel{Op: on})
		b.answer(on, engine.OK, engine.Truth{Presence: engine.Present, Value: told})
		if want := map[bool]int{true: 1, false: 0}[told]; b.count(engine.Adopt) != want {
			t.Fatalf("the server holds %v: adopted %d times", told, b.count(engine.Adopt))
		}
	}
}

func TestCallGivenUpWhenTheShellStops(t *testing.T) {
	b := newBench(t)
	b.e.Quiet = true
	o := b.like(true)
	b.pass(sec)
	b.e.ShutGate(true)
	b.must(&engine.Answer{Op: o, Ignore: true})
	if o.State() != engine.Waiting || !o.UnknownOutcome() {
		t.Fatal("its outcome is unknown")
	}
}
