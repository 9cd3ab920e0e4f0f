package engine

import "fmt"

func ferries() (all []choice[*ferry]) {
	add := func(name string, enabled func(*ferry) bool, do func(*ferry) error) {
		all = append(all, choice[*ferry]{name, enabled, do})
	}
	always := func(*ferry) bool { return true }
	add("group", func(w *ferry) bool { return w.groups < 3 }, func(w *ferry) error {
		w.groups++
		w.last, w.void = &Op{Type: w.groupType(), Args: w.groups}, false
		return w.execute(&Execute{Op: w.last, Group: w.parts()})
	})
	add("tap like a", always, func(w *ferry) error {
		value, _ := w.ent(0).View()
		v, _ := value.(freight)
		return w.execute(&Execute{Space: w.space, Entity: "a", Op: &Op{Type: ferryLike, Args: !v.Like, Slot: "like"}})
	})
	add("timer", func(w *ferry) bool { return w.e.NextTick() != Never }, func(w *ferry) error {
		w.now = max(w.now, w.e.NextTick())
		return w.step(Tick{})
	})
	under := func(w *ferry) bool { return len(w.calls) > 0 }
	group := func(w *ferry) bool { return under(w) && w.calls[0].Group() }
	for _, tells := range []struct {
		says
		name string
	}{{nothing, "silent"}, {ofFirst, "of the first"}, {ofBoth, "of both"}} {
		enabled := group
		if tells.says != ofBoth { // it is the only word about one entity
			enabled = under
		}
		add("ok, "+tells.name, enabled, func(w *ferry) error { return w.answer(0, OK, true, tells.says) })
		if tells.says == nothing {
			continue
		}
		for _, c := range []Choice{KeepMine, TakeTheirs, Fail} {
			add(fmt.Sprintf("conflict, %s: choice %d", tells.name, c), func(w *ferry) bool { return group(w) && w.held[0].Others < 2 }, func(w *ferry) error {
				w.choice = c
				return w.answer(0, Conflicting, false, tells.says)
			})
		}
	}
	add("refused", under, func(w *ferry) error { return w.answer(0, Permanent, false, nothing) })
	add("lost answer", under, func(w *ferry) error { return w.answer(0, Unknown, true, nothing) })
	add("lost request", under, func(w *ferry) error { return w.answer(0, Unknown, false, nothing) })
	for i := range entityNames {
		add("push "+entityNames[i], always, func(w *ferry) error { return w.push(i, nil) })
		add("push that names the group: "+entityNames[i],
			func(w *ferry) bool { return w.last != nil && w.last.state != Ended && w.done[w.last.seq] },
			func(w *ferry) error { return w.push(i, w.last) })
	}
	add("cancel", func(w *ferry) bool { return w.last != nil && w.last.state != Ended }, func(w *ferry) error {
		return w.step(Cancel{Op: w.last})
	})
	add("crash", func(w *ferry) bool { return w.crashes == 0 && w.e.pending > 0 }, func(w *ferry) error { return w.crash(false) })
	add("crash, calls arrived", func(w *ferry) bool { return w.crashes == 0 && under(w) }, func(w *ferry) error { return w.crash(true) })
	return all
}

func (w *ferry) calmDown() error {
	w.choice = KeepMine
	for n := 0; w.e.pending > 0 || w.e.inFlight > 0; n++ {
		var err error
		switch next := w.e.NextTick(); {
		case n > 100:
			return fmt.Errorf("%d operations never settle", w.e.pending)
		case len(w.calls) > 0:
			err = w.answer(0, OK, true, ofBoth)
		case next != Never:
			w.now = max(w.now, next)
			err = w.step(Tick{})
		default:
			return fmt.Errorf("%d operations wait for nothing", w.e.pending)
		}
		if err != nil {
			return err
		}
	}
	for i := range entityNames {
		if err := w.push(i, nil); err != nil {
			return err
		}
		if value, _ := w.ent(i).View(); value != any(w.held[i]) {
			return fmt.Errorf("%s shows %+v, the server holds %+v", entityNames[i], value, w.held[i])
		}
		if w.last != nil && !w.void && w.held[i].Last != w.last.Args.(uint8) {
			return fmt.Errorf("the last group is %d, the server holds %+v", w.last.Args, w.held[i])
		}
	}
	for seq := uint64(1); seq <= w.e.seq; seq++ {
		if w.ends[seq] != 1 {
			return fmt.Errorf("operation %d settled %d times", seq, w.ends[seq])
		}
	}
	return nil
}

func (w *ferry) fingerprint() []byte {
	b := fmt.Append(nil, w.held, w.version, w.groups, w.void, w.crashes, max(w.e.NextTick()-w.now, 0))
	for i := range entityNames {
		ent := w.ent(i)
		b = fmt.Append(b, ent.truth, ent.presence, ent.version, ent.floor, ent.predicted, ent.doubt != nil, ent.lane.queued, ent.lane.flight != nil)
		for p := ent.first; p != nil; p = p.next {
			o := p.op
			b = fmt.Append(b, o.Type.Name, o.Args, o.state, o.unknown, o.left, o.attempts, o.Kept(w.now).Conflicts, max(o.due-w.now, 0), p.contained, w.done[o.seq])
		}
	}
	for _, o := range w.calls {
		b = fmt.Append(b, o.Args, o.state, o.outcome, w.done[o.seq], w.bases[o])
	}
	return b
}
