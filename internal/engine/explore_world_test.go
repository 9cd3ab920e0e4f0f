package engine

import (
	"fmt"
	"slices"
)

// model is the state of one entity on the model server.
type model struct {
	Like, Save bool
	Others     int // changes by other clients
}

type wish struct {
	save bool
	on   bool
}

func exploreType(name string, onFailure FailurePolicy, resolve func(*Conflict) Decision) *Type {
	return &Type{
		Name: name, Family: name, Failure: onFailure, Resolve: resolve, MaxConflicts: 1,
		SameArgs: func(a, b any) bool { return a == b },
		Debounce: Debounce{Wait: 300e6, MaxWait: 2e9}, Retry: Retry{Max: 1, Base: 1e9, Cap: 4e9},
		Apply: func(value, args any) (any, error) {
			v, _ := value.(model)
			v.apply(args.(wish))
			return v, nil
		},
	}
}

func (v *model) apply(w wish) {
	if w.save {
		v.Save = w.on
	} else {
		v.Like = w.on
	}
}

var (
	exploreLike = exploreType("like", Revert, nil)
	exploreSave = exploreType("save", Park, func(*Conflict) Decision { return Decision{Choice: KeepMine} })
)

func init() { exploreSave.Cancel = EndCalls }

// server holds what clients wrote. A key is processed once.
type server struct {
	value   model
	version uint64
	done    map[uint64]bool
}

func (s *server) process(o *Op) {
	if s.done[o.seq] {
		return
	}
	s.done[o.seq] = true
	s.value.apply(o.Args.(wish))
	s.version++
}

func (s *server) truth() Truth { return Truth{Presence: Present, Value: s.value, Version: s.version} }

// intent is what the last tap on a slot wanted. It is void once something happened
// after which the server may rightly hold something else.
type intent struct {
	tapped, on, void bool
}

// world is one engine, its server and the network between them.
type world struct {
	e       *Engine
	space   *Space
	now     Time
	stamp   Timestamp
	servers [2]server
	calls   []*Op
	intents [2][2]intent // entity, like or save
	content map[uint64]wish
	ends    map[uint64]int
	known   []*Op // accepted and perhaps unsettled
	tapped  *Op   // last
	crashes int
	// misled: the truth told last of an entity is a lagging replica's, or an old list's. Taps on that may
	// rightly come to nothing, those before it may not.
	misled  [2]bool
	offline bool
}

var exploreConfig = Config{
	Prefix: "x", ClientID: "me", MaxInFlight: 2, MaxPerEntity: 9, MaxPending: 9, ProbeAfter: 2,
	Probe: Retry{Base: 1e9, Cap: 4e9},
}

func newWorld() *world {
	w := &world{now: 1e12, content: make(map[uint64]wish), ends: make(map[uint64]int)}
	for i := range w.servers {
		w.servers[i] = server{version: 1, done: make(map[uint64]bool)}
	}
	w.boot(exploreConfig)
	for i := range w.servers {
		w.must(w.push(i, w.servers[i].truth()))
	}
	return w
}

func (w *world) boot(cfg Config) {
	w.e = New(cfg)
	w.space = NewSpace("m")
	w.space.Equal = func(a, b any) bool { return a == b }
	for i := range w.servers {
		w.e.Pin(w.space, entityNames[i])
	}
}

var entityNames = [2]string{"a", "b"}

func (w *world) ent(i int) *Entity { return w.space.entities[entityNames[i]] }

func (w *world) indexOf(o *Op) int { return slices.Index(entityNames[:], o.part.entity.id) }

func (w *world) intentOf(o *Op) *intent {
	kind := 0
	if o.Args.(wish).save {
		kind = 1
	}
	return &w.intents[w.indexOf(o)][kind]
}

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

// step gives the engine one input, and checks what must hold after every step.
func (w *world) step(in Input) error {
	effects, err := w.e.Step(w.now, in)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for _, f := range effects {
		switch f.Kind {
		case Send:
			w.calls = append(w.calls, f.Op)
			args := f.Op.Args.(wish)
			if was, again := w.content[f.Op.seq]; again && was != args {
				return fmt.Errorf("key %d was sent as %v and as %v", f.Op.seq, was, args)
			}
			w.content[f.Op.seq] = args
		case Abort:
			if !slices.Contains(w.calls, f.Op) || f.Op.Type == exploreLike && f.Op.outcome != Confirmed {
				return fmt.Errorf("the call of %d is ended", f.Op.seq)
			}
		case OpSettled:
			if w.ends[f.Op.seq]++; w.ends[f.Op.seq] > 1 {
				return fmt.Errorf("operation %d settled twice", f.Op.seq)
			}
			if f.Outcome == RolledBack || f.Outcome == Cancelled {
				w.intentOf(f.Op).void = true
			}
		case OpConflicted:
			w.intentOf(f.Op).void = f.Resolution != KeptMine
		}
	}
	w.known = slices.DeleteFunc(w.known, func(o *Op) bool { return o.state == Ended })
	return w.e.Check()
}

func (w *world) push(i int, t Truth) error {
	return w.step(&Receive{EntityTruth: EntityTruth{Space: w.space, Entity: entityNames[i], Truth: t}})
}

// tap asks for the opposite of what is shown.
func (w *world) tap(i int, save bool) error {
	value, _ := w.ent(i).View()
	v, _ := value.(model)
	args := wish{save, !v.Like}
	typ, slot, kind := exploreLike, "like", 0
	if save {
		args.on, typ, slot, kind = !v.Save, exploreSave, "save", 1
	}
	w.stamp++
	o := &Op{Type: typ, Args: args, Slot: slot, Timestamp: w.stamp}
	w.intents[i][kind] = intent{tapped: true, on: args.on, void: w.misled[i]}
	w.known, w.tapped = append(w.known, o), o
	return w.step(&Execute{Space: w.space, Entity: entityNames[i], Op: o})
}

// breaks ends the nth call, which arrived, in a way that nobody has classified.
func (w *world) breaks(n int) error {
	o := w.calls[n]
	w.calls = slices.Delete(w.calls, n, n+1)
	w.servers[w.indexOf(o)].process(o)
	return w.step(&Answer{Op: o, Class: Transient, Unclassified: true})
}

// answer ends the nth call.
func (w *world) answer(n int, class Class, reached bool) error {
	o := w.calls[n]
	w.calls = slices.Delete(w.calls, n, n+1)
	s := &w.servers[w.indexOf(o)]
	if s.done[o.seq] && (class == Permanent || class == Conflicting) {
		class = OK // the same key has the same answer
	}
	in := &Answer{Op: o, Class: class}
	if reached {
		s.process(o)
	}
	if class == OK || class == Conflicting {
		w.misled[w.indexOf(o)] = false
	}
	switch class {
	case OK:
		in.Truth = s.truth()
	case Conflicting:
		s.value.Others++
		s.version++
		in.Truth = s.truth()
	}
	if class == Conflicting || class == Permanent {
		w.intentOf(o).void = w.intentOf(o).void || !reached
	}
	return w.step(in)
}

// answerEarly ends the first call with what the server held before it; told says that the
// server tells at which version it wrote.
func (w *world) answerEarly(told bool) error {
	o := w.calls[0]
	w.calls = w.calls[1:]
	s := &w.servers[w.indexOf(o)]
	in := &Answer{Op: o, Class: OK, Truth: s.truth()}
	if s.process(o); told {
		in.Truth.Wrote = s.version
	} else {
		w.misled[w.indexOf(o)] = true
	}
	return w.step(in)
}

// pushList is an old list without versions. What is tapped on it may rightly come to
// nothing.
func (w *world) pushList() error {
	for kind := range w.intents[0] {
		w.intents[0][kind].void = true
	}
	w.misled[0] = true
	return w.push(0, Truth{Presence: Present, Value: model{}})
}

// crash ends the process; calls under way reached the server or did not.
func (w *world) crash(reached bool) error {
	for _, o := range w.calls {
		if reached {
			w.servers[w.indexOf(o)].process(o)
		}
	}
	type kept struct {
		Restore
		entity string
	}
	var all []kept
	for ent := range w.e.Busy {
		for o := range ent.Ops {
			all = append(all, kept{Restore{
				ID: o.ID(w.e), Seq: o.seq, Pos: o.pos, Kept: o.Kept(w.now), Err: o.ParkedFor(),
				Execute: Execute{Op: &Op{Type: o.Type, Args: o.Args, Slot: o.Slot, Timestamp: o.Timestamp}},
			}, ent.id})
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return int(a.Pos) - int(b.Pos) })
	cfg := exploreConfig
	cfg.Seq = w.e.seq
	w.boot(cfg)
	w.calls, w.known, w.offline = nil, nil, false
	w.crashes++
	w.e.ShutGate(true)
	for i := range all {
		k := &all[i]
		k.Space, k.Entity = w.space, k.entity
		w.known = append(w.known, k.Op)
		if err := w.step(&k.Restore); err != nil {
			return err
		}
	}
	w.e.ShutGate(false)
	return w.step(Tick{})
}
