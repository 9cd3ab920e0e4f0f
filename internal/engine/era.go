package engine

import (
	"errors"
	"slices"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/order"
)

// An era is one history of the server. A server that was restored from a backup begins a
// new one: its versions start again, and it may have lost operations that it had confirmed.

// ErrNewEra is the cause of all that happens because the server has begun a new history.
var ErrNewEra = errors.New("optimist: the server has begun a new history")

// NewEra says that the server has begun a new history. A smaller era, or the one held,
// changes nothing.
type NewEra struct{ Era uint64 }

func (in NewEra) step(e *Engine) error { e.meet(in.Era); return nil }

// Era is the greatest era that was met.
func (e *Engine) Era() uint64 { return e.era }

// meet begins a new era, if it is greater than the one held: versions are forgotten, and
// operations that were only acknowledged are sent again. Values stay until new truth comes.
func (e *Engine) meet(era uint64) {
	if era <= e.era {
		return
	}
	e.era, e.eraSince = era, e.now
	e.emit(Effect{Kind: EraBegan, Err: errorf.New("%w: era %d", ErrNewEra, era)})
	for _, s := range e.spaces {
		for _, ent := range s.sorted() {
			e.outlive(ent)
		}
	}
	var acked []*Op
	for ent := range e.Busy {
		for o := range ent.Ops {
			if o.state == Acked && !slices.Contains(acked, o) {
				acked = append(acked, o)
			}
		}
	}
	for _, o := range acked {
		if o.isOvertaken() {
			e.confirm(o, nil)
		} else if o.state == Acked {
			e.ackLost(o)
		}
	}
	e.rebase(nil)
}

// isOvertaken reports whether the new history may have a later operation already that overrules
// o. Sent again, o would overrule that one.
func (o *Op) isOvertaken() bool {
	for p := o.part.next; p != nil; p = p.next {
		n := p.op
		if n.state != InFlight && (n.state == Acked || !n.mayBeDone()) {
			continue
		}
		if n.deletes() && o.Type.Kind == Create && !o.Group() {
			return true
		}
		if n.sharesSlot(o) {
			if m := mergeRule(o, n); m.Rule == TakeSecond && !m.Changed {
				return true
			}
		}
	}
	return false
}

// sorted are the entities of the space by id.
func (s *Space) sorted() []*Entity {
	all := make([]*Entity, 0, len(s.entities))
	for _, ent := range s.entities {
		all = append(all, ent)
	}
	order.By(len(all), func(i, j int) bool { return all[i].id < all[j].id }, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// outlive takes an entity into a new era.
func (e *Engine) outlive(ent *Entity) {
	e.touch(ent)
	if f := ent.lane.flight; f != nil {
		f.more().outlived = true
	}
	if ent.doubt != nil {
		ent.doubt.version = 1 // truth with any version of the new era is newer
	}
	if ent.presence == NotLoaded && ent.version == 0 && ent.first == nil {
		return
	}
	ent.version, ent.floor, ent.unversioned, ent.derived = 0, 0, false, true
	ent.place(0)
	ent.outlived = ent.presence != NotLoaded
	if ent.space.Readable {
		e.emit(Effect{Kind: Reread, Entity: ent})
	}
}

// ackLost has an operation sent again that the server had in an earlier era.
func (e *Engine) ackLost(o *Op) {
	if o.ext.guess {
		e.guesses--
	}
	x := o.ext
	x.guess, x.silent, x.rereading, x.version = false, false, false, 0
	o.unknown, o.burst = true, e.now
	e.timers.remove(o)
	e.joinLanes(o)
	e.sendAgain(o)
}

// isOutlived reports whether truth is of an earlier era, or was read in one.
func (e *Engine) isOutlived(t Truth) bool {
	return t.Era != 0 && t.Era < e.era || t.Era == 0 && t.ReadAt != 0 && t.ReadAt < e.eraSince
}

// era is the greatest that an answer tells.
func (in *Answer) era() uint64 {
	era := in.Truth.Era
	for _, t := range in.More {
		era = max(era, t.Truth.Era)
	}
	return era
}

// inEra is the answer as it counts in the era held: that of a server of an earlier one
// says nothing, and nobody knows whether the operation is in the new history.
func (e *Engine) inEra(in *Answer) *Answer {
	era, outlived := in.era(), false
	e.meet(era)
	if x := in.Op.ext; x != nil {
		outlived, x.outlived = x.outlived, false
	}
	switch {
	case in.Class == Offline || in.Class == Unauthenticated: // it reached no history
		return in
	case era == 0 && !outlived || era == e.era && era != 0:
		return in
	}
	late := *in
	late.Class, late.Truth, late.More, late.Unclassified = Unknown, Truth{}, nil, false
	late.Err = errorf.New("%w while the attempt was under way", ErrNewEra)
	return &late
}

// leaveEra notes that the entity's value is replaced by one of the era held. The new
// history may lack what the truth of groups contained before.
func (e *Engine) leaveEra(ent *Entity) {
	ent.outlived = false
	e.touch(ent).outlived = true
	for p := ent.first; p != nil; p = p.next {
		if p.contained {
			p.contained = false
			e.markDirty(ent, p)
		}
	}
}
