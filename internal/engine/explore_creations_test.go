package engine

import (
	"fmt"
	"slices"
	"testing"
)

// TestExploreCreations walks through what can happen to an entity of which nothing is
// known at first, and which is made, changed and removed.
func TestExploreCreations(t *testing.T) {
	explore(t, newNursery, births(), *exploreTime/2)
}

// child is the state of the entity on its server.
type child struct {
	Text  int
	Like  bool
	Marks uint8
}

type deed struct {
	text int
	like bool
	mark uint8
}

func (c child) apply(typ string, d deed) child {
	switch typ {
	case "make", "title":
		c.Text = d.text
	case "like":
		c.Like = d.like
	case "mark":
		c.Marks |= d.mark
	}
	return c
}

func birthType(name, family string, kind Kind, onFailure FailurePolicy) *Type {
	t := &Type{
		Name: name, Family: family, Kind: kind, Failure: onFailure,
		SameArgs: func(a, b any) bool { return a == b },
		Retry:    Retry{Max: 1, Base: 1e9, Cap: 4e9},
	}
	if family != "" {
		t.Debounce = Debounce{Wait: 300e6, MaxWait: 2e9}
	}
	if kind != Delete {
		t.Apply = func(value, args any) (any, error) {
			c, _ := value.(child)
			return c.apply(name, args.(deed)), nil
		}
	}
	return t
}

var (
	birthMake  = birthType("make", "text", Create, Park)
	birthTitle = birthType("title", "text", Change, Revert) // the creation's own slot
	birthLike  = birthType("like", "like", Change, Revert)
	birthMark  = birthType("mark", "", Change, Park) // no slot
	birthDrop  = birthType("drop", "", Delete, Revert)
)

// tie is the creation on which an operation stands, and how often the server had made the
// entity by then.
type tie struct {
	creation *Op
	made     int
}

// nursery is one engine, one entity and its server.
type nursery struct {
	e     *Engine
	space *Space
	now   Time
	stamp Timestamp

	there   bool // on the server
	value   child
	version uint64
	made    int
	done    map[uint64]bool

	call    *Op // under way
	known   []*Op
	ends    map[uint64]Outcome
	ties    map[uint64]tie
	doubted map[uint64]bool // nobody knows how an attempt ended
	reached map[uint64]bool // nobody knew when it ended whether the server has it
	charged map[uint64]int  // failures that were answered, since a person decided
	retried map[uint64]bool
	// removed is made when a deletion was confirmed last; -1: none was. One that was not
	// sent says nothing about what others make.
	removed int
	dropped int    // made, when a deletion came to the server last
	asked   bool   // it was sent
	maker   uint64 // of what is there
	ours    bool   // what is there was made by this client
	marks   int
	crashes int
}

func newNursery() *nursery {
	w := &nursery{
		now: 1e12, version: 1, removed: -1, done: make(map[uint64]bool), ends: make(map[uint64]Outcome), ties: make(map[uint64]tie),
		doubted: make(map[uint64]bool), reached: make(map[uint64]bool), charged: make(map[uint64]int), retried: make(map[uint64]bool),
	}
	w.boot(exploreConfig)
	return w
}

func (w *nursery) boot(cfg Config) {
	w.e, w.space = New(cfg), NewSpace("m")
	w.space.Equal = func(a, b any) bool { return a == b }
	w.e.Pin(w.space, "a")
}

func (w *nursery) ent() *Entity { return w.space.entities["a"] }

func (w *nursery) seen() bool {
	_, presence := w.ent().View()
	return presence == Present
}

func births() (all []choice[*nursery]) {
	add := func(name string, enabled func(*nursery) bool, do func(*nursery) error) {
		all = append(all, choice[*nursery]{name, enabled, do})
	}
	seen := (*nursery).seen
	// An id is new: in a life that knows nothing of what the last one made, nobody makes it.
	add("make", func(w *nursery) bool { return !w.seen() && (w.crashes == 0 || w.ent().presence != NotLoaded) }, func(w *nursery) error { return w.tap(birthMake, "text", deed{text: 1}) })
	add("title", seen, func(w *nursery) error { return w.tap(birthTitle, "text", deed{text: 2}) })
	add("like", seen, func(w *nursery) error {
		value, _ := w.ent().View()
		return w.tap(birthLike, "like", deed{like: !value.(child).Like})
	})
	add("mark", func(w *nursery) bool { return w.seen() && w.marks < 2 }, func(w *nursery) error {
		w.marks++
		return w.tap(birthMark, "", deed{mark: 1 << w.marks})
	})
	add("drop", seen, func(w *nursery) error { return w.tap(birthDrop, "", deed{}) })
	add("timer", func(w *nursery) bool { return w.e.NextTick() != Never }, (*nursery).tick)
	called := func(w *nursery) bool { return w.call != nil }
	add("the call arrives", func(w *nursery) bool { return w.call != nil && !w.done[w.call.seq] && w.possible(w.call) },
		func(w *nursery) error { w.process(w.call); return nil })
	add("ok", called, func(w *nursery) error { return w.answer(OK, true) })
	for _, a := range []struct {
		name  string
		class Class
	}{{"transient", Transient}, {"permanent", Permanent}, {"lost", Unknown}} {
		add(a.name, called, func(w *nursery) error { return w.answer(a.class, false) })
	}
	add("transient, done", called, func(w *nursery) error { return w.breaks() })
	add("push", func(w *nursery) bool { return w.ent().version < w.version }, (*nursery).push)
	add("somebody makes it", func(w *nursery) bool { return !w.there && w.made < 3 }, func(w *nursery) error {
		w.there, w.value = true, child{Text: 9}
		w.version++
		w.made++
		w.ours = false
		return nil
	})
	add("somebody removes it", func(w *nursery) bool { return w.there }, func(w *nursery) error {
		w.there, w.value = false, child{}
		w.version++
		return nil
	})
	oldest := func(w *nursery) bool { return len(w.known) > 0 }
	add("cancel the oldest", oldest, func(w *nursery) error { return w.step(Cancel{Op: w.known[0]}) })
	add("cancel the newest", func(w *nursery) bool { return len(w.known) > 1 },
		func(w *nursery) error { return w.step(Cancel{Op: w.known[len(w.known)-1]}) })
	parked := func(w *nursery) bool { return w.e.parked > 0 }
	add("retry", parked, func(w *nursery) error { return w.decide(false) })
	add("discard", parked, func(w *nursery) error { return w.decide(true) })
	add("crash", func(w *nursery) bool { return w.crashes == 0 && w.e.pending > 0 }, (*nursery).crash)
	return all
}

// step gives the engine one input, and checks what must hold after every step.
func (w *nursery) step(in Input) error {
	effects, err := w.e.Step(w.now, in)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for _, f := range effects {
		switch f.Kind {
		case Send:
			if w.call != nil {
				return fmt.Errorf("two calls of one lane")
			}
			w.call = f.Op
			if err := w.leaves(f.Op); err != nil {
				return err
			}
		case OpSettled:
			if _, twice := w.ends[f.Op.seq]; twice {
				return fmt.Errorf("operation %d settled twice", f.Op.seq)
			}
			w.ends[f.Op.seq] = f.Outcome
			w.reached[f.Op.seq] = w.doubted[f.Op.seq] || w.call == f.Op || w.ent().inDoubt()
			if f.Op.Type == birthDrop && f.Outcome == Confirmed {
				w.removed, w.asked = w.made, f.Op.calls > 0
				if w.done[f.Op.seq] {
					w.removed = w.dropped
				}
			}
		}
	}
	w.known = slices.DeleteFunc(w.known, func(o *Op) bool { return o.seq == 0 || o.state == Ended }) // or joined
	return w.e.Check()
}

// leaves checks that nothing is sent which stands on a creation that came to nothing.
func (w *nursery) leaves(o *Op) error {
	t, ok := w.ties[o.seq]
	if !ok || w.made != t.made {
		return nil
	}
	end := w.ends[t.creation.seq]
	if end != RolledBack && end != Cancelled || o.Type == birthDrop && w.reached[t.creation.seq] {
		return nil
	}
	return fmt.Errorf("%s %d is sent, though the creation %d came to nothing", o.Type.Name, o.seq, t.creation.seq)
}

// leaving reports whether an unsettled deletion hides the entity.
func (w *nursery) leaving() bool {
	maker := w.lastMaker()
	return maker != nil && maker.Type == birthDrop
}

// lastMaker makes or removes the entity, and is unsettled; nil: nothing is.
func (w *nursery) lastMaker() (maker *Op) {
	for o := range w.ent().Ops {
		if o.Type.Kind != Change {
			maker = o
		}
	}
	return maker
}

func (w *nursery) tap(typ *Type, slot string, d deed) error {
	maker := w.lastMaker()
	_, presence, _ := w.ent().Truth()
	w.stamp++
	o := &Op{Type: typ, Args: d, Slot: slot, Timestamp: w.stamp}
	w.known = append(w.known, o)
	if err := w.step(&Execute{Space: w.space, Entity: "a", Op: o}); err != nil {
		return err
	}
	if maker != nil && maker.Type == birthMake && maker.state != Acked && typ != birthMake && presence != Present && !w.there && o.state != Ended {
		w.ties[o.seq] = tie{maker, w.made}
	}
	return nil
}

func (w *nursery) tick() error {
	w.now = max(w.now, w.e.NextTick())
	return w.step(Tick{})
}

// possible reports whether the server can do what is asked.
func (w *nursery) possible(o *Op) bool { return (o.Type == birthMake) != w.there }

func (w *nursery) process(o *Op) {
	if w.done[o.seq] {
		return
	}
	w.done[o.seq] = true
	w.version++
	switch o.Type {
	case birthMake:
		w.there, w.value = true, child{}.apply(o.Type.Name, o.Args.(deed))
		w.made++
		w.ours, w.maker = true, o.seq
	case birthDrop:
		w.there, w.value, w.dropped = false, child{}, w.made
	default:
		w.value = w.value.apply(o.Type.Name, o.Args.(deed))
	}
}

func (w *nursery) truth() Truth {
	if !w.there {
		return Truth{Presence: Absent, Version: w.version}
	}
	return Truth{Presence: Present, Value: w.value, Version: w.version}
}

func (w *nursery) push() error {
	return w.step(&Receive{EntityTruth: EntityTruth{Space: w.space, Entity: "a", Truth: w.truth()}})
}

// answer ends the call. What the server cannot do it refuses, with truth; asked: it comes to it.
func (w *nursery) answer(class Class, asked bool) error {
	o := w.call
	w.call = nil
	in := &Answer{Op: o, Class: class}
	switch {
	case w.done[o.seq] && class == Transient:
		in.Unclassified, w.doubted[o.seq] = true, true // no server says so of what it has done
	case w.done[o.seq] && class == Permanent:
		in.Class, in.Truth = OK, w.truth() // the same key has the same answer
	case asked && !w.done[o.seq] && !w.possible(o):
		in.Class, in.Truth = Permanent, w.truth()
	case asked:
		w.process(o)
		in.Truth = w.truth()
	}
	switch in.Class {
	case OK, Permanent:
		w.doubted[o.seq] = false
	case Unknown:
		w.doubted[o.seq] = true
	case Transient:
		if w.charged[o.seq]++; w.charged[o.seq] > 1+o.Type.Retry.Max {
			return fmt.Errorf("%d attempts of %d were answered", w.charged[o.seq], o.seq)
		}
	}
	return w.step(in)
}

// breaks ends the call, which arrived, in a way that nobody has classified.
func (w *nursery) breaks() error {
	o := w.call
	w.call = nil
	if w.possible(o) {
		w.process(o)
	}
	w.doubted[o.seq] = true
	return w.step(&Answer{Op: o, Class: Transient, Unclassified: true})
}

// decide is a person, about what was parked first.
func (w *nursery) decide(discard bool) error {
	for _, o := range w.known {
		if o.state == Parked {
			w.retried[o.seq] = true
			w.charged[o.seq] = 0
			return w.step(&Decide{Op: o, Discard: discard})
		}
	}
	return fmt.Errorf("what is parked is nowhere")
}

// crash ends the process. A call under way is lost, unless it has arrived.
func (w *nursery) crash() error {
	var all []*Restore
	for o := range w.ent().Ops {
		if o.state == InFlight {
			w.doubted[o.seq] = true
		}
		all = append(all, &Restore{
			ID: o.ID(w.e), Seq: o.seq, Pos: o.pos, Kept: o.Kept(w.now), Err: o.ParkedFor(),
			Execute: Execute{Entity: "a", Op: &Op{Type: o.Type, Args: o.Args, Slot: o.Slot, Timestamp: o.Timestamp}},
		})
	}
	cfg := exploreConfig
	cfg.Seq = w.e.seq
	w.boot(cfg)
	w.call, w.known = nil, nil
	w.crashes++
	if _, ended := w.ends[w.maker]; ended {
		w.ours = false // that an entity is unsure is not kept, and truth is not either
	}
	w.e.ShutGate(true)
	for _, k := range all {
		k.Space = w.space
		w.known = append(w.known, k.Op)
		if err := w.step(k); err != nil {
			return err
		}
	}
	w.e.ShutGate(false)
	return w.step(Tick{})
}

// calmDown lets every fault stop: calls are answered, what is parked is tried once more
// and then discarded, and truth comes.
func (w *nursery) calmDown() error {
	for n := 0; w.e.pending > 0 || w.e.inFlight > 0; n++ {
		if n > 200 {
			return fmt.Errorf("%d operations never settle", w.e.pending)
		}
		var err error
		switch i := slices.IndexFunc(w.known, func(o *Op) bool { return o.state == Parked }); {
		case w.call != nil:
			err = w.answer(OK, true)
		case w.e.NextTick() != Never:
			err = w.tick()
		case i >= 0:
			if err = w.push(); err == nil && w.e.parked > 0 && !w.seen() && !w.leaving() {
				return fmt.Errorf("something is parked, and nothing is there")
			}
			if i = slices.IndexFunc(w.known, func(o *Op) bool { return o.state == Parked }); err == nil && i >= 0 {
				err = w.decide(w.retried[w.known[i].seq])
			}
		default:
			err = w.push()
		}
		if err != nil {
			return err
		}
	}
	return w.atRest()
}

// atRest holds the oracles of quiescence.
func (w *nursery) atRest() error {
	if err := w.push(); err != nil {
		return err
	}
	if value, presence := w.ent().View(); (presence == Present) != w.there || w.there && value != any(w.value) {
		return fmt.Errorf("the view shows %+v (presence %d), the server holds %+v (%v)", value, presence, w.value, w.there)
	}
	for seq := uint64(1); seq <= w.e.seq; seq++ {
		if _, ok := w.ends[seq]; !ok {
			return fmt.Errorf("operation %d never settled", seq)
		}
	}
	if w.there && w.removed == w.made && (w.asked || w.ours) {
		return fmt.Errorf("the server holds what was removed, and nobody made it again")
	}
	return nil
}

func (w *nursery) fingerprint() []byte {
	seen := digest{make([]byte, 0, 128), w.now}
	number, flag, after := seen.number, seen.flag, seen.after
	behind := func(version uint64) { // versions count from the server's
		if version > 0 {
			version = 1 + w.version - version
		}
		number(version)
	}
	value := func(v any) {
		c, _ := v.(child)
		flag(c.Like)
		number(uint64(c.Text), uint64(c.Marks))
	}
	ent := w.ent()
	value(w.value)
	value(ent.truth)
	behind(ent.version)
	number(uint64(ent.presence), uint64(w.marks), uint64(min(w.made, 3)))
	flag(w.there, ent.doubt != nil, ent.unversioned, ent.lane.queued, w.crashes > 0, w.removed == w.made, w.asked, w.ours, w.dropped == w.made, w.e.gate.silent[ent.laneName()],
		w.e.gate.probing, w.call != nil)
	if ent.doubt != nil {
		behind(ent.doubt.version)
	}
	op := func(o *Op) {
		d := o.Args.(deed)
		number(uint64(o.Type.Name[0])+uint64(o.Type.Name[1])<<8, uint64(d.text), uint64(d.mark), uint64(o.state), uint64(o.outcome), uint64(o.attempts),
			uint64(o.answeredAttempts()), uint64(w.charged[o.seq]))
		t, tied := w.ties[o.seq]
		flag(d.like, o.left, o.unknown, o.ext != nil && o.ext.unclassified, o.timer != 0, o.Stands(), w.done[o.seq], w.doubted[o.seq], w.retried[o.seq],
			tied && t.made == w.made, tied && t.creation.state == Ended)
		if o.state == Acked {
			behind(o.ext.version)
		}
		if o.ext != nil && o.ext.behind != nil {
			flag(true, o.ext.behind.Args.(deed).like, o.ext.behind.state == Ended, o.ext.behind.accepted())
		}
		after(o.due)
		if !o.left {
			after(o.burst + o.Type.Debounce.MaxWait)
		}
	}
	for o := range ent.Ops {
		op(o)
	}
	number(0)
	if w.call != nil {
		op(w.call)
	}
	for _, o := range w.known { // the order of decisions
		number(uint64(o.pos - w.known[0].pos))
	}
	after(w.e.gate.until)
	after(w.e.NextTick())
	return seen.b
}
