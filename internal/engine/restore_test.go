package engine_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// restored is an operation of an earlier life, the nth.
func (b *bench) restored(n uint64, typ *engine.Type, slot string, args lab.Args, after ...*engine.Op) *engine.Op {
	b.t.Helper()
	o := b.op(typ, slot, args)
	b.must(&engine.Restore{Execute: engine.Execute{Space: b.space, Entity: "a", Op: o, After: after}, Seq: n, Pos: n, ID: "old"})
	return o
}

func TestRestoreOfWhatNoLongerApplies(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	b.restored(1, lab.CreateDoc, "doc", lab.Args{})
	edit := b.restored(2, lab.Edit, "doc", lab.Args{Text: "y"})
	b.is(edit, engine.RolledBack) // told, not kept in a view to which it does not apply
}

// What was accepted over truth that is not loaded yet is judged when it comes.
func TestJudgedWhenTruthComes(t *testing.T) {
	for _, c := range []struct {
		truth lab.Value
		want  engine.Outcome
	}{
		{lab.Value{N: 3}, engine.Unsettled},
		{lab.Value{N: 1}, engine.RolledBack},
		{lab.Value{N: 1, Likes: [2]bool{false, true}}, engine.RolledBack}, // what operations alone had made
	} {
		b := newBench(t)
		create := &engine.Type{Name: "make", Kind: engine.Create, Apply: func(value, _ any) (any, error) {
			v, known := value.(lab.Value)
			if !known {
				v.N = 1
			}
			v.Likes[1] = true
			return v, nil
		}}
		b.restored(1, create, "", lab.Args{})
		o := b.restored(2, lab.Guarded, "guarded", lab.Args{On: true}) // needs N to be 3
		b.is(o, engine.Unsettled)
		if value, _ := b.space.Find("a").View(); value != any(lab.Value{N: 1, Likes: [2]bool{false, true}}) {
			t.Fatalf("it shows: %+v", value)
		}
		b.receive(b.truth(c.truth, 1))
		b.is(o, c.want)
	}
}

// Dependents of what is rolled back at its restoration go with it.
func TestDependentsOfWhatIsNotRestored(t *testing.T) {
	b := newBench(t)
	refusing := &engine.Type{Name: "no", Kind: engine.Create, Apply: func(any, any) (any, error) { return nil, errNo }}
	parent := b.restored(1, refusing, "", lab.Args{})
	child := b.restored(2, lab.CreateDoc, "doc", lab.Args{Text: "x"}, parent)
	grandchild := b.restored(3, lab.Add, "", lab.Args{N: 1}, child)
	for _, o := range []*engine.Op{parent, child, grandchild} {
		b.is(o, engine.RolledBack)
	}
	if b.count(engine.OpsRolledBack) != 1 || b.count(engine.Changed) != 0 {
		t.Error("told as a rollback, and never seen")
	}
}

// A group that Execute would refuse is not restored either.
func TestRestoredGroupIsChecked(t *testing.T) {
	set := func(v, _ any) (any, error) { value, _ := v.(lab.Value); return value, nil }
	twice := engine.Part{Entity: "a", Kind: engine.Create, Apply: set}
	for _, group := range [][]engine.Part{{twice, twice}, make([]engine.Part, 300)} {
		b := newBench(t)
		for i := range group {
			group[i].Space = b.space
		}
		in := &engine.Restore{Execute: engine.Execute{Op: b.op(lab.Group, "", lab.Args{}), Group: group}, Seq: 1, Pos: 1, ID: "old"}
		if err := b.step(in); !errors.Is(err, engine.ErrGroupTooWide) {
			t.Errorf("%d members: %v", len(group), err)
		}
	}
}
