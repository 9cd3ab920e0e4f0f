package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestExploreNames walks through what can happen to an entity whose id the server makes:
// answers, pushes under the server's name, taps by both names, references from another
// entity, cancelling and crashes, in any order.
func TestExploreNames(t *testing.T) {
	explore(t, newRegistrar, namings(), *exploreTime/2)
}

// christening is the state of the entity that the server names, and of the one that refers.
type christening struct {
	Like bool
	Refs uint8
}

func namingType(name string, kind Kind, apply func(c christening, args any) christening) *Type {
	t := &Type{
		Name: name, Family: name, Kind: kind, ServerID: kind == Create,
		SameArgs: func(a, b any) bool { return a == b }, Retry: Retry{Max: 1, Base: 1e9, Cap: 4e9},
	}
	if apply != nil {
		t.Apply = func(value, args any) (any, error) {
			c, _ := value.(christening)
			return apply(c, args), nil
		}
	}
	return t
}

var (
	namingMake = namingType("make", Create, func(c christening, _ any) christening { return c })
	namingLike = namingType("like", Change, func(c christening, on any) christening { c.Like = on.(bool); return c })
	namingRef  = namingType("refer", Change, func(c christening, n any) christening { c.Refs |= n.(uint8); return c })
	namingDrop = namingType("drop", Delete, nil)
)

// leaving is a call under way, with the names that it holds.
type leaving struct {
	op          *Op
	entity, ref string
}

// registrar is one engine, and a server that makes ids.
type registrar struct {
	e     *Engine
	space *Space
	now   Time
	stamp Timestamp

	made    []uint64 // keys of creations that the server has carried out: the first makes "s1"
	there   bool
	value   christening
	version uint64
	other   christening // of the entity that refers
	others  uint64      // its version
	done    map[uint64]bool

	calls   []leaving
	known   []*Op
	pairs   []Named // in the journal
	ends    map[uint64]Outcome
	make    *Op
	second  *Op // makes the same, under another first name: the server finds that it has it
	refs    uint8
	crashes int
}

func newRegistrar() *registrar {
	w := &registrar{now: 1e12, others: 1, done: make(map[uint64]bool), ends: make(map[uint64]Outcome)}
	if err := w.boot(exploreConfig); err != nil {
		panic(err)
	}
	return w
}

func (w *registrar) boot(cfg Config) error {
	w.e, w.space = New(cfg), NewSpace("m")
	w.space.Equal = func(a, b any) bool { return a == b }
	return w.receive("b", Truth{Presence: Present, Value: w.other, Version: w.others})
}

func namings() (all []choice[*registrar]) {
	add := func(name string, enabled func(*registrar) bool, do func(*registrar) error) {
		all = append(all, choice[*registrar]{name, enabled, do})
	}
	once := func(w *registrar) bool { return w.make == nil }
	knows := func(w *registrar) bool { return w.make != nil }
	shown := func(w *registrar) bool {
		ent := w.space.Find("s1")
		return ent != nil && ent.presence == Present
	}
	add("make", once, func(w *registrar) error {
		w.make = &Op{Type: namingMake}
		return w.execute("t", w.make)
	})
	add("like", knows, func(w *registrar) error { return w.like("t") })
	add("like by the server's name", shown, func(w *registrar) error { return w.like("s1") })
	add("refer", func(w *registrar) bool { return knows(w) && w.refs < 4 }, func(w *registrar) error {
		w.refs = max(1, w.refs*2)
		return w.execute("b", &Op{Type: w.refer(), Args: w.refs})
	})
	add("drop", knows, func(w *registrar) error { return w.execute("t", &Op{Type: namingDrop}) })
	add("cancel", func(w *registrar) bool { return w.make != nil && w.make.state != Ended && w.make.seq != 0 },
		func(w *registrar) error { return w.step(Cancel{Op: w.make}) })
	add("timer", func(w *registrar) bool { return w.e.NextTick() != Never }, func(w *registrar) error { return w.tick() })
	for n := range 2 {
		for _, a := range []struct {
			name    string
			class   Class
			reached bool
		}{{"ok", OK, true}, {"permanent", Permanent, false}, {"lost answer", Unknown, true}, {"lost request", Unknown, false}} {
			add(fmt.Sprintf("call %d: %s", n, a.name), func(w *registrar) bool { return len(w.calls) > n },
				func(w *registrar) error { return w.answer(n, a.class, a.reached) })
		}
	}
	made := func(w *registrar) bool { return len(w.made) > 0 }
	add("push", made, func(w *registrar) error { return w.push(false) })
	add("push that names the creation", made, func(w *registrar) error { return w.push(true) })
	add("crash", func(w *registrar) bool { return w.crashes == 0 }, func(w *registrar) error { return w.crash(false) })
	add("crash, calls arrived", func(w *registrar) bool { return w.crashes == 0 && len(w.calls) > 0 }, func(w *registrar) error { return w.crash(true) })
	return all
}

// refer is the type of references, in the space of this life.
func (w *registrar) refer() *Type {
	t := *namingRef
	t.Refs = func(any) ([]Ref, error) { return []Ref{{w.space, "t"}}, nil }
	return &t
}

func (w *registrar) like(id string) error {
	v := christening{}
	if ent := w.space.Find(id); ent != nil {
		value, _ := ent.View()
		v, _ = value.(christening)
	}
	return w.execute(id, &Op{Type: namingLike, Slot: "like", Args: !v.Like})
}

// execute may be refused where the entity came to nothing.
func (w *registrar) execute(id string, o *Op) error {
	w.stamp++
	o.Timestamp = w.stamp
	w.known = append(w.known, o)
	err := w.step(&Execute{Space: w.space, Entity: id, Op: o})
	if errors.Is(err, ErrAbsent) || errors.Is(err, ErrDependency) || errors.Is(err, ErrQueueFull) {
		w.known = w.known[:len(w.known)-1]
		return w.e.Check()
	}
	return err
}

func (w *registrar) tick() error {
	w.now = max(w.now, w.e.NextTick())
	return w.step(Tick{})
}

func (w *registrar) receive(id string, t Truth) error {
	return w.step(&Receive{EntityTruth: EntityTruth{Space: w.space, Entity: id, Truth: t}})
}

func (w *registrar) truth() Truth {
	t := Truth{Presence: Present, Value: w.value, Version: w.version}
	if !w.there {
		t.Presence, t.Value = Absent, nil
	}
	return t
}

func (w *registrar) push(names bool) error {
	t := w.truth()
	if names {
		t.Contains = []string{w.e.IDOf(w.made[0])}
	}
	return w.receive("s1", t)
}

func (w *registrar) step(in Input) error {
	push, _ := in.(*Receive)
	first := push != nil && len(push.Truth.Contains) > 0 && w.space.entities["s1"] == nil && w.second == nil
	effects, err := w.e.Step(w.now, in)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	changes := 0
	for _, f := range effects {
		switch f.Kind {
		case Send:
			l := leaving{op: f.Op, entity: w.space.ServerName(f.Op.part.entity.id)}
			if l.entity == "" && f.Op.Type.Kind != Create || l.entity == "t" || l.entity == "u" {
				return fmt.Errorf("%s leaves with a name of ours", f.Op.Type.Name)
			}
			for _, r := range f.Op.Refs() {
				if l.ref = r.Space.ServerName(r.Entity); l.ref != "s1" {
					return fmt.Errorf("%s refers to %q", f.Op.Type.Name, l.ref)
				}
			}
			w.calls = append(w.calls, l)
		case Abort:
		case EntityNamed:
			p := f.Value.(*Name)
			w.pairs = slices.DeleteFunc(w.pairs, func(n Named) bool { return n.Seq == p.Seq })
			w.pairs = append(w.pairs, Named{First: p.First, Server: p.Server, Seq: p.Seq})
		case OpSettled:
			if f.Op == w.make && f.Outcome == Confirmed && len(w.pairs) == 0 {
				return errors.New("the creation ends before the pair is known")
			}
			if _, again := w.ends[f.Op.seq]; again {
				return fmt.Errorf("operation %d settled twice", f.Op.seq)
			}
			if f.Op.Type == namingDrop && errors.Is(f.Err, ErrDependency) {
				return errors.New("the deletion of what was not made fails")
			}
			w.ends[f.Op.seq] = f.Outcome
		case Changed:
			changes++
		}
	}
	if first && changes > 1 {
		return fmt.Errorf("a push that names the creation is %d changes", changes)
	}
	w.known = slices.DeleteFunc(w.known, func(o *Op) bool { return o.state == Ended })
	return w.e.Check()
}

// process carries a call out, once for each key. It reports whether the server could.
func (w *registrar) process(l leaving) bool {
	o := l.op
	if w.done[o.seq] {
		return true
	}
	switch o.Type.Kind {
	case Create:
		if w.second == nil || len(w.made) == 0 {
			w.made = append(w.made, o.seq)
		}
		w.there = true
		w.version++
	case Delete:
		w.there = false
		w.version++
	default:
		if o.Type.Name == "refer" {
			w.other.Refs |= o.Args.(uint8)
			w.others++
			break
		}
		if !w.there {
			return false
		}
		w.value.Like = o.Args.(bool)
		w.version++
	}
	w.done[o.seq] = true
	return true
}

func (w *registrar) answer(n int, class Class, reached bool) error {
	l := w.calls[n]
	w.calls = slices.Delete(w.calls, n, n+1)
	if w.done[l.op.seq] && class == Permanent {
		class, reached = OK, true
	}
	if reached && !w.process(l) {
		class = Permanent
	}
	in := &Answer{Op: l.op, Class: class}
	switch {
	case class == Unknown:
	case class == Permanent && l.op.Type.Kind == Create: // truth of nobody knows what
		in.Truth = Truth{Presence: Present, Value: christening{}, Version: 1}
	case l.op.Type.Name == "refer":
		in.Truth = Truth{Presence: Present, Value: w.other, Version: w.others}
	case class == OK || len(w.made) > 0 && l.op.Type.Kind != Create:
		in.Truth = w.truth()
		if l.op.Type.Kind == Create {
			in.Truth.ID = "s1"
		}
	}
	return w.step(in)
}

// crash ends the process; calls under way reached the server or did not.
func (w *registrar) crash(reached bool) error {
	for _, l := range w.calls {
		if reached {
			w.process(l)
		}
	}
	type kept struct {
		Restore
		entity string
		was    *Op
	}
	var all []kept
	for ent := range w.e.Busy {
		for o := range ent.Ops {
			all = append(all, kept{Restore{
				ID: o.ID(w.e), Seq: o.seq, Pos: o.pos, Kept: o.Kept(w.now), Err: o.ParkedFor(),
				Execute: Execute{Op: &Op{Type: o.Type, Args: o.Args, Slot: o.Slot, Timestamp: o.Timestamp}},
			}, ent.id, o})
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return int(a.Pos) - int(b.Pos) })
	cfg := exploreConfig
	cfg.Seq = w.e.seq
	w.calls, w.known = nil, nil
	w.crashes++
	pairs := w.pairs
	if err := w.boot(cfg); err != nil {
		return err
	}
	for _, p := range pairs {
		p.Space = w.space
		if err := w.step(p); err != nil {
			return err
		}
	}
	w.e.ShutGate(true)
	again := make(map[*Op]*Op)
	for i := range all {
		k := &all[i]
		k.Space, k.Entity = w.space, k.entity
		if k.Op.Type.Name == "refer" {
			k.Op.Type = w.refer()
		}
		switch again[k.was] = k.Op; k.was {
		case w.make:
			w.make = k.Op
		case w.second:
			w.second = k.Op
		}
		for _, d := range k.was.Deps() {
			if d = again[d]; d != nil {
				k.After = append(k.After, d)
			}
		}
		w.known = append(w.known, k.Op)
		if err := w.step(&k.Restore); err != nil {
			return err
		}
	}
	w.e.ShutGate(false)
	return w.step(Tick{})
}

func (w *registrar) calmDown() error {
	for n := 0; w.e.pending > 0 || w.e.inFlight > 0; n++ {
		var err error
		switch {
		case n > 100:
			return fmt.Errorf("%d operations never settle", w.e.pending)
		case len(w.calls) > 0:
			err = w.answer(0, OK, true)
		case w.e.NextTick() != Never:
			err = w.tick()
		default:
			return fmt.Errorf("%d operations wait for nothing", w.e.pending)
		}
		if err != nil {
			return err
		}
	}
	return w.atRest()
}

func (w *registrar) atRest() error {
	if ent := w.space.Find("t"); ent != nil && ent.Nameless() && ent.presence == Present {
		return errors.New("what has no name at the server is there")
	}
	if len(w.made) == 0 {
		return nil
	}
	if err := w.push(false); err != nil {
		return err
	}
	ent := w.space.Find("s1")
	value, presence := ent.View()
	switch named := w.space.ServerName("t") == "s1"; {
	case len(w.made) > 1:
		return fmt.Errorf("the server has made %d", len(w.made))
	case w.e.apart > 0:
		return errors.New("two are held of one")
	case named && w.space.Find("t") != ent, w.space.ServerName("u") == "s1" && w.space.Find("u") != ent:
		return errors.New("the two names find two entities")
	case (presence == Present) != w.there || w.there && value != any(w.value):
		return fmt.Errorf("the view shows %+v (presence %d), the server holds %+v (%v)", value, presence, w.value, w.there)
	}
	return nil
}

func (w *registrar) fingerprint() []byte {
	var b []byte
	for _, name := range []string{"t", "s1", "b", "u"} {
		ent := w.space.entities[name]
		if ent == nil {
			b = append(b, '-')
			continue
		}
		b = fmt.Append(b, name, ent.truth, ent.presence, ent.version, ent.doubt != nil, ent.lane.queued, ent.lane.flight != nil)
		for p := ent.first; p != nil; p = p.next {
			o := p.op
			b = fmt.Append(b, o.Type.Name, o.Args, o.state, o.unknown, o.left, o.attempts, max(o.due-w.now, 0), p.stands, len(o.Deps()), o == w.make, o == w.second, w.done[o.seq])
		}
	}
	for _, l := range w.calls {
		b = fmt.Append(b, l.op.Type.Name, l.op.Args, l.op.state, l.op.outcome, w.done[l.op.seq], l.entity)
	}
	made := w.make != nil
	if made {
		b = fmt.Append(b, w.make.state, w.make.outcome)
	}
	if w.second != nil {
		b = fmt.Append(b, w.second.state, w.second.outcome, w.space.ServerName("u"))
	}
	return fmt.Append(b, made, len(w.made), w.there, w.value, w.version, w.other, w.refs, w.crashes, w.space.ServerName("t"), w.e.apart,
		w.e.gate.probing, max(w.e.NextTick()-w.now, 0))
}
