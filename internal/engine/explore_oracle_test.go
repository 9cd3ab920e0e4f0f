package engine

import (
	"fmt"
)

// calmDown lets every fault stop: the network is there, every call is answered, what
// is parked is tried again, and truth comes. Then it looks at the end.
func (w *world) calmDown() error {
	if err := w.step(SetOnline{Online: true}); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n > 200 {
			return fmt.Errorf("%d operations never settle", w.e.pending)
		}
		switch next := w.e.NextTick(); {
		case len(w.calls) > 0:
			if err := w.answer(0, OK, true); err != nil {
				return err
			}
		case next != Never:
			w.now = max(w.now, next)
			if err := w.step(Tick{}); err != nil {
				return err
			}
		case w.e.parked > 0:
			for _, o := range w.known {
				if o.state == Parked {
					if err := w.step(&Decide{Op: o}); err != nil {
						return err
					}
					break
				}
			}
		case w.e.pending > 0: // what is acknowledged waits for truth
			for i := range w.servers {
				if err := w.push(i, w.servers[i].truth()); err != nil {
					return err
				}
			}
		default:
			return w.atRest()
		}
	}
}

// atRest holds the oracles of quiescence.
func (w *world) atRest() error {
	if w.e.pending != 0 || w.e.inFlight != 0 {
		return fmt.Errorf("at rest with %d operations and %d calls", w.e.pending, w.e.inFlight)
	}
	for i := range w.servers {
		s := &w.servers[i]
		for kind, in := range w.intents[i] {
			holds := s.value.Like
			if kind == 1 {
				holds = s.value.Save
			}
			if in.tapped && !in.void && holds != in.on {
				return fmt.Errorf("the last tap on %s %d wanted %v, the server holds %v", entityNames[i], kind, in.on, holds)
			}
		}
		if err := w.push(i, s.truth()); err != nil {
			return err
		}
		if value, _ := w.ent(i).View(); value != any(s.value) {
			return fmt.Errorf("%s shows %+v, the server holds %+v", entityNames[i], value, s.value)
		}
	}
	for seq := uint64(1); seq <= w.e.seq; seq++ {
		if w.ends[seq] != 1 {
			return fmt.Errorf("operation %d settled %d times", seq, w.ends[seq])
		}
	}
	return nil
}

// fingerprint is the state without what cannot make a difference: times count from
// now, operations by their order, and what has ended only as far as a call of it is
// under way.
func (w *world) fingerprint() []byte {
	seen := digest{make([]byte, 0, 256), w.now}
	number, flag, after := seen.number, seen.flag, seen.after
	value := func(v any) {
		m, _ := v.(model)
		flag(m.Like, m.Save)
		number(uint64(m.Others))
	}
	for i := range w.servers {
		ent, s := w.ent(i), &w.servers[i]
		value(s.value)
		number(s.version, ent.version, uint64(ent.presence))
		value(ent.truth)
		flag(ent.doubt != nil, ent.lane.queued, ent.lane.flight != nil && ent.lane.flight.state == Ended, w.e.gate.silent[ent.laneName()])
		flag(ent.unversioned, w.misled[i])
		if ent.doubt != nil {
			number(ent.doubt.version)
		}
		for o := range ent.Ops {
			args := o.Args.(wish)
			number(1, uint64(o.state), uint64(o.attempts), uint64(o.Kept(w.now).Conflicts), uint64(o.Conflict()))
			flag(args.on, args.save, o.left, o.unknown, o.ext != nil && o.ext.unclassified, o.timer != 0, s.done[o.seq])
			if o.state == Acked {
				number(o.ext.version)
			}
			if o.ext != nil && o.ext.behind != nil {
				flag(true, o.ext.behind.Args.(wish).on, o.ext.behind.state == Ended, o.ext.behind.accepted())
			}
			after(o.due)
			if !o.left {
				after(o.burst + o.Type.Debounce.MaxWait)
			}
		}
		number(0)
		for _, in := range w.intents[i] {
			flag(in.tapped, in.on, in.void)
		}
	}
	for _, o := range w.calls {
		flag(o.state == Ended, w.e.gate.probe == o, o.outcome == Confirmed, w.servers[w.indexOf(o)].done[o.seq], o.Args.(wish).on, o.Args.(wish).save)
		number(uint64(w.indexOf(o)))
	}
	g := &w.e.gate
	flag(g.online, g.unauthenticated, g.probing, g.probe != nil, w.crashes > 0)
	number(uint64(g.probes))
	after(g.until)
	after(w.e.NextTick())
	if len(w.known) > 0 {
		number(uint64(w.indexOf(w.known[0])), uint64(w.known[0].state))
	}
	return seen.b
}
