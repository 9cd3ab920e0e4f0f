package enginetest

import (
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/reason"
)

// checkWhy compares the reason of every unsettled operation with the twin's word about it.
func (d *Driver) checkWhy() error {
	held := d.twin.held()
	for _, o := range d.twin.ops {
		r := d.engine.Why(o.real)
		if want := d.twin.reasons(o, held); !slices.Contains(want, r.Kind) {
			return fmt.Errorf("%s waits for %d (%+v), and the twin says one of %d", o.real.ID(d.engine), r.Kind, r, want)
		}
	}
	return nil
}

// reasons are the kinds of which the reason must be.
func (t *Twin) reasons(o *op, held map[*op]hold) []reason.Kind {
	switch {
	case t.Restoring:
		return []reason.Kind{reason.Opening}
	case o.state == engine.Parked:
		return []reason.Kind{reason.Decision}
	case o.state == engine.InFlight:
		return []reason.Kind{reason.Answer}
	case o.state == engine.Acked:
		if _, shown := t.view(o.places[0].ent); shown == engine.NotLoaded {
			return []reason.Kind{reason.Loading}
		}
		return []reason.Kind{reason.Truth}
	case o.typ.Stored && !o.durable, o.unmarked && o.due > t.now:
		return []reason.Kind{reason.Disk}
	case !t.itsTurn(o, held):
		if held[o] == heldBack { // or a dependency is held, or it stands on a creation as well
			return []reason.Kind{reason.Decision, t.whoComesFirst(o)}
		}
		return []reason.Kind{t.whoComesFirst(o)}
	case max(o.due, t.wished(o)) > t.now && !o.left:
		return []reason.Kind{reason.Debounce, reason.Retry}
	case max(o.due, t.wished(o)) > t.now:
		return []reason.Kind{reason.Retry}
	case !t.online:
		return []reason.Kind{reason.Network}
	case t.probing && (t.probe != nil || t.until > t.now):
		return []reason.Kind{reason.Probe}
	case t.refused:
		return []reason.Kind{reason.Authentication}
	}
	return []reason.Kind{reason.Cap}
}

// whoComesFirst is the reason of an operation for which another one has to move, when no
// parked one keeps it.
func (t *Twin) whoComesFirst(o *op) reason.Kind {
	for _, p := range o.places {
		if !p.stands {
			continue
		}
		if c := t.makerBefore(p.ent, o.pos); c.state != engine.Parked || !o.deletes() || !c.mayBeDone() || t.nameless(p.ent) {
			return reason.Creation
		}
	}
	for _, d := range o.deps {
		if d.state != engine.Acked && d.state != engine.Ended {
			return reason.Dependency
		}
	}
	return reason.Lane
}

// CheckWhy brings an engine into the state at the end of the bytes, once for each unsettled
// operation, and takes the reason of that operation away: then the operation has left, has ended, or names
// another reason. It counts how often it looked at each kind.
func CheckWhy(bytes []byte, looked map[reason.Kind]int) error {
	for n := 0; ; n++ {
		d := NewDriver(bytes)
		if err := d.Run(); err != nil {
			return err
		}
		var all []*engine.Op
		for o := range d.engine.Every {
			all = append(all, o)
		}
		if n >= len(all) {
			return nil
		}
		o := all[n]
		was := d.engine.Why(o)
		looked[was.Kind]++
		d.takeAway(o, was)
		is := d.engine.Why(o)
		is.Due, was.Due = 0, 0
		if is == was {
			return fmt.Errorf("%s still waits for %d: %+v", o.ID(d.engine), was.Kind, was)
		}
	}
}

// done is the answer of a server that has an operation.
func (d *Driver) done(o *engine.Op) *engine.Answer {
	in := &engine.Answer{Op: o, Truth: engine.Truth{Era: d.engine.Era()}}
	if o.Type.ServerID {
		in.Truth.ID = serverNames[o.Entity().ID()]
	}
	return in
}

// takeAway lets happen what an operation waits for. The twin is not told of it.
func (d *Driver) takeAway(o *engine.Op, r engine.Reason) {
	step := func(in engine.Input) {
		effects, err := d.engine.Step(d.now, in)
		if err != nil {
			panic(err)
		}
		for _, f := range effects {
			if f.Kind == engine.Send {
				d.calls = append(d.calls, f.Op)
			}
		}
	}
	pass := func(until engine.Time) {
		for at := min(d.engine.NextTick(), until); d.now < until; at = min(d.engine.NextTick(), until) {
			d.now = max(d.now, at)
			step(engine.Tick{})
		}
	}
	ends := func(o *engine.Op) { // however it does
		switch {
		case slices.Contains(d.calls, o):
			step(d.done(o))
		case o.State() != engine.Ended:
			step(engine.Cancel{Op: o})
		}
	}
	switch r.Kind {
	case reason.Disk:
		step(&engine.Journaled{Ops: d.accepted()})
		pass(r.Due)
	case reason.Decision:
		step(&engine.Decide{Op: r.Op, Discard: true})
	case reason.Creation, reason.Dependency, reason.Lane:
		ends(r.Op)
	case reason.Debounce, reason.Retry:
		if r.Due == engine.Never { // as a server may have asked
			step(engine.SendNow{Op: o})
			return
		}
		pass(r.Due)
	case reason.Network:
		step(engine.SetOnline{Online: true})
	case reason.Probe:
		if r.Op != nil {
			ends(r.Op)
		}
		pass(r.Due)
	case reason.Authentication:
		step(engine.RetryNow{})
	case reason.Cap:
		for d.engine.Why(o).Kind == r.Kind && len(d.calls) > 0 { // others may have their turn first
			call := d.calls[0]
			d.calls = d.calls[1:]
			step(d.done(call))
		}
	case reason.Answer:
		step(d.done(o))
	case reason.Truth, reason.Loading:
		_, _, version := r.Entity.Truth()
		step(&engine.Receive{EntityTruth: engine.EntityTruth{Space: d.space, Entity: r.Entity.ID(), Truth: engine.Truth{
			Era: d.engine.Era(), Presence: engine.Present, Value: Value{}, Version: max(r.Version, version+1), Contains: []string{o.ID(d.engine)},
		}}})
	}
}
