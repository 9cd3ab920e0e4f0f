package enginetest

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

func (d *Driver) logf(format string, args ...any) {
	if d.Log != nil {
		d.Log(format, args...)
	}
}

// step gives one input to both and compares all that can be seen.
func (d *Driver) step(in engine.Input) error {
	asked := copied(in)
	effects, err := d.engine.Step(d.now, in)
	var sent, aborted, victims []*engine.Op
	var unseen []news
	var rereads []string
	d.order = d.order[:0]
	for _, f := range effects {
		switch f.Kind {
		case engine.Send:
			sent = append(sent, f.Op)
			d.order = append(d.order, f.Op)
			d.calls = append(d.calls, f.Op)
		case engine.Abort:
			aborted = append(aborted, f.Op)
		case engine.OpSettled:
			d.order = append(d.order, f.Op)
			if d.settled[f.Op]++; d.settled[f.Op] > 1 {
				return fmt.Errorf("%s settled twice", f.Op.ID(d.engine))
			}
		case engine.EntityNamed:
			p := f.Value.(*engine.Name)
			d.pairs[p.First] = engine.Named{First: p.First, Server: p.Server, Seq: p.Seq}
		case engine.Misused:
			unseen = append(unseen, news{f.Op, f.Entity.ID()})
		case engine.EntitiesUnited:
			from, to := f.Value.(*engine.Entity).ID(), f.Entity.ID()
			d.unsure[to] = f.Entity.Unsure() // the doubt about the other was told
			d.reading[to] = d.reading[to] || d.reading[from]
			delete(d.unsure, from)
			delete(d.reading, from)
		case engine.Reread:
			d.reading[f.Entity.ID()] = true
		case engine.RereadSettled:
			d.reading[f.Entity.ID()] = true
			rereads = append(rereads, f.Entity.ID())
		case engine.TruthUnsure, engine.TruthSure:
			d.unsure[f.Entity.ID()] = f.Kind == engine.TruthUnsure
		case engine.SendingPaused, engine.SendingResumed:
			d.paused = f.Kind == engine.SendingPaused
		case engine.OpsRolledBack:
			for _, v := range f.Victims {
				victims = append(victims, v.Op)
			}
		}
	}
	if a, ok := in.(*engine.Answer); ok {
		d.calls = slices.DeleteFunc(d.calls, func(o *engine.Op) bool { return o == a.Op && !slices.Contains(sent, o) })
		if i := slices.Index(d.calls, a.Op); i >= 0 && slices.Index(d.calls[i+1:], a.Op) >= 0 {
			d.calls = slices.Delete(d.calls, i, i+1) // answered, and sent again in the same step
		}
	}
	if d.Log != nil {
		d.describe(in, effects, err)
	}
	twinErr := d.twin.Step(d.now, asked, d.order)
	if (err == nil) != (twinErr == nil) {
		return fmt.Errorf("the engine says %v, the twin %v", err, twinErr)
	}
	began := slices.ContainsFunc(effects, func(f engine.Effect) bool { return f.Kind == engine.EraBegan })
	if d.engine.Era() != d.twin.era || began != d.twin.began {
		return fmt.Errorf("the engine is in era %d, began %v, the twin in %d, %v", d.engine.Era(), began, d.twin.era, d.twin.began)
	}
	if again := slices.ContainsFunc(effects, func(f engine.Effect) bool { return f.Kind == engine.Reread && f.Op == nil }); !began && again != (d.readable && errors.Is(err, engine.ErrGap)) {
		return fmt.Errorf("the engine has an entity read: %v, after %v", again, err)
	}
	if d.unlike != nil {
		return d.unlike
	}
	if r, ok := in.(*engine.Receive); ok && r.Old != asked.(*engine.Receive).Old {
		return fmt.Errorf("truth is too old: the engine says %v, the twin %v", r.Old, !r.Old)
	}
	if u, ok := in.(*engine.Undo); ok && u.By != asked.(*engine.Undo).By {
		return fmt.Errorf("the engine undid by %+v, the twin by %+v", u.By, asked.(*engine.Undo).By)
	}
	if err := d.engine.Check(); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if want := reals(d.twin.sent); !slices.Equal(sent, want) {
		return fmt.Errorf("the engine sent %v, the twin %v", d.names(sent), d.names(want))
	}
	if want := d.twin.unseen; !slices.Equal(unseen, want) {
		return fmt.Errorf("the engine tells %v of operations that no view shows, the twin %v", unseen, want)
	}
	slices.Sort(rereads)
	if want := slices.Sorted(slices.Values(d.twin.rereads)); !slices.Equal(rereads, want) {
		return fmt.Errorf("the engine has %v read because all has ended, the twin %v", rereads, want)
	}
	if want := reals(d.twin.aborted); !sameOps(aborted, want) {
		return fmt.Errorf("the engine ends the calls of %v, the twin those of %v", d.names(aborted), d.names(want))
	}
	var want []*engine.Op
	for _, v := range d.twin.buried {
		want = append(want, v.op.real)
	}
	want = slices.DeleteFunc(want, func(o *engine.Op) bool { return o.Type.Pessimistic }) // never in the view
	if _, ok := in.(engine.Tick); ok {                                                    // deadlines that pass at one moment do so in any order
		byPos := func(a, b *engine.Op) int { return int(b.Pos()) - int(a.Pos()) }
		slices.SortFunc(victims, byPos)
		slices.SortFunc(want, byPos)
	}
	if !slices.Equal(victims, want) {
		return fmt.Errorf("the engine rolled back %v, the twin %v", d.names(victims), d.names(want))
	}
	for _, o := range d.twin.settled {
		if d.settled[o.real] != 1 {
			return fmt.Errorf("%s did not settle", o.real.ID(d.engine))
		}
	}
	return d.compare()
}

// copied is an input as it is before the engine has it.
func copied(in engine.Input) engine.Input {
	switch in := in.(type) {
	case *engine.Execute:
		c := *in
		return &c
	case *engine.Batch:
		return &engine.Batch{Items: slices.Clone(in.Items)}
	case *engine.Restore:
		c := *in
		return &c
	case *engine.Receive:
		c := *in
		return &c
	case *engine.Undo:
		c := *in
		if in.Inverse != nil {
			inverse := *in.Inverse
			c.Inverse = &inverse
		}
		return &c
	}
	return in
}

func reals(ops []*op) (out []*engine.Op) {
	for _, o := range ops {
		out = append(out, o.real)
	}
	return out
}

// sameOps compares two lists whose order says nothing.
func sameOps(a, b []*engine.Op) bool {
	bySeq := func(a, b *engine.Op) int { return cmp.Compare(a.Seq(), b.Seq()) }
	slices.SortFunc(a, bySeq)
	slices.SortFunc(b, bySeq)
	return slices.Equal(a, b)
}

func (d *Driver) names(ops []*engine.Op) (out []string) {
	for _, o := range ops {
		out = append(out, fmt.Sprintf("%d:%s", o.Seq(), o.Type.Name))
	}
	return out
}

// facts of one operation, about which engine and twin must agree.
type facts struct {
	State    engine.State
	Outcome  engine.Outcome
	Conflict engine.Resolution
	Attempts int
	Calls    int
	Unknown  bool
	Left     bool
	Pos      uint64
	Due      engine.Time
	Stamp    engine.Timestamp
	Differs  bool
}

func (d *Driver) compare() error {
	for _, id := range ids {
		for _, name := range []string{id, serverNames[id]} {
			if real := d.space.Find(name); real != nil && real.ID() != d.twin.first(name) {
				return fmt.Errorf("by %s the engine finds %s, the twin %s", name, real.ID(), d.twin.first(name))
			}
		}
	}
	for _, ent := range d.twin.entities {
		real := d.space.Find(ent.id)
		if real == nil || real.ID() != ent.id {
			return fmt.Errorf("only the twin holds %s", ent.id)
		}
		value, presence := real.View()
		wantValue, wantPresence := d.twin.view(ent)
		if presence != wantPresence || !ent.same(value, wantValue) {
			return fmt.Errorf("view of %s: the engine shows %v (%d), the twin %v (%d)", ent.id, value, presence, wantValue, wantPresence)
		}
		truth, truthPresence, version := real.Truth()
		if truthPresence != ent.presence || version != ent.version || !ent.same(truth, ent.truth) {
			return fmt.Errorf("truth of %s: the engine holds %v at %d, the twin %v at %d", ent.id, truth, version, ent.truth, ent.version)
		}
		if real.Predicted() != ent.predicted || real.TruthSince() != ent.settledAt {
			return fmt.Errorf("truth of %s: predicted %v since %d for the engine, %v since %d for the twin", ent.id,
				real.Predicted(), real.TruthSince(), ent.predicted, ent.settledAt)
		}
		if n := d.twin.names[ent.id]; real.Nameless() != d.twin.nameless(ent) || n != nil && n.seq != d.pairs[ent.id].Seq {
			return fmt.Errorf("%s is called %q by the engine, the twin knows %+v", ent.id, d.space.ServerName(ent.id), n)
		}
		pending := d.twin.count(ent, func(*op) bool { return true })
		parked := d.twin.count(ent, func(o *op) bool { return o.state == engine.Parked })
		if real.Pending() != pending || real.Parked() != parked || real.Number() != ent.changes {
			return fmt.Errorf("%s: the engine counts %d pending, %d parked, %d changes, the twin %d, %d, %d", ent.id,
				real.Pending(), real.Parked(), real.Number(), pending, parked, ent.changes)
		}
		if real.Unsure() != ent.unsure || d.unsure[ent.id] != ent.unsure {
			return fmt.Errorf("%s: unsure: %v for the engine, which told %v, %v for the twin", ent.id, real.Unsure(), d.unsure[ent.id], ent.unsure)
		}
	}
	for _, o := range d.known {
		t := d.twin.of[o]
		if t == nil || o.Seq() == 0 {
			if t != nil || o.Seq() != 0 {
				return fmt.Errorf("%s: only one of the two accepted it", o.Type.Name)
			}
			continue
		}
		got := facts{o.State(), o.Outcome(), o.Conflict(), o.Attempts(), o.Calls(), o.UnknownOutcome(), o.Left(), o.Pos(), o.Due(), o.Timestamp, o.Differs()}
		want := facts{t.state, t.outcome, t.conflict, t.attempts, t.calls, t.unknown, t.left, t.pos, t.due, t.timestamp, t.differs}
		if got.State != engine.Waiting {
			got.Due, want.Due = 0, 0
		}
		if got != want {
			return fmt.Errorf("%s %s: the engine has %+v, the twin %+v", o.Type.Name, o.ID(d.engine), got, want)
		}
		if t.state != engine.Ended && t.state != engine.Parked && t.failed != (o.Failed() != nil) {
			return fmt.Errorf("%s %s: its latest attempt failed with %v for the engine", o.Type.Name, o.ID(d.engine), o.Failed())
		}
		if found := d.engine.Find(o.ID(d.engine)); (found == o) != (t.state != engine.Ended) {
			return fmt.Errorf("%s %s: by its id %v is found", o.Type.Name, o.ID(d.engine), found)
		}
	}
	switch next, needs := d.engine.NextTick(), d.twin.needs(); {
	case d.paused == (d.twin.online && !d.twin.refused && !d.twin.probing):
		return fmt.Errorf("the engine told last: paused %v", d.paused)
	case d.engine.InFlight() != len(d.twin.calls):
		return fmt.Errorf("the engine has %d calls under way, the twin %d", d.engine.InFlight(), len(d.twin.calls))
	case d.engine.Pending() != len(d.twin.ops):
		return fmt.Errorf("the engine has %d operations, the twin %d", d.engine.Pending(), len(d.twin.ops))
	case d.engine.Idle() != d.twin.idle():
		return fmt.Errorf("only a person can move something: %v for the engine", d.engine.Idle())
	case next > needs:
		return fmt.Errorf("the engine wakes at %d, but is needed at %d", next, needs)
	}
	return d.checkWhy()
}

// describe writes a step down for people.
func (d *Driver) describe(in engine.Input, effects []engine.Effect, err error) {
	what := fmt.Sprintf("%T", in)[len("engine."):]
	switch in := in.(type) {
	case *engine.Execute:
		what += fmt.Sprintf(" %s of %s %q %+v after %v", in.Op.Type.Name, in.Entity, in.Op.Slot, in.Op.Args, d.names(in.After))
	case *engine.Restore:
		what += fmt.Sprintf(" %s of %s %+v pos %d %+v", in.Op.Type.Name, in.Entity, in.Op.Args, in.Pos, in.Kept)
	case *engine.Answer:
		what += fmt.Sprintf(" %v class %d %+v %+v", d.names([]*engine.Op{in.Op}), in.Class, in.Truth, in.More)
	case *engine.Receive:
		what += fmt.Sprintf(" %s %+v", in.Entity, in.Truth)
	case *engine.Piece:
		what += fmt.Sprintf(" %s on %d %+v", in.Entity, in.Follows, in.Truth)
	case *engine.Page:
		what += fmt.Sprintf(" %+v", in.Truths)
	case *engine.Decide:
		what += fmt.Sprintf(" %v %+v", d.names([]*engine.Op{in.Op}), in)
	case engine.Cancel:
		what += fmt.Sprint(d.names([]*engine.Op{in.Op}))
	case *engine.Batch:
		for _, item := range in.Items {
			what += fmt.Sprintf(" %s of %s %+v,", item.Op.Type.Name, item.Entity, item.Op.Args)
		}
	case *engine.Undo:
		what += fmt.Sprintf(" %v", d.names([]*engine.Op{in.Op}))
	case engine.RollbackAll:
		if in.Entity != nil {
			what += " " + in.Entity.ID()
		}
	case engine.SetOnline:
		what += fmt.Sprint(" ", in.Online)
	}
	d.logf("%8.3f %s -> %v", float64(d.now-1000*sec)/float64(sec), what, err)
	for _, f := range effects {
		line := fmt.Sprintf("           kind %d", f.Kind)
		if f.Op != nil {
			line += fmt.Sprint(" ", d.names([]*engine.Op{f.Op}))
		}
		if f.Entity != nil {
			value, _ := f.Entity.View()
			line += fmt.Sprintf(" %s %+v", f.Entity.ID(), value)
		}
		d.logf("%s outcome %d", line, f.Outcome)
	}
}

// Try drives both over the bytes, and tells the story of the run unless tell is nil. A
// panic is a failure as well.
func Try(bytes []byte, tell func(string)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	d := NewDriver(bytes)
	if tell != nil {
		d.Log = func(format string, args ...any) { tell(fmt.Sprintf(format, args...)) }
	}
	return d.Run()
}
