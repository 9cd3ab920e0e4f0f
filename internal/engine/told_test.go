package engine_test

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

// told are the values that the last step says that the server told, of each operation that ended.
func (b *bench) told() (values []any) {
	for _, f := range b.effects {
		if f.Kind == engine.OpSettled {
			values = append(values, f.Value)
		}
	}
	return values
}

func TestAPredictionIsNotTold(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(liked(false), 7))
	first := b.like(true)
	b.pass(sec)
	b.answer(first, engine.OK, engine.Truth{Version: 8})
	second := b.do(lab.Like, "user 1", lab.Args{I: 1, On: true})
	b.pass(sec)
	b.answer(second, engine.OK, engine.Truth{})
	b.receive(b.truth(liked(true), 8)) // the server had the first one then
	if told := b.told(); len(told) != 2 || told[0] != any(liked(true)) || told[1] != nil {
		t.Errorf("told %v", told)
	}
}

func TestAPredictionStaysOneWhenTwoBecomeOne(t *testing.T) {
	b := newBench(t)
	under := func(id string, v uint64, contains ...string) {
		t.Helper()
		truth := b.truth(lab.Value{}, v)
		truth.Contains = contains
		b.must(&engine.Receive{EntityTruth: engine.EntityTruth{Space: b.space, Entity: id, Truth: truth}})
	}
	under("s", 7)
	o := b.op(lab.Like, "user 0", lab.Args{On: true})
	b.must(&engine.Execute{Space: b.space, Entity: "s", Op: o})
	b.pass(sec)
	b.answer(o, engine.OK, engine.Truth{})
	typ := *lab.CreateDoc
	typ.ServerID, typ.Debounce = true, engine.Debounce{}
	made := b.do(&typ, "", lab.Args{})
	told := b.truth(lab.Value{}, 7) // as it was before the like
	told.ID = "s"
	b.answer(made, engine.OK, told)
	ent := b.space.Find("s")
	if ent != b.space.Find("a") || b.view() != liked(true) || !ent.Predicted() {
		t.Errorf("%v is shown, predicted %v", b.view(), ent.Predicted())
	}
	piece := &engine.Piece{Space: b.space, Entity: "s", Follows: 7, Truth: engine.Truth{Version: 8}, Change: func(v any) any { return v }}
	if err := b.step(piece); err != engine.ErrGap {
		t.Error("a piece is put on a prediction:", err)
	}
}

func TestSilentSuccessIsInLaterTruth(t *testing.T) {
	b := newBench(t)
	b.receive(b.truth(lab.Value{}, 1))
	answered := func(truth engine.Truth) {
		t.Helper()
		o := b.do(lab.Add, "", lab.Args{N: 1})
		b.pass(sec)
		b.answer(o, engine.OK, truth)
	}
	answered(engine.Truth{Version: 2})
	answered(engine.Truth{})              // it waits for the truth of the first
	answered(b.truth(lab.Value{N: 3}, 4)) // which came with the third, and has all of them
	if b.view().N != 3 || b.e.Pending() != 0 {
		t.Errorf("%d is shown, %d pending", b.view().N, b.e.Pending())
	}
}
