package property

import (
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
	"pgregory.net/rapid"
)

// deed is one operation of a history, and how long it takes until the next.
type deed struct {
	typ   *engine.Type
	slot  string
	args  lab.Args
	gap   engine.Time
	fails bool // the server refuses it for good
}

func (d deed) String() string {
	return fmt.Sprintf("%s %q %+v, then %dms, fails %v", d.typ.Name, d.slot, d.args, d.gap/1e6, d.fails)
}

// create is refused where there is a document already, so that deleting it again is
// the same as never having made it.
var create = func() *engine.Type {
	t := *lab.CreateDoc
	apply := t.Apply
	t.Apply = func(value, args any) (any, error) {
		if value != nil {
			return nil, fmt.Errorf("it is there")
		}
		return apply(value, args)
	}
	return &t
}()

func deeds(rt *rapid.T, most int) []deed {
	one := rapid.Custom(func(rt *rapid.T) deed {
		d := deed{
			args: lab.Args{
				I: rapid.IntRange(0, 1).Draw(rt, "i"), On: rapid.Bool().Draw(rt, "on"),
				Text: rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "text"),
			},
			gap: rapid.SampledFrom([]engine.Time{0, 100e6, 400e6, 3e9}).Draw(rt, "gap"),
		}
		switch rapid.IntRange(0, 5).Draw(rt, "type") {
		case 0, 1:
			d.typ, d.slot = lab.Like, fmt.Sprint("user ", d.args.I)
		case 2:
			d.typ, d.slot, d.args = create, "doc", lab.Args{Text: d.args.Text}
		case 3:
			d.typ, d.slot, d.args = lab.Edit, "doc", lab.Args{Text: d.args.Text}
		case 4:
			d.typ, d.slot, d.args = lab.DeleteDoc, "doc", lab.Args{}
		default:
			d.typ, d.slot = lab.Publish, "pub"
		}
		return d
	})
	return rapid.SliceOfN(one, 1, most).Draw(rt, "deeds")
}

// apart is the operation as one that coalesces with nothing and waits for nothing.
func (d deed) apart() deed {
	t := *d.typ
	t.Debounce = engine.Debounce{}
	d.typ, d.slot = &t, ""
	return d
}

// outcome is where a history ends.
type outcome struct {
	view, server any
	there        engine.Presence
	calls        int
}

// play plays a history on one entity, with a server that carries out all requests.
// Calls take a while, and are answered with truth, or without a word if silent.
func play(history []deed, silent bool) (outcome, error) {
	p := &player{now: 1e12, silent: silent, server: engine.Truth{Presence: engine.Absent, Version: 1}, fails: make(map[*engine.Op]bool)}
	p.e = engine.New(engine.Config{Prefix: "p", ClientID: "me", MaxInFlight: 4, MaxPerEntity: 99, MaxPending: 99, ProbeAfter: 9})
	p.space = engine.NewSpace("s")
	p.space.Equal = func(a, b any) bool { return a.(lab.Value) == b.(lab.Value) }
	p.step(&engine.Receive{EntityTruth: engine.EntityTruth{Space: p.space, Entity: "a", Truth: p.server}})
	for i, d := range history {
		o := &engine.Op{Type: d.typ, Slot: d.slot, Args: d.args, Timestamp: engine.Timestamp(i + 1)}
		p.fails[o] = d.fails
		p.step(&engine.Execute{Space: p.space, Entity: "a", Op: o}) // refusals are part of a history
		p.pass(d.gap)
	}
	p.pass(1e12)
	value, presence := p.space.Find("a").View()
	if p.err == nil && p.e.Pending() > 0 {
		p.err = fmt.Errorf("%d operations never settle", p.e.Pending())
	}
	return outcome{value, p.server.Value, presence, p.calls}, p.err
}

type player struct {
	e       *engine.Engine
	space   *engine.Space
	now     engine.Time
	server  engine.Truth
	silent  bool
	fails   map[*engine.Op]bool
	waiting []*engine.Op
	calls   int
	err     error
}

func (p *player) step(in engine.Input) {
	effects, _ := p.e.Step(p.now, in)
	for _, f := range effects {
		if f.Kind == engine.Send {
			p.waiting = append(p.waiting, f.Op)
			p.calls++
		}
	}
	if err := p.e.Check(); err != nil && p.err == nil {
		p.err = err
	}
}

// pass lets time go by; a call is answered 50 ms after it left.
func (p *player) pass(d engine.Time) {
	for end := p.now + d; p.now <= end; {
		next := p.e.NextTick()
		switch arrives := p.now + 50e6; {
		case len(p.waiting) > 0 && arrives <= end && arrives <= next:
			p.now = arrives
			o := p.waiting[0]
			p.waiting = slices.Delete(p.waiting, 0, 1)
			p.step(p.answer(o))
		case next <= end:
			p.now = max(p.now, next)
			p.step(engine.Tick{})
		default:
			p.now = end
			return
		}
	}
}

// answer carries out an operation.
func (p *player) answer(o *engine.Op) *engine.Answer {
	in := &engine.Answer{Op: o}
	var err error
	s := p.server
	switch {
	case p.fails[o]:
		err = fmt.Errorf("refused")
	case o.Type.Kind == engine.Delete:
		s.Presence, s.Value = engine.Absent, nil
	case o.Type.Kind == engine.Change && s.Presence != engine.Present:
		err = fmt.Errorf("gone")
	default:
		if s.Value, err = o.Type.Apply(s.Value, o.Args); err == nil {
			s.Presence = engine.Present
		}
	}
	if err != nil {
		in.Class, in.Err = engine.Permanent, err
		return in
	}
	s.Version++
	p.server = s
	if !p.silent {
		in.Truth = s
	}
	return in
}
