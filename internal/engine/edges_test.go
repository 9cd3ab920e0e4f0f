package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

func TestRecordsAreForgottenWhenNothingNeedsThem(t *testing.T) {
	b := newBench(t)
	b.space = engine.NewSpace("named")
	b.space.Equal = func(x, y any) bool { return x.(lab.Value) == y.(lab.Value) }
	b.space.Lane = func(string) string { return "one" }
	o := b.like(true)
	b.must(engine.Cancel{Op: o})
	if b.space.Len() != 0 {
		t.Fatal("an entity without truth, operations and watchers is kept")
	}
	ent := b.e.Pin(b.space, "a")
	b.receive(b.truth(liked(true), 1))
	o = b.like(false)
	forget := func() bool {
		in := &engine.Forget{Entity: ent}
		b.must(in)
		return in.Forgot
	}
	if forget() {
		t.Fatal("forgot the truth under an operation")
	}
	for range b.space.All {
		break
	}
	b.must(engine.RollbackAll{Entity: ent})
	if b.e.Unpin(ent); b.space.Len() != 1 || !forget() || b.space.Len() != 0 {
		t.Fatal("truth keeps the record, and only truth")
	}
	b.e.Unpin(b.e.Pin(b.space, "a"))
	for _, kept := range []*engine.Op{o} {
		for ent := range kept.Entities {
			if ent.ID() != "a" || ent.Space() != b.space {
				t.Fatal("an ended operation knows its entity")
			}
		}
	}
	if o.Persisted() || o.RestoredID() != "" || b.e.Parked() != 0 {
		t.Fatal("it was neither stored, nor restored, nor parked")
	}
}

func TestLoopsCanBeLeft(t *testing.T) {
	b := newBench(t)
	b.like(true)
	b.do(lab.Add, "", lab.Args{N: 1})
	for ent := range b.e.Busy {
		for range ent.Ops {
			break
		}
		break
	}
}

func TestGroupsMustBeSound(t *testing.T) {
	b := newBench(t)
	id := func(v, _ any) (any, error) { return v, nil }
	twice := []engine.Part{{Space: b.space, Entity: "a", Apply: id}, {Space: b.space, Entity: "a", Apply: id}}
	var wide []engine.Part
	for i := range 201 {
		wide = append(wide, engine.Part{Space: b.space, Entity: fmt.Sprint(i), Apply: id})
	}
	for _, group := range [][]engine.Part{twice, wide} {
		in := engine.Execute{Op: b.op(lab.Group, "", lab.Args{}), Group: group}
		first := engine.Execute{Space: b.space, Entity: "a", Op: b.op(lab.Like, "user 0", lab.Args{On: true})}
		if err := b.step(&engine.Batch{Items: []engine.Execute{first, in}}); !errors.Is(err, engine.ErrGroupTooWide) {
			t.Fatal(err)
		}
		if err := b.step(&in); !errors.Is(err, engine.ErrGroupTooWide) || b.e.Pending() != 0 {
			t.Fatal(err, b.e.Pending())
		}
	}
}

func TestPanicsOfProgramsAreContained(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	boom := func() { panic("boom") }
	bad := *lab.Like
	bad.SameArgs = func(a, b any) bool { boom(); return true }
	b.do(&bad, "user 0", lab.Args{On: true})
	b.do(&bad, "user 0", lab.Args{On: true}) // not the same, then
	guarded := *lab.Like
	guarded.Guard = func(value, args any) error { boom(); return nil }
	err := b.step(&engine.Execute{Space: b.space, Entity: "a", Op: b.op(&guarded, "user 1", lab.Args{})})
	var p *engine.PanicError
	if !errors.As(err, &p) || p.Error() != "panic: boom" {
		t.Fatal(err)
	}
	b.space.Equal = func(x, y any) bool { boom(); return true }
	b.e.Step(b.now, &engine.Receive{EntityTruth: engine.EntityTruth{Space: b.space, Entity: "b", Truth: b.truth(lab.Value{}, 1)}})
	b.e.Step(b.now, &engine.Receive{EntityTruth: engine.EntityTruth{Space: b.space, Entity: "b", Truth: b.truth(lab.Value{}, 2)}})
	if b.space.Find("b").Number() != 2 {
		t.Fatal("what cannot be compared has changed")
	}
}

func TestAcceptedByTheServerButNotByTheTruthHeld(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{Doc: "x"}, 1))
	o := b.do(lab.Edit, "doc", lab.Args{Text: "y"})
	b.pass(sec)
	b.must(engine.Cancel{Op: o})
	b.receive(b.truth(lab.Value{}, 2)) // without the document
	b.answer(o, engine.OK, none)
	if b.view().Doc != "" {
		t.Fatal("it does not apply to the truth held; the server will tell")
	}
}

func TestKeptMineTooOften(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	o := b.do(lab.Save, "user 0", lab.Args{On: true})
	for i := range 2 {
		b.answer(o, engine.Conflicting, b.truth(lab.Value{N: i + 1}, uint64(i+2)))
	}
	if o.State() != engine.Parked || o.Conflict() != engine.Refused {
		t.Fatal(o.State(), o.Conflict())
	}
	if o.ParkedFor() == nil {
		t.Fatal("parked without a reason")
	}
}

func TestAnswersOfALifeThatWasCleared(t *testing.T) {
	b := newBench(t)
	b.must(engine.SetOnline{Online: false})
	b.must(engine.SetOnline{Online: true})
	o := b.like(true)
	b.pass(sec)
	b.answer(o, engine.Offline, none)
	b.pass(2 * sec) // the probe leaves
	b.must(engine.ClearAll{})
	b.must(&engine.Answer{Op: o, Ignore: true})
	b.must(&engine.Answer{Op: o, Ignore: true}) // a repeated one is nothing
	if b.e.InFlight() != 0 {
		t.Fatal(b.e.InFlight())
	}
}

func TestIgnoredProbe(t *testing.T) {
	b := newBench(t)
	o := b.like(true)
	b.pass(sec)
	b.answer(o, engine.Offline, none)
	b.pass(2 * sec)
	b.must(engine.Cancel{Op: o})
	b.must(&engine.Answer{Op: o, Ignore: true})
	next := b.like(true)
	b.pass(10 * sec)
	if next.State() != engine.InFlight {
		t.Fatal("nobody probes any more")
	}
}

// A burst needs memory while it lasts: rings and heaps grow, and shrink again.
func TestBurst(t *testing.T) {
	b := newBench(t)
	b.e = engine.New(engine.Config{
		Prefix: "p", MaxInFlight: 4, MaxPerEntity: 10, MaxPending: 5000, ProbeAfter: 3, Probe: engine.Retry{Base: sec, Cap: sec},
	})
	b.must(engine.SetOnline{Online: false})
	var all []*engine.Op
	for i := range 1500 {
		o := b.op(lab.Like, "user 0", lab.Args{On: true})
		if _, err := b.e.Step(b.now, &engine.Execute{Space: b.space, Entity: fmt.Sprint(i), Op: o}); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	for i := range 1400 { // what ends early leaves entries in the heap
		b.e.Step(b.now, engine.Cancel{Op: all[i]})
	}
	for range 300 {
		o := b.op(lab.Note, "note", lab.Args{Text: "x"})
		b.e.Step(b.now, &engine.Execute{Space: b.space, Entity: "a", Op: o})
		b.e.Step(b.now, engine.Cancel{Op: o})
	}
	b.now += 10 * sec
	b.must(engine.Tick{})
	b.must(engine.SetOnline{Online: true})
	for i := 0; i < len(b.sent); i++ {
		b.answer(b.sent[i], engine.OK, none)
	}
	b.calls(100)
	if b.e.Pending() != 0 || b.e.NextTick() != engine.Never {
		t.Fatal("something is left")
	}
}

// An operation that waits for another goes with it when it fails. A later one of its
// slot, which does not, keeps apart from it: it neither joins it nor takes its place.
func TestDependentsDoNotCoalesce(t *testing.T) {
	for _, want := range []string{"x", "y"} {
		b := newBench(t)
		b.receive(b.truth(lab.Value{Doc: "w"}, 1))
		parent := b.like(true)
		child := b.op(lab.CreateDoc, "doc", lab.Args{Text: "x"})
		b.must(&engine.Execute{Space: b.space, Entity: "a", Op: child, After: []*engine.Op{parent}})
		later := b.do(lab.CreateDoc, "doc", lab.Args{Text: want})
		b.is(child, engine.Unsettled)
		b.is(later, engine.Unsettled)
		b.pass(sec)
		b.answer(parent, engine.Permanent, none)
		b.is(child, engine.RolledBack)
		b.is(later, engine.Unsettled)
		b.pass(sec)
		b.answer(later, engine.OK, b.truth(lab.Value{Doc: want}, 2))
		b.is(later, engine.Confirmed)
	}
}

// The same of closures: what the state outside holds is what the dependent brought.
func TestDependentClosuresDoNotCoalesce(t *testing.T) {
	b := newBench(t)
	parent := b.like(true)
	tap := func(base bool, after ...*engine.Op) *engine.Op {
		o := &engine.Op{Type: toggle, Slot: "s", Args: true}
		o.SetBase(base)
		b.must(&engine.Execute{Space: b.space, Entity: "a", Op: o, After: after})
		return o
	}
	child := tap(false, parent)
	later := tap(true)
	b.is(later, engine.Unsettled)
	b.pass(sec)
	b.answer(parent, engine.Permanent, none)
	b.is(child, engine.RolledBack)
	b.pass(sec)
	b.answer(later, engine.OK, none)
	b.is(later, engine.Confirmed)
}

// A stored operation waits for stored ones only: neither is one accepted that waits for
// another, nor does another come into the place of what it waits for.
func TestStoredWaitsForStored(t *testing.T) {
	stored := *lab.Like
	stored.Name, stored.Stored, stored.Debounce = "stored like", true, engine.Debounce{}
	loose := *lab.Like
	loose.Debounce = engine.Debounce{}
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	like := func(typ *engine.Type, on bool, after ...*engine.Op) (*engine.Op, error) {
		o := b.op(typ, "s", lab.Args{On: on})
		return o, b.step(&engine.Execute{Space: b.space, Entity: "a", Op: o, After: after})
	}
	inFlight, _ := like(&loose, true)
	if _, err := like(&stored, true, inFlight); !errors.Is(err, engine.ErrUnstored) {
		t.Fatalf("it waits for what no restart survives: %v", err)
	}
	parent, _ := like(&stored, false)
	child := b.op(lab.Stored, "", lab.Args{N: 1})
	b.must(&engine.Execute{Space: b.space, Entity: "b", Op: child, After: []*engine.Op{parent}})
	again, _ := like(&stored, true) // what is in flight brings about as well
	b.is(parent, engine.Superseded)
	b.is(again, engine.Unsettled)
	if !slices.Contains(child.Deps(), again) {
		t.Error("the child waits for what is not stored")
	}
	like(&loose, false)
	b.is(again, engine.Unsettled)
}
