package engine

import (
	"errors"
	"fmt"
	"slices"
)

// moment is the state of the one entity in a history of the server.
type moment struct {
	Like   bool
	Others uint8 // changes by other clients
}

// history is one era of the server: what it held at each version, from 1 on, and the keys that
// it has carried out.
type history struct {
	at   []moment
	done map[uint64]bool
}

func (h *history) version() uint64 { return uint64(len(h.at)) }

func (h *history) now() moment { return h.at[len(h.at)-1] }

func (h *history) write(change func(*moment)) {
	v := h.now()
	change(&v)
	h.at = append(h.at, v)
}

// voyage is a call under way. done: a server has carried it out, in that era and to that version.
type voyage struct {
	op      *Op
	left    uint64 // in which era the client was
	done    bool
	era     uint64
	version uint64
}

// chronicle is one engine, and a server that is restored from a backup once: it begins a
// second era, in which its versions and keys begin again. Truth comes whole and in pieces.
type chronicle struct {
	e     *Engine
	space *Space
	now   Time
	stamp Timestamp
	eras  []*history // the last is the server's; era n is eras[n-1]
	calls []voyage
	known []*Op
	ends  map[uint64]int

	tapped, on bool
	last       *Op  // of the last tap, when it is settled its successor
	void       bool // something happened after which the server may rightly hold something else
	crashes    int
}

var chronicleLike = &Type{
	Name: "like", Family: "like", SameArgs: func(a, b any) bool { return a == b }, MaxConflicts: 1,
	Debounce: Debounce{Wait: 3e8, MaxWait: 2e9}, Retry: Retry{Max: 1, Base: 1e9, Cap: 4e9},
	Apply: func(value, args any) (any, error) {
		v := value.(moment)
		v.Like = args.(bool)
		return v, nil
	},
}

func newChronicle() *chronicle {
	w := &chronicle{now: 1e12, ends: make(map[uint64]int)}
	w.eras = []*history{{at: make([]moment, 1), done: make(map[uint64]bool)}}
	cfg := exploreConfig
	cfg.Era = 1
	if err := w.boot(cfg); err != nil {
		panic(err)
	}
	return w
}

func (w *chronicle) boot(cfg Config) error {
	w.e, w.space = New(cfg), NewSpace("m")
	w.space.Equal = func(a, b any) bool { return a == b }
	w.space.Readable = true
	w.e.Pin(w.space, "a")
	return w.receive(w.truthAt(w.era(), w.server().version()))
}

func (w *chronicle) server() *history { return w.eras[len(w.eras)-1] }

// era is the server's.
func (w *chronicle) era() uint64 { return uint64(len(w.eras)) }

func (w *chronicle) ent() *Entity { return w.space.entities["a"] }

// truthAt is the truth of a version in an era, which it names.
func (w *chronicle) truthAt(era, version uint64) Truth {
	return Truth{Presence: Present, Value: w.eras[era-1].at[version-1], Version: version, Era: era}
}

func (w *chronicle) receive(t Truth) error {
	return w.step(&Receive{EntityTruth: EntityTruth{Space: w.space, Entity: "a", Truth: t}})
}

// piece is the change from one version of the server to a later one.
func (w *chronicle) piece(from, to uint64) error {
	before, after := w.server().at[from-1], w.server().at[to-1]
	held, exact := w.ent().version, !w.ent().derived
	newer := w.era() > w.e.era
	err := w.step(&Piece{
		Space: w.space, Entity: "a", Follows: from, Truth: Truth{Version: to, Era: w.era()},
		Change: func(value any) any {
			v := value.(moment)
			if before.Like != after.Like {
				v.Like = after.Like
			}
			v.Others += after.Others - before.Others
			return v
		},
	})
	switch fits := !newer && exact && held == from; {
	case fits && err != nil:
		return fmt.Errorf("the piece from %d to %d is refused: %w", from, to, err)
	case errors.Is(err, ErrGap) && !fits && (newer || to > held): // the shell reads the entity then, or later
		return nil
	}
	return err
}

// step gives the engine one input, and checks what must hold after every step.
func (w *chronicle) step(in Input) error {
	era, outlived := w.e.era, w.ent() != nil && w.ent().outlived
	effects, err := w.e.Step(w.now, in)
	if err != nil && !errors.Is(err, ErrGap) {
		return fmt.Errorf("refused: %w", err)
	}
	began := 0
	for _, f := range effects {
		switch f.Kind {
		case Send:
			w.calls = append(w.calls, voyage{op: f.Op, left: w.e.era})
		case EraBegan:
			began++
		case Changed:
			if cause := errors.Is(f.Err, ErrNewEra); cause != (outlived && !w.ent().outlived) && era == w.e.era {
				return fmt.Errorf("a change in the view has a new era for its cause: %v", cause)
			}
		case OpSettled:
			if w.ends[f.Op.seq]++; w.ends[f.Op.seq] > 1 {
				return fmt.Errorf("operation %d settled twice", f.Op.seq)
			}
			if f.Op == w.last && f.Successor != nil {
				w.last = f.Successor
			}
			w.void = w.void || f.Op == w.last && (f.Outcome == RolledBack || f.Outcome == Cancelled || w.e.era < w.era())
		}
	}
	if err := w.e.Check(); err != nil {
		return err
	}
	if (began > 0) != (w.e.era > era) || began > 1 {
		return fmt.Errorf("from era %d to era %d, and %d began", era, w.e.era, began)
	}
	w.known = slices.DeleteFunc(w.known, func(o *Op) bool { return o.state == Ended })
	if serr := w.truthIsHistory(); serr != nil {
		return serr
	}
	return err
}

// truthIsHistory: a value that the server told with a version is that version's of the era held.
func (w *chronicle) truthIsHistory() error {
	ent := w.ent()
	if ent == nil || ent.version == 0 || ent.presence == NotLoaded {
		return nil
	}
	h := w.eras[w.e.era-1]
	if ent.version > h.version() {
		return fmt.Errorf("version %d is held, era %d has only %d", ent.version, w.e.era, h.version())
	}
	if !ent.derived && ent.truth != any(h.at[ent.version-1]) {
		return fmt.Errorf("version %d of era %d is held as %+v, the server had %+v", ent.version, w.e.era, ent.truth, h.at[ent.version-1])
	}
	return nil
}

// tap asks for the opposite of what is shown. A tap on what an earlier era held, before the
// client knows that there is another, may rightly come to nothing.
func (w *chronicle) tap() error {
	value, _ := w.ent().View()
	v, _ := value.(moment)
	w.stamp++
	o := &Op{Type: chronicleLike, Args: !v.Like, Slot: "like", Timestamp: w.stamp}
	w.tapped, w.on, w.void, w.last = true, !v.Like, w.e.era < w.era(), o
	w.known = append(w.known, o)
	err := w.step(&Execute{Space: w.space, Entity: "a", Op: o})
	if joined := o.JoinedTo(); joined != nil && w.last == o {
		w.last = joined
	}
	return err
}

// carryOut has the server take the nth call.
func (w *chronicle) carryOut(n int) {
	c, h := &w.calls[n], w.server()
	if !h.done[c.op.seq] {
		h.done[c.op.seq] = true
		h.write(func(v *moment) { v.Like = c.op.Args.(bool) })
	}
	c.done, c.era, c.version = true, w.era(), h.version()
}

// answer ends the nth call, as the server that carried it out says it.
func (w *chronicle) answer(n int, say func(c voyage, in *Answer)) error {
	c := w.calls[n]
	w.calls = slices.Delete(w.calls, n, n+1)
	in := &Answer{Op: c.op}
	say(c, in)
	return w.step(in)
}

// restored: the server goes back to its first state, in a new era. It may lose what it had
// confirmed.
func (w *chronicle) restored() {
	w.eras = append(w.eras, &history{at: w.eras[0].at[:1:1], done: make(map[uint64]bool)})
	w.void = w.void || w.last != nil && w.last.state == Ended
}

// crash ends the process; calls under way reached the server or did not. The journal has the era.
func (w *chronicle) crash(reached bool) error {
	for n := range w.calls {
		if reached && !w.calls[n].done {
			w.carryOut(n)
		}
	}
	var all []*Restore
	was := make(map[*Op]*Op)
	for o := range w.e.Every {
		in := &Restore{
			ID: o.ID(w.e), Seq: o.seq, Pos: o.pos, Kept: o.Kept(w.now), Err: o.ParkedFor(),
			Execute: Execute{Entity: "a", Op: &Op{Type: o.Type, Args: o.Args, Slot: o.Slot, Timestamp: o.Timestamp}},
		}
		all, was[o] = append(all, in), in.Op
	}
	slices.SortFunc(all, func(a, b *Restore) int { return int(a.Pos) - int(b.Pos) })
	cfg := exploreConfig
	cfg.Seq, cfg.Era = w.e.seq, w.e.era
	w.calls, w.known = nil, nil
	w.crashes++
	if o := was[w.last]; o != nil {
		w.last = o
	}
	w.e, w.space = New(cfg), NewSpace("m")
	w.space.Equal = func(a, b any) bool { return a == b }
	w.space.Readable = true
	w.e.Pin(w.space, "a")
	w.e.ShutGate(true)
	for _, in := range all {
		in.Space = w.space
		w.known = append(w.known, in.Op)
		if err := w.step(in); err != nil {
			return err
		}
	}
	w.e.ShutGate(false)
	return w.step(Tick{})
}
