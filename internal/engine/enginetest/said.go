package enginetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// answer makes up the answer of a server to a call.
func (d *Driver) answer(o *engine.Op) *engine.Answer {
	in := &engine.Answer{Op: o, Left: d.stamp, Rand: uint64(d.src.Below(256)) << 56}
	if in.Ignore = o.State() == engine.Ended && d.src.One(4); in.Ignore {
		return in
	}
	if in.NotSent = d.src.One(24); in.NotSent {
		in.Err, in.RetryAfter = errNo, Pick(d.src, 0, sec, 30*sec)
		return in
	}
	in.Class = Pick(d.src,
		engine.OK, engine.OK, engine.OK, engine.OK, engine.Transient, engine.Transient, engine.Overloaded, engine.Offline,
		engine.Unauthenticated, engine.Conflicting, engine.Conflicting, engine.Permanent, engine.Unknown)
	if in.Class != engine.OK {
		in.Err = errNo
	}
	in.Unclassified = in.Class == engine.Transient && d.src.One(2)
	id := o.Entity().ID()
	defer func() {
		if o.Type.ServerID {
			in.Truth.ID = Pick(d.src, d.nameOf(id), d.nameOf(id), "")
		}
	}()
	switch in.Class {
	case engine.OK:
		switch d.src.Below(4) {
		case 0, 1:
			in.Truth = d.truth(id)
		case 2:
			in.Truth.Version = d.version(id)
		}
	case engine.Conflicting:
		if !d.src.One(4) {
			in.Truth = d.truth(id)
		}
	case engine.Permanent:
		if d.src.One(3) {
			in.Truth = d.truth(id)
		}
		in.Forgotten = d.src.One(4)
	case engine.Overloaded, engine.Unknown, engine.Offline:
		in.RetryAfter = Pick(d.src, 0, 2*sec, 60*sec, engine.Never)
	case engine.Transient:
		if d.src.One(8) {
			in.Next = &engine.Next{Again: d.src.One(2), Wait: Pick(d.src, -sec, sec, 50*sec, engine.Never)}
		}
	}
	if (in.Class == engine.OK || in.Class == engine.Conflicting) && d.src.One(5) {
		in.More = append(in.More, d.received())
	}
	return in
}

func (d *Driver) received() engine.EntityTruth {
	id := d.id()
	in := engine.EntityTruth{Space: d.space, Entity: id, Truth: d.truth(id)}
	if d.drafts && d.src.One(4) {
		for _, o := range d.accepted() {
			if first := o.Entity().ID(); o.Type.ServerID && o.State() != engine.Ended && d.space.ServerName(first) == "" {
				in.Entity, in.Truth.Contains = d.nameOf(first), []string{o.ID(d.engine)}
				break
			}
		}
	}
	return in
}

// nameOf is an id that the server tells for an entity, which may be the one that it tells for the
// other: there is one entity then. A group must not be of both.
func (d *Driver) nameOf(id string) string {
	other := ids[0]
	if id == other {
		other = ids[1]
	}
	told := d.space.ServerName(other)
	grouped := slices.ContainsFunc(d.accepted(), func(o *engine.Op) bool { return o.Group() && o.State() != engine.Ended })
	switch same := d.shown && d.src.One(4) && !grouped; {
	case same && told != "" && told != other:
		return told
	case same && told == "", told == serverNames[id]:
		return serverNames[other]
	}
	return serverNames[id]
}

// toldSame: the server told one id for both entities.
func (d *Driver) toldSame() bool {
	a, b := d.space.ServerName(ids[0]), d.space.ServerName(ids[1])
	return a != "" && a == b
}

// piece follows the version held, or another one.
func (d *Driver) piece() *engine.Piece {
	id := d.id()
	_, _, held := d.space.Find(id).Truth()
	in := &engine.Piece{Space: d.space, Entity: id, Follows: uint64(max(0, int(held)+Pick(d.src, 0, 0, 0, 0, 1, -1)))}
	in.Truth = d.truth(id)
	in.Truth.Presence, in.Truth.Value, in.Truth.ReadAt, in.Truth.Wrote = engine.NotLoaded, nil, 0, 0
	in.Truth.Version = in.Follows + Pick(d.src, uint64(1), 1, 2)
	n := d.src.Below(7)
	in.Change = func(value any) any {
		v := value.(Value)
		v.N = n
		return v
	}
	return in
}

func (d *Driver) version(id string) uint64 {
	_, _, held := d.space.Find(id).Truth()
	return uint64(max(0, int(held)+Pick(d.src, 1, 1, 2, 0, -1)))
}

// truth is new, stale, equal, dated or undated, and may name operations.
func (d *Driver) truth(id string) engine.Truth {
	t := engine.Truth{Presence: engine.Present}
	if !d.src.One(5) {
		t.Version = d.version(id)
	} else if d.src.One(2) {
		t.ReadAt = d.now - Pick(d.src, 0, ms, 300*ms, 2*sec)
	}
	if d.src.One(16) {
		t.Era = Pick(d.src, d.engine.Era(), d.engine.Era()+1, max(d.engine.Era(), 1)-1)
	}
	if d.src.One(8) {
		t.Wrote = d.version(id)
	}
	switch d.src.Below(8) {
	case 0:
		t.Presence = engine.Absent
	case 1:
		t.Presence = engine.NotLoaded
	default:
		t.Value = d.value(id)
	}
	if d.src.One(4) {
		t.At, t.By = d.stamp-engine.Timestamp(d.src.Below(6))+2, Pick(d.src, "me", "you", "")
	}
	if all := d.accepted(); len(all) > 0 && d.src.One(6) {
		if o := all[d.src.Below(len(all))]; !o.Type.ServerID || o.Entity().ID() == id { // else it would name id
			t.Contains = append(t.Contains, o.ID(d.engine))
		}
	}
	return t
}

// value is the view, the truth held, or something else.
func (d *Driver) value(id string) Value {
	ent := d.space.Find(id)
	var held any
	switch d.src.Below(3) {
	case 0:
		held, _ = ent.View()
	case 1:
		held, _, _ = ent.Truth()
	}
	v, _ := held.(Value)
	switch d.src.Below(6) {
	case 0:
		v.Likes[d.src.Below(2)] = d.src.One(2)
	case 1:
		v.N = d.src.Below(7)
	case 2:
		v.Doc = Pick(d.src, "", "x", "w")
	}
	return v
}

// restart is a crash: a new engine gets the unsettled operations.
func (d *Driver) restart() error {
	d.logf("crash")
	type kept struct {
		in   engine.Restore
		deps []*engine.Op
	}
	var all []kept
	for _, o := range d.accepted() {
		if o.State() == engine.Ended {
			continue
		}
		k := kept{deps: slices.Clone(o.Deps())}
		k.in.ID, k.in.Seq, k.in.Pos = o.ID(d.engine), o.Seq(), o.Pos()
		k.in.Kept, k.in.Err = o.Kept(d.now), o.ParkedFor()
		if want := d.twin.kept(d.twin.of[o], d.now); k.in.Kept != want {
			return fmt.Errorf("of %s the engine keeps %+v, the twin %+v", o.Type.Name, k.in.Kept, want)
		}
		k.in.Op = o
		k.in.Group = slices.Clone(d.membersOf[o])
		k.in.Entity = o.Entity().ID()
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b kept) int { return int(a.in.Pos) - int(b.in.Pos) })

	d.cfg.Seq, d.cfg.Era = d.engine.LastSeq(), d.engine.Era()
	d.begin()
	d.engine.ShutGate(true)
	d.twin.Restoring = true
	again := make(map[*engine.Op]*engine.Op)
	pairs := slices.SortedFunc(maps.Values(d.pairs), func(a, b engine.Named) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, p := range pairs {
		p.Space = d.space
		if err := d.step(p); err != nil {
			return err
		}
	}
	if d.src.Below(4) == 0 { // the program hears of it at once
		if err := d.step(engine.NewEra{Era: d.engine.Era() + 1}); err != nil {
			return err
		}
	}
	for i := range all {
		k := &all[i]
		old := k.in.Op
		o := d.fresh(old.Type, old.Args.(Args), old.Slot)
		again[old] = o
		k.in.Op, k.in.Space = o, d.space
		o.Timestamp = old.Timestamp
		for j := range k.in.Group {
			k.in.Group[j].Space = d.space
		}
		d.membersOf[o] = k.in.Group
		for _, dep := range k.deps {
			if n := again[dep]; n != nil && n.Seq() != 0 {
				k.in.After = append(k.in.After, n)
			}
		}
		if err := d.step(&k.in); err != nil {
			return err
		}
	}
	d.engine.ShutGate(false)
	d.twin.Restoring = false
	return d.step(engine.Tick{})
}
