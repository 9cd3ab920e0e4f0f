package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// meet: in a new era no version counts, and nobody knows what the server has of the
// operations that it acknowledged.
func (t *Twin) meet(era uint64) {
	if era <= t.era {
		return
	}
	t.era, t.eraSince, t.began = era, t.now, true
	for _, ent := range t.entities {
		ent.sureAt = 1
		known := ent.presence != engine.NotLoaded || ent.version != 0 || t.lastOf(ent) != nil
		if known {
			ent.version, ent.floor, ent.exact, ent.loose = 0, 0, 0, false
			ent.outlived = ent.presence != engine.NotLoaded
		}
	}
	for _, o := range t.calls {
		o.outlived = true
	}
	for _, o := range slices.Clone(t.ops) {
		if o.state == engine.Acked && t.overtaken(o) {
			t.confirm(o, nil)
		} else if o.state == engine.Acked {
			o.state, o.unknown, o.due, o.burst = engine.Waiting, true, t.now, t.now
			o.guess, o.silent, o.asked, o.ackVersion = false, false, false, 0
		}
	}
}

// overtaken: the new history may have a later operation that overrules this one.
func (t *Twin) overtaken(o *op) bool {
	return slices.ContainsFunc(t.ops, func(n *op) bool {
		if n.pos <= o.pos || n.placeIn(o.places[0].ent) == nil || n.state != engine.InFlight && (!n.mayBeDone() || n.state == engine.Acked) {
			return false
		}
		if sharesSlot(o, n) {
			if m := mergeRule(o, n); m.Rule == engine.TakeSecond && !m.Changed {
				return true
			}
		}
		return n.deletes() && !o.group() && o.typ.Kind == engine.Create
	})
}

// leaveEra: the value of an earlier era is replaced, and the new one may lack what truth told to
// contain.
func (t *Twin) leaveEra(ent *entity) {
	ent.outlived = false
	for _, o := range t.ops {
		if p := o.placeIn(ent); p != nil {
			p.told = false
		}
	}
}

// outlived: truth of an earlier era, or read in one.
func (t *Twin) outlived(said engine.Truth) bool {
	if said.Era == 0 {
		return said.ReadAt != 0 && said.ReadAt < t.eraSince
	}
	return said.Era < t.era
}

// inEra is the meaning of an answer in the era held.
func (t *Twin) inEra(o *op, in *engine.Answer) *engine.Answer {
	era := in.Truth.Era
	for _, more := range in.More {
		era = max(era, more.Truth.Era)
	}
	t.meet(era)
	before := o.outlived
	o.outlived = false
	known := in.Class == engine.Offline || in.Class == engine.Unauthenticated
	if known = known || era == 0 && !before || era > 0 && era == t.era; known {
		return in
	}
	return &engine.Answer{Op: in.Op, Class: engine.Unknown, Err: engine.ErrNewEra, Left: in.Left, RetryAfter: in.RetryAfter, Rand: in.Rand, Next: in.Next}
}
