package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// takeTruth replaces the truth held by said, unless that is older. covered reports whether
// the truth held afterwards is at least as new as said.
func (t *Twin) takeTruth(ent *entity, said engine.Truth) (fresh, covered bool) {
	if t.outlived(said) {
		return false, false
	}
	if said.Presence == engine.NotLoaded {
		return false, said.Version != 0 && said.Version <= ent.version
	}
	ent.latest = max(ent.latest, said.At)
	held := ent.presence != engine.NotLoaded || ent.version != 0
	switch {
	case said.Version != 0 && held && (said.Version < ent.version || said.Version < ent.floor || said.Version == ent.version && !ent.loose):
		return false, true
	case ent.outdates(said):
		return false, false
	}
	if ent.outlived {
		t.leaveEra(ent)
	}
	ent.truth, ent.presence = said.Value, said.Presence
	if said.Presence == engine.Absent {
		ent.truth = nil
	}
	if said.Version != 0 {
		ent.version = said.Version
	}
	ent.loose = said.Version == 0 && ent.version != 0
	ent.settledAt, ent.predicted, ent.exact = t.now, false, said.Version
	t.tiesEnd(ent)
	return true, true
}

// outdates: truth without version was read before something settled.
func (ent *entity) outdates(said engine.Truth) bool {
	return said.Version == 0 && said.ReadAt != 0 && said.ReadAt < ent.settledAt
}

// adopt takes truth and ends every operation that it contains.
func (t *Twin) adopt(ent *entity, said engine.Truth) (covered bool) {
	fresh, covered := t.takeTruth(ent, said)
	t.taken(ent, said, fresh, covered)
	return covered
}

// taken ends every operation that the truth held contains, after said came.
func (t *Twin) taken(ent *entity, said engine.Truth, fresh, covered bool) {
	newer := said.Version >= ent.sureAt || said.ReadAt > 0 && said.ReadAt >= ent.unsureSince
	if newer = newer || said.Version == 0 && said.ReadAt == 0; covered && newer && said.Presence != engine.NotLoaded {
		ent.unsure = false
	}
	for _, o := range t.calls {
		if p := o.placeIn(ent); p != nil && o.state == engine.Ended && covered && slices.Contains(said.Contains, t.name(o.real)) {
			p.told = true
		}
	}
	for _, o := range slices.Clone(t.ops) {
		if o.placeIn(ent) == nil || o.state == engine.Ended {
			continue
		}
		named := covered && slices.Contains(said.Contains, t.name(o.real)) && t.namelessIn(o) != ent
		if named && ent.loose {
			ent.later(ent.version)
		}
		if named && o.group() {
			o.placeIn(ent).told = true
			named = !slices.ContainsFunc(o.places, func(p place) bool { return !p.told })
		}
		shown := o.state == engine.Acked && !o.guess && (ent.version >= o.ackVersion ||
			fresh && said.Version == 0 && (said.ReadAt == 0 || said.ReadAt >= o.ackedAt))
		if o.state == engine.Acked && o.guess {
			missing := o.places[0].isMissing(o, ent.truth, ent.presence)
			shown = fresh && !t.guessBefore(o, ent) && (o.silent || !missing)
		}
		switch {
		case named:
			if o.state == engine.InFlight {
				t.aborted = append(t.aborted, o)
			}
			t.confirm(o, ent)
		case shown:
			contains := o.toldBy(ent)
			if fresh && said.Version == 0 && !o.guess { // it was read since
				contains = ent
			}
			if said.ReadAt != 0 {
				ent.version = max(ent.version, o.ackVersion)
			}
			t.confirm(o, contains)
		}
	}
}

// piece: a change of just the value that was told with the version which it follows.
func (t *Twin) piece(in *engine.Piece) error {
	t.meet(in.Truth.Era)
	ent, said := t.entity(in.Space, in.Entity), in.Truth
	switch {
	case t.outlived(said):
		return nil
	case said.Version <= ent.version || said.Version < ent.floor:
		ent.latest = max(ent.latest, said.At)
		said.Version = min(said.Version, ent.version)
	case ent.presence != engine.Present || ent.exact == 0 || ent.exact != in.Follows:
		return engine.ErrGap
	default:
		said.Presence, said.Value = engine.Present, in.Change(ent.truth)
	}
	t.adopt(ent, said)
	t.purge(nil)
	t.bury(engine.RolledBack)
	return nil
}

func (t *Twin) adoptAll(o *op, in *engine.Answer) (covered bool) {
	if !t.nameless(o.places[0].ent) { // else nobody can say of what it is
		covered = t.adopt(o.places[0].ent, in.Truth)
	}
	lags := o.guess || in.Truth.Wrote > o.places[0].ent.version
	if covered && in.Truth.Presence != engine.NotLoaded && !lags {
		o.places[0].ent.unsure = false
	}
	for _, m := range in.More {
		if ent := t.entity(m.Space, m.Entity); !t.nameless(ent) {
			t.adopt(ent, m.Truth)
		}
	}
	return covered
}

// confirm ends an operation that the server has. The truth of one entity (nil: of
// none) contains it; the truth of its other entities becomes the predicted value.
func (t *Twin) confirm(o *op, contains *entity) {
	t.untie(o)
	var deleted *op
	if ent := o.places[0].ent; o.deletes() {
		deleted = t.makerBefore(ent, o.pos)
		if deleted != nil && (deleted.placeIn(ent).kind != engine.Create || deleted.state == engine.Acked) {
			deleted = nil
		}
	}
	for i := range o.places {
		p := &o.places[i]
		t.confirmGuesses(o, p.ent, contains)
		if p.ent == contains || p.told {
			t.compare(o, p)
		} else {
			t.predict(o, p)
		}
		p.ent.settledAt, p.ent.loose = t.now, false
	}
	t.end(o, engine.Confirmed)
	if deleted != nil {
		t.endCreation(deleted, o)
	}
}

func (t *Twin) predict(o *op, p *place) {
	if p.told {
		return
	}
	if value, presence, err := p.do(o, p.ent.truth, p.ent.presence); err == nil {
		if presence != p.ent.presence || !p.ent.same(value, p.ent.truth) {
			p.ent.later(p.ent.version)
			p.ent.predicted, p.ent.exact = true, 0
		}
		p.ent.truth, p.ent.presence = value, presence
		t.tiesEnd(p.ent)
	}
}

// predictUnlessOlder: the answer tells no value of the entity. The version of the write, if the
// answer tells that, says whether the truth held is as new, and which truth is older from now on.
func (t *Twin) predictUnlessOlder(o *op, p *place, in *engine.Answer) bool {
	wrote := o.wroteIn(p, t, in)
	if wrote != 0 && wrote <= p.ent.version {
		return false
	}
	t.predict(o, p)
	if wrote != 0 && p.ent.presence != engine.NotLoaded {
		p.ent.later(wrote - 1)
	}
	return true
}

// wroteIn is the version of the write that an answer tells of an entity, or 0.
func (o *op) wroteIn(p *place, t *Twin, in *engine.Answer) (wrote uint64) {
	if p == &o.places[0] {
		wrote = max(in.Truth.Version, in.Truth.Wrote)
	}
	for _, m := range in.More {
		if t.entity(m.Space, m.Entity) == p.ent {
			wrote = max(wrote, m.Truth.Version, m.Truth.Wrote)
		}
	}
	return wrote
}

// later: the value held came after truth of that version.
func (ent *entity) later(version uint64) {
	if version != 0 && ent.floor <= version {
		ent.floor = version + 1
	}
}

// told are the entities about which an answer says a value.
func (t *Twin) told(o *op, in *engine.Answer) map[*entity]engine.Truth {
	told := make(map[*entity]engine.Truth)
	tell := func(ent *entity, said engine.Truth) {
		if _, ok := told[ent]; !ok && said.Presence != engine.NotLoaded {
			told[ent] = said
		}
	}
	tell(o.places[0].ent, in.Truth)
	for _, m := range in.More {
		tell(t.entity(m.Space, m.Entity), m.Truth)
	}
	return told
}

func (t *Twin) succeeded(o *op, in *engine.Answer) {
	ent, said := o.places[0].ent, in.Truth
	switch {
	case t.makesNameless(o):
		t.fail(o, engine.ErrNoServerID)
		if o.unknown = o.state == engine.Parked; o.unknown { // the server has it: no other key must make it again
			o.since = in.Left
		}
	case o.group():
		told := t.told(o, in)
		t.untie(o)
		for i := range o.places {
			p := &o.places[i]
			t.confirmGuesses(o, p.ent, nil)
			if said, ok := told[p.ent]; !ok || p.ent.outdates(said) {
				t.predictUnlessOlder(o, p, in)
				p.told, p.ent.settledAt = true, t.now
			}
		}
		t.adoptAll(o, in)
		if o.state == engine.Ended {
			break
		}
		for i := range o.places {
			p := &o.places[i]
			switch said, ok := told[p.ent]; {
			case ok && said.Wrote > p.ent.version && !p.told:
				t.predict(o, p)
				p.ent.later(said.Wrote - 1)
			case ok || o.wroteIn(p, t, in) != 0:
				t.compare(o, p)
			}
			p.ent.settledAt = t.now
		}
		o.firm()
		t.end(o, engine.Confirmed)
	case said.Presence != engine.NotLoaded:
		t.confirmWith(o, in)
	case max(said.Version, said.Wrote) > ent.version:
		t.untie(o)
		o.state, o.ackVersion, o.ackedAt = engine.Acked, max(said.Version, said.Wrote), t.now
	case max(said.Version, said.Wrote) != 0:
		t.confirm(o, ent)
	default:
		t.succeededSilently(o)
	}
	t.rebase(o)
}

// firm: an operation is in the truth of its entities now, which an older read must not
// replace.
func (o *op) firm() {
	for _, p := range o.places {
		p.ent.loose = false
	}
}

// succeededSilently: the predicted value becomes truth, but not before the truth
// that acknowledged operations before o await.
func (t *Twin) succeededSilently(o *op) {
	var awaited uint64
	for _, earlier := range t.ops {
		if earlier.pos < o.pos && earlier.state == engine.Acked && earlier.placeIn(o.places[0].ent) != nil {
			awaited = max(awaited, earlier.ackVersion)
		}
	}
	switch {
	case t.guessBefore(o, o.places[0].ent):
		o.guess, o.waited, awaited = true, 0, 0
	case awaited == 0:
		t.confirm(o, nil)
		return
	}
	t.untie(o)
	o.state, o.ackVersion, o.ackedAt, o.silent = engine.Acked, awaited, t.now, true
}

func (t *Twin) confirmWith(o *op, in *engine.Answer) {
	o.guess = in.Class == engine.OK && t.seemsToLag(o, in.Truth)
	covered := t.adoptAll(o, in)
	ent := o.places[0].ent
	switch {
	case o.state == engine.Ended:
	case o.guess:
		t.untie(o)
		o.state, o.ackVersion, o.ackedAt, o.waited = engine.Acked, 0, t.now, 0
	case in.Truth.Wrote > ent.version:
		t.untie(o)
		o.state, o.ackVersion, o.ackedAt = engine.Acked, in.Truth.Wrote, t.now
	case covered:
		t.confirm(o, ent)
	default:
		t.confirm(o, nil)
	}
}

func (t *Twin) conflicted(o *op, in *engine.Answer) {
	said, ent := in.Truth, o.places[0].ent
	known := said.Presence != engine.NotLoaded
	sides := slices.Clone(o.bases)
	for i := range sides {
		side := &sides[i]
		side.Op, side.Theirs, side.MineBy, side.Err, side.Mine = o.real, said, t.cfg.ClientID, in.Err, side.Base
		if o.group() {
			side.Theirs = t.told(o, in)[o.places[i].ent]
		}
		if mine, _, err := o.places[i].do(o, side.Base, side.BasePresence); err == nil {
			side.Mine = mine
		}
	}
	info := sides[0]
	info.Rest = sides[1:]
	if known && (o.slot != "" || o.deletes()) && !t.makesNameless(o) {
		after, presence, err := o.places[0].do(o, said.Value, said.Presence)
		if err == nil && presence == said.Presence && ent.same(after, said.Value) {
			o.conflict = engine.AlreadySo
			t.confirmWith(o, in)
			t.rebase(o)
			return
		}
	}
	verdict := t.decision(o, &info)
	t.adoptAll(o, in)
	if o.state != engine.Ended {
		t.decideConflict(o, in, verdict)
	}
	t.rebase(o)
}

func (t *Twin) decision(o *op, info *engine.Conflict) (v engine.Decision) {
	defer func() {
		if r := recover(); r != nil {
			v = engine.Decision{Err: &engine.PanicError{Value: r}}
		}
	}()
	switch theirs := info.Theirs; {
	case o.typ.Resolve != nil:
		return o.typ.Resolve(info)
	case o.group():
		return engine.Decision{Choice: engine.Fail}
	case theirs.Presence == engine.NotLoaded:
		return engine.Decision{Choice: engine.Fail}
	case theirs.At != 0 && (o.timestamp > theirs.At || o.timestamp == theirs.At && t.cfg.ClientID > theirs.By):
		return engine.Decision{Choice: engine.KeepMine}
	}
	return engine.Decision{Choice: engine.TakeTheirs}
}

func (t *Twin) decideConflict(o *op, in *engine.Answer, v engine.Decision) {
	again := o.conflicts < o.typ.MaxConflicts
	switch {
	case v.Choice == engine.KeepMine && again:
		o.conflicts++
		o.conflict, o.due = engine.KeptMine, t.now
	case v.Choice == engine.TakeTheirs:
		o.conflict = engine.TookTheirs
		t.condemn(o, nil, in.Err)
	case v.Choice == engine.Merge && v.Merged != nil && again:
		o.conflict = engine.MergedBoth
		ent := o.places[0].ent
		merged := t.newOp(&engine.Execute{Space: ent.space, Entity: ent.id, Op: v.Merged})
		merged.conflict, merged.conflicts = engine.MergedBoth, o.conflicts+1
		merged.timestamp = max(merged.timestamp, in.Truth.At+1)
		merged.raiseTimestamp()
		if o.found != nil {
			t.remember(merged, *o.found)
		}
		t.takePlace(o, merged)
	default:
		o.conflict = engine.Refused
		t.fail(o, in.Err)
	}
}
