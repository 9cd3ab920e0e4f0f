package enginetest

import (
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// gateHears notes whether the server answered anybody.
func (t *Twin) gateHears(o *op, in *engine.Answer) {
	wasProbe := t.probe == o
	if wasProbe {
		t.probe = nil
	}
	if in.Ignore {
		return
	}
	if in.RetryAfter > 0 && in.Next == nil {
		for _, p := range o.places {
			if t.wishes == nil {
				t.wishes = make(map[string]engine.Time)
			}
			t.wishes[p.ent.lane()] = max(t.wishes[p.ent.lane()], later(t.now, in.RetryAfter))
		}
	}
	switch answered := in.Class != engine.Offline && in.Class != engine.Unknown && !in.Unclassified; {
	case answered:
		t.silent = nil
		if t.probing {
			t.probing, t.probe, t.probes = false, nil, 0
			t.retryPolitely()
		}
	case o.state != engine.Ended: // else it says nothing: nobody may have needed the answer
		if t.silent == nil {
			t.silent = make(map[string]bool)
		}
		t.silent[o.places[0].ent.lane()] = true
		if !t.probing && (in.Class == engine.Offline || len(t.silent) >= t.cfg.ProbeAfter) {
			t.probing, t.probes, wasProbe = true, 0, true
		}
		fallthrough
	default:
		if wasProbe {
			t.probes++
			t.until = later(t.now, t.cfg.Probe.Delay(t.probes, 0, in.Rand))
		}
	}
	if in.Class == engine.Unauthenticated && o.state != engine.Ended {
		t.refused = true
	}
}

// lasting: the probe takes long, and is no probe any more.
func (t *Twin) lasting(o *op) {
	if t.probe == o {
		t.probe = nil
		t.probes++
		t.until = later(t.now, t.cfg.Probe.Delay(t.probes, 0, 0))
	}
}

func (t *Twin) setOnline(online bool) {
	was := t.online
	if t.online = online; online && (!was || t.probing) {
		t.probing, t.probe, t.probes, t.silent, t.wishes = false, nil, 0, nil, nil
		t.hurry(func(o *op) bool { return o.left })
	}
}

// retryPolitely is hurry for attempts that nobody asked for: they keep to the wait that the
// server wished.
func (t *Twin) retryPolitely() {
	for _, o := range t.ops {
		if o.state == engine.Waiting && o.left && o.due > t.now {
			o.due = min(o.due, max(t.now, o.notBefore))
		}
	}
}

// hurry ends waits.
func (t *Twin) hurry(chosen func(*op) bool) {
	for _, o := range t.ops {
		if o.state == engine.Waiting && o.due > t.now && chosen(o) {
			o.due = t.now
		}
	}
}

// sendNow ends the waits of one operation, or of all of an entity, and of their lanes.
func (t *Twin) sendNow(in engine.SendNow) error {
	if in.Op != nil {
		switch t.of[in.Op].state {
		case engine.Ended:
			return engine.ErrSettled
		case engine.Parked:
			return engine.ErrInvalid
		}
	}
	for _, o := range t.ops {
		if o.state != engine.Waiting || in.Op != o.real && (in.Op != nil || o.placeIn(t.entity(in.Entity.Space(), in.Entity.ID())) == nil) {
			continue
		}
		o.due = min(o.due, t.now)
		t.wants(o)
	}
	return nil
}

// open reports whether one more call may leave.
func (t *Twin) open() bool {
	return !t.Restoring && t.online && !t.refused && len(t.calls) < t.cfg.MaxInFlight &&
		(!t.probing || t.probe == nil && t.now >= t.until)
}

// pump sends the operations that may leave, in the order that the engine chose.
func (t *Twin) pump(order []*engine.Op) {
	for t.open() {
		free := t.preferred(t.sendable())
		if len(free) == 0 {
			return
		}
		pick := free[0]
		at := len(order)
		for _, o := range free {
			if i := slices.Index(order, o.real); i >= 0 && i < at {
				pick, at = o, i
			}
		}
		if t.lost(pick) {
			t.condemn(pick, nil, engine.ErrDependency)
			t.rebase(pick)
			continue
		}
		if t.alreadySo(pick) {
			t.untie(pick) // the server has the entity
			t.end(pick, engine.Confirmed)
			t.rebase(pick)
			continue
		}
		pick.state, pick.left, pick.calling, pick.unmarked = engine.InFlight, true, true, false
		pick.calls++
		pick.bases = nil
		for i := range pick.places {
			on := pick.places[i].ent
			pick.bases = append(pick.bases, engine.Conflict{Base: on.truth, BasePresence: on.presence, BaseVersion: on.version})
		}
		t.calls = append(t.calls, pick)
		t.tellUnseen(pick)
		t.sent = append(t.sent, pick)
		if t.probing {
			t.probe = pick
		}
	}
}

// preferred leaves, of those that may probe, the ones whose lanes have not failed yet, if
// there are any.
func (t *Twin) preferred(free []*op) (first []*op) {
	for _, o := range free {
		if t.probing && !t.silent[o.places[0].ent.lane()] {
			first = append(first, o)
		}
	}
	if len(first) > 0 {
		return first
	}
	return free
}

// sendable lists the operations that may leave, the cap and the gate aside.
func (t *Twin) sendable() (free []*op) {
	held := t.held()
	for _, o := range t.ops {
		if t.wished(o) <= t.now && t.ready(o, held) {
			free = append(free, o)
		}
	}
	return free
}

// ready: nothing but the server's wish can hold it back.
func (t *Twin) ready(o *op, held map[*op]hold) bool {
	return o.state == engine.Waiting && o.due <= t.now && (o.durable || !o.typ.Stored) && t.itsTurn(o, held)
}

// wished is until when the server wants nothing of a lane of the operation.
func (t *Twin) wished(o *op) (until engine.Time) {
	for _, p := range o.places {
		until = max(until, t.wishes[p.ent.lane()])
	}
	return until
}

func (t *Twin) itsTurn(o *op, held map[*op]hold) bool {
	if held[o] > 0 || t.waitsForOther(o) {
		return false
	}
	for _, d := range o.deps {
		if d.state != engine.Acked && d.state != engine.Ended {
			return false
		}
	}
	for _, other := range t.ops {
		queued := other.state == engine.InFlight || other.state == engine.Waiting && held[other] == 0
		if other.pos < o.pos && queued && shareLane(o, other) {
			return false
		}
	}
	for _, call := range t.calls {
		if shareLane(o, call) {
			return false
		}
	}
	return true
}

// hold says why an operation waits for a person.
type hold int

const (
	onCreation hold = iota + 1 // it stands on a creation that waits; others pass it
	heldBack                   // it must not overtake, and is not overtaken
)

// held are the operations that wait behind a parked one: later operations of its slot,
// operations that depend on it or stand on it, and all that must not overtake these.
func (t *Twin) held() map[*op]hold {
	held := make(map[*op]hold)
	for again := true; again; {
		again = false
		for _, o := range t.ops {
			if h := t.waitsForAPerson(o, held); o.state == engine.Waiting && h > held[o] {
				held[o], again = h, true
			}
		}
	}
	return held
}

func (t *Twin) waitsForAPerson(o *op, held map[*op]hold) (h hold) {
	for _, d := range o.deps {
		if d.state == engine.Parked || held[d] > 0 {
			return heldBack
		}
	}
	for _, other := range t.ops {
		if other.pos >= o.pos || !shareEntity(o, other) {
			continue
		}
		if ent := o.places[0].ent; o.deletes() && o.places[0].stands && !t.nameless(ent) {
			if c := t.makerBefore(ent, o.pos); c.mayBeDone() && other.pos > c.pos {
				continue // it goes with the creation, when o is confirmed
			}
		}
		stands := slices.ContainsFunc(other.places, func(p place) bool { return t.standsOn(o, other, p.ent) })
		passes := o.deletes() && o.places[0].stands && !t.nameless(o.places[0].ent) && other.mayBeDone() && other.placeIn(o.places[0].ent).kind == engine.Create
		if stands && (held[other] > 0 || other.state == engine.Parked && !passes) {
			h = onCreation
		}
		if other.state == engine.Parked && sharesSlot(o, other) && !passes ||
			held[other] == heldBack && (sharesSlot(o, other) || o.commutesWithNothing() || other.commutesWithNothing()) {
			return heldBack
		}
	}
	return h
}

func (o *op) commutesWithNothing() bool {
	return o.typ.Barrier || o.group() || o.typ.Kind != engine.Change
}

// idle reports whether only a person's decision can make anything move.
func (t *Twin) idle() bool {
	held := t.held()
	return len(t.calls) == 0 && !slices.ContainsFunc(t.ops, func(o *op) bool { return o.state != engine.Parked && held[o] == 0 })
}

func shareEntity(a, b *op) bool {
	return slices.ContainsFunc(a.places, func(p place) bool { return b.placeIn(p.ent) != nil })
}

func shareLane(a, b *op) bool {
	for i := range a.places {
		for j := range b.places {
			if a.places[i].ent.lane() == b.places[j].ent.lane() {
				return true
			}
		}
	}
	return false
}

func (ent *entity) lane() string {
	if ent.space.Lane == nil {
		return fmt.Sprint("own ", ent.space.Name, ":", ent.id)
	}
	return fmt.Sprint("named ", ent.space.Name, ":", ent.space.Lane(ent.id))
}

// alreadySo: the value before an operation already is as the operation would make it.
func (t *Twin) alreadySo(o *op) bool {
	if o.left || len(o.places) > 1 {
		return false
	}
	ent := o.places[0].ent
	value, presence := t.foldBefore(ent, o.pos)
	after, afterPresence, err := o.places[0].do(o, value, presence)
	if err != nil || presence == engine.NotLoaded || presence != afterPresence || !ent.same(value, after) {
		return false
	}
	return t.inVain(o, o.pos)
}

// needs is the next moment at which something is due.
func (t *Twin) needs() engine.Time {
	next := engine.Never
	held := t.held()
	for _, o := range t.ops {
		if wish := t.wished(o); t.open() && wish > t.now && t.ready(o, held) {
			next = min(next, wish)
		}
		if left := o.places[0].ent.space.Patience - o.waited; o.state == engine.Acked && o.guess && !o.asked && t.sending() {
			next = min(next, t.now+left)
		}
		if o.state != engine.Waiting {
			continue
		}
		if o.due > t.now {
			next = min(next, o.due)
		}
		next = min(next, max(o.expiry(), t.now))
	}
	if t.online && !t.refused && t.probing && t.probe == nil && t.until > t.now && len(t.sendable()) > 0 {
		next = min(next, t.until)
	}
	return next
}
