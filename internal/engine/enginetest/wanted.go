package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// wants reports whether a value already is as an operation would make it, and whether that
// can be said.
func (p *place) wants(o *op, value any, presence engine.Presence) (so, known bool) {
	once, there, err := p.make(o, value, presence, false)
	if err == engine.ErrAbsent {
		return false, true
	}
	if err != nil {
		return false, false
	}
	if there == presence && p.ent.same(once, value) {
		return true, true
	}
	twice, still, err := p.make(o, once, there, false)
	return false, err == nil && still == there && p.ent.same(twice, once)
}

// isMissing: a value is known not to fulfil the wish of an operation.
func (p *place) isMissing(o *op, value any, presence engine.Presence) bool {
	if o.typ.Fulfilled != nil && presence == engine.Present && p == &o.places[0] {
		return !o.typ.Fulfilled(value, o.args)
	}
	so, known := p.wants(o, value, presence)
	return known && !so
}

// compare notes whether the truth that contains an operation differs from the value it
// wanted, unless a later operation of ours has written over it.
func (t *Twin) compare(o *op, p *place) {
	for _, later := range t.ops {
		over := o.slot == "" || sharesSlot(o, later) || later.commutesWithNothing()
		if later.pos > o.pos && later.placeIn(p.ent) != nil && later.left && over {
			return
		}
	}
	if so, known := p.wants(o, p.ent.truth, p.ent.presence); known && !so {
		o.differs = true
	}
	if o.typ.Fulfilled != nil && p == &o.places[0] && p.isMissing(o, p.ent.truth, p.ent.presence) {
		o.differs, o.conflict = true, engine.TookTheirs
	}
}

// seemsToLag: the answer says a version that is held already, and neither its value nor the
// truth held shows the operation, or an earlier operation waits by a guess.
func (t *Twin) seemsToLag(o *op, said engine.Truth) bool {
	ent, p := o.places[0].ent, &o.places[0]
	if ent.space.Patience <= 0 || said.Wrote > ent.version || said.Version == 0 || said.Version > ent.version {
		return false
	}
	missing := p.isMissing(o, said.Value, said.Presence) && p.isMissing(o, ent.truth, ent.presence)
	return missing || t.guessBefore(o, ent)
}

func (t *Twin) guessBefore(o *op, ent *entity) bool {
	return slices.ContainsFunc(t.ops, func(e *op) bool {
		return e.pos < o.pos && e.placeIn(ent) != nil && e.state == engine.Acked && e.guess
	})
}

// confirmGuesses confirms the operations before o that wait by a guess: the server had them
// before it had o.
func (t *Twin) confirmGuesses(o *op, ent, contains *entity) {
	for _, e := range slices.Clone(t.ops) {
		if e.pos < o.pos && e.placeIn(ent) != nil && e.state == engine.Acked && e.guess {
			t.confirm(e, contains)
		}
	}
}

// toldBy is the entity whose truth contains an acknowledged operation: later truth than that
// for which it waited, if the server did not tell its own version.
func (o *op) toldBy(ent *entity) *entity {
	if o.silent && (o.guess || ent.version <= o.ackVersion) {
		return nil
	}
	return ent
}

// losePatience ends the waits that are long enough, or has the entity read.
func (t *Twin) losePatience() {
	for _, o := range slices.Clone(t.ops) {
		ent := o.places[0].ent
		switch {
		case o.state != engine.Acked || !o.guess || o.asked || !t.sending() || o.waited < ent.space.Patience:
		case ent.space.Readable:
			o.asked = true
		default:
			t.confirm(o, o.toldBy(ent))
			t.rebase(o)
		}
	}
}

// endOfRead ends those that wait for an entity to be read.
func (t *Twin) endOfRead(ent *entity, found bool) {
	for _, o := range slices.Clone(t.ops) {
		switch {
		case o.placeIn(ent) == nil || o.state != engine.Acked || !o.asked:
		case found:
			t.confirm(o, ent)
		default:
			t.confirm(o, o.toldBy(ent))
		}
	}
}

func (t *Twin) sending() bool { return t.online && !t.refused && !t.probing }
