package engine_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
)

const (
	ms  = engine.Time(1e6)
	sec = 1000 * ms
)

var errNo = errors.New("no")

// bench drives one engine by hand, and checks it after every step.
type bench struct {
	t       *testing.T
	e       *engine.Engine
	space   *engine.Space
	now     engine.Time
	stamp   engine.Timestamp
	effects []engine.Effect
	sent    []*engine.Op
	ends    []*engine.Op
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: 1000 * sec, stamp: 1}
	b.e = engine.New(engine.Config{
		Prefix: "p", ClientID: "me", MaxInFlight: 8, MaxPerEntity: 100, MaxPending: 1000, ProbeAfter: 3,
		Probe: engine.Retry{Base: sec, Cap: 8 * sec},
	})
	b.space = engine.NewSpace("things")
	b.space.Equal = func(x, y any) bool { return x.(lab.Value) == y.(lab.Value) }
	b.e.Pin(b.space, "a")
	b.e.Pin(b.space, "b")
	return b
}

func (b *bench) step(in engine.Input) error {
	b.t.Helper()
	effects, err := b.e.Step(b.now, in)
	b.effects = append(b.effects[:0], effects...)
	for _, f := range b.effects {
		switch f.Kind {
		case engine.Send:
			b.sent = append(b.sent, f.Op)
		case engine.OpSettled:
			b.ends = append(b.ends, f.Op)
		}
	}
	if bad := b.e.Check(); bad != nil {
		b.t.Fatal(bad)
	}
	return err
}

// must is step for inputs that are taken.
func (b *bench) must(in engine.Input) {
	b.t.Helper()
	if err := b.step(in); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) op(typ *engine.Type, slot string, a lab.Args) *engine.Op {
	b.stamp++
	return &engine.Op{Type: typ, Slot: slot, Args: a, Timestamp: b.stamp}
}

// do executes an operation of entity "a".
func (b *bench) do(typ *engine.Type, slot string, a lab.Args, after ...*engine.Op) *engine.Op {
	b.t.Helper()
	o := b.op(typ, slot, a)
	b.must(&engine.Execute{Space: b.space, Entity: "a", Op: o, After: after})
	return o
}

func (b *bench) like(on bool) *engine.Op {
	b.t.Helper()
	return b.do(lab.Like, "user 0", lab.Args{On: on})
}

func (b *bench) truth(v lab.Value, version uint64) engine.Truth {
	return engine.Truth{Presence: engine.Present, Value: v, Version: version}
}

func (b *bench) receive(t engine.Truth) {
	b.t.Helper()
	b.must(&engine.Receive{EntityTruth: engine.EntityTruth{Space: b.space, Entity: "a", Truth: t}})
}

func (b *bench) answer(o *engine.Op, class engine.Class, t engine.Truth) {
	b.t.Helper()
	in := &engine.Answer{Op: o, Class: class, Truth: t}
	if class != engine.OK {
		in.Err = errNo
	}
	b.must(in)
}

// pass lets time go by, with the ticks that the engine asks for.
func (b *bench) pass(d engine.Time) {
	b.t.Helper()
	end := b.now + d
	for b.e.NextTick() <= end {
		b.now = max(b.now, b.e.NextTick())
		b.must(engine.Tick{})
	}
	b.now = end
}

func (b *bench) view() lab.Value {
	v, _ := b.space.Find("a").View()
	value, _ := v.(lab.Value)
	return value
}

// is fails when an operation's end is another.
func (b *bench) is(o *engine.Op, want engine.Outcome) {
	b.t.Helper()
	if o.Outcome() != want {
		b.t.Fatalf("%s is in state %d with outcome %d, want %d", o.Type.Name, o.State(), o.Outcome(), want)
	}
}

// calls fails when another number of attempts has left.
func (b *bench) calls(want int) {
	b.t.Helper()
	if len(b.sent) != want {
		b.t.Fatalf("%d calls left, want %d", len(b.sent), want)
	}
}

func liked(on bool) lab.Value { return lab.Value{Likes: [2]bool{on}} }
