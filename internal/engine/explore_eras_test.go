package engine

import (
	"fmt"
	"testing"
)

// TestExploreEras walks through what can happen around a server that is restored from a
// backup, to a client that takes truth whole, in pieces and without version: taps, answers that the
// old server gave and the new one, holes in the pieces, and crashes, in any order.
func TestExploreEras(t *testing.T) { explore(t, newChronicle, chronicles(), *exploreTime/4) }

func chronicles() (all []choice[*chronicle]) {
	add := func(name string, enabled func(*chronicle) bool, do func(*chronicle) error) {
		all = append(all, choice[*chronicle]{name, enabled, do})
	}
	once := func(*chronicle) bool { return true }
	add("tap", once, (*chronicle).tap)
	add("timer", func(w *chronicle) bool { return w.e.NextTick() != Never }, func(w *chronicle) error {
		w.now = max(w.now, w.e.NextTick())
		return w.step(Tick{})
	})
	under := func(w *chronicle) bool { return len(w.calls) > 0 }
	done := func(w *chronicle) bool { return under(w) && w.calls[0].done }
	add("the server carries it out", func(w *chronicle) bool { return under(w) && !w.calls[0].done }, func(w *chronicle) error {
		w.carryOut(0)
		return nil
	})
	add("answer: truth", done, func(w *chronicle) error {
		return w.answer(0, func(c voyage, in *Answer) { in.Truth = w.truthAt(c.era, c.version) })
	})
	add("answer: version", done, func(w *chronicle) error {
		return w.answer(0, func(c voyage, in *Answer) { in.Truth = Truth{Version: c.version, Era: c.era} })
	})
	// A server that does not name its era must have told of it before.
	add("answer: done", func(w *chronicle) bool { return done(w) && w.calls[0].era <= w.e.era },
		func(w *chronicle) error { return w.answer(0, func(voyage, *Answer) {}) })
	add("answer: refused", func(w *chronicle) bool { return under(w) && !w.calls[0].done && !w.server().done[w.calls[0].op.seq] }, func(w *chronicle) error {
		return w.answer(0, func(_ voyage, in *Answer) { in.Class = Permanent })
	})
	add("no answer", under, func(w *chronicle) error {
		return w.answer(0, func(_ voyage, in *Answer) { in.Class = Unknown })
	})
	add("another client writes", func(w *chronicle) bool { return w.server().now().Others < 2 }, func(w *chronicle) error {
		w.server().write(func(v *moment) { v.Others++ })
		return nil
	})
	add("push", once, func(w *chronicle) error { return w.receive(w.truthAt(w.era(), w.server().version())) })
	pieces := func(w *chronicle) bool { return w.server().version() > 1 }
	add("piece", pieces, func(w *chronicle) error { return w.piece(w.server().version()-1, w.server().version()) })
	add("first piece", func(w *chronicle) bool { return w.server().version() > 2 }, func(w *chronicle) error { return w.piece(1, 2) })
	add("read without version", once, func(w *chronicle) error {
		return w.receive(Truth{Presence: Present, Value: w.server().now()})
	})
	add("restored from a backup", func(w *chronicle) bool { return len(w.eras) == 1 && w.server().version() > 1 }, func(w *chronicle) error {
		w.restored()
		return nil
	})
	add("new era", func(w *chronicle) bool { return w.era() > w.e.era }, func(w *chronicle) error { return w.step(NewEra{w.era()}) })
	add("push of the old server", func(w *chronicle) bool { return len(w.eras) > 1 }, func(w *chronicle) error {
		return w.receive(w.truthAt(1, w.eras[0].version()))
	})
	add("crash", func(w *chronicle) bool { return w.crashes == 0 && w.e.pending > 0 }, func(w *chronicle) error { return w.crash(false) })
	add("crash, calls arrived", func(w *chronicle) bool { return w.crashes == 0 && under(w) }, func(w *chronicle) error { return w.crash(true) })
	return all
}

func (w *chronicle) calmDown() error {
	for n := 0; w.e.pending > 0 || w.e.inFlight > 0; n++ {
		var err error
		switch next := w.e.NextTick(); {
		case n > 100:
			return fmt.Errorf("%d operations never settle", w.e.pending)
		case len(w.calls) > 0:
			if !w.calls[0].done {
				w.carryOut(0)
			}
			err = w.answer(0, func(c voyage, in *Answer) { in.Truth = w.truthAt(c.era, c.version) })
		case next != Never:
			w.now = max(w.now, next)
			err = w.step(Tick{})
		default: // what is acknowledged waits for truth
			err = w.receive(w.truthAt(w.era(), w.server().version()))
		}
		if err != nil {
			return err
		}
	}
	if err := w.receive(w.truthAt(w.era(), w.server().version())); err != nil {
		return err
	}
	holds := w.server().now()
	if value, _ := w.ent().View(); value != any(holds) {
		return fmt.Errorf("%+v is shown, the server holds %+v", value, holds)
	}
	if w.tapped && !w.void && holds.Like != w.on {
		return fmt.Errorf("the last tap wanted %v, the server holds %v", w.on, holds.Like)
	}
	for seq := uint64(1); seq <= w.e.seq; seq++ {
		if w.ends[seq] != 1 {
			return fmt.Errorf("operation %d settled %d times", seq, w.ends[seq])
		}
	}
	return nil
}

func (w *chronicle) fingerprint() []byte {
	ent := w.ent()
	b := fmt.Append(nil, ent.truth, ent.presence, ent.version, ent.floor, ent.outlived, ent.derived, ent.unversioned, ent.predicted,
		ent.doubt != nil, ent.lane.queued, w.e.era, w.crashes, w.tapped, w.on, w.void, max(w.e.NextTick()-w.now, 0))
	for p := ent.first; p != nil; p = p.next {
		o := p.op
		b = fmt.Append(b, o.Args, o.state, o.unknown, o.left, o.attempts, o.Kept(w.now).Version, max(o.due-w.now, 0), o == w.last, w.server().done[o.seq])
		if o.ext != nil && o.ext.behind != nil {
			b = fmt.Append(b, o.ext.behind.Args, o.ext.behind.state)
		}
	}
	for _, c := range w.calls {
		b = fmt.Append(b, c.op.Args, c.op.state, c.op.ext != nil && c.op.ext.outlived, c.op.outcome, c.left, c.done, c.era, c.version, w.server().done[c.op.seq])
	}
	for _, h := range w.eras {
		b = fmt.Append(b, h.at)
	}
	return b
}
