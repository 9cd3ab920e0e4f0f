package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestExploreGroups walks through what can happen to groups over two entities: conflicts that
// are resolved in each way, with truth of both entities or of one, pushes of one entity that name
// the group or do not, taps on one of the entities, cancelling and crashes, in any order.
func TestExploreGroups(t *testing.T) { explore(t, newFerry, ferries(), *exploreTime/4) }

// freight is the state of one of two entities: every group writes Last in both.
type freight struct {
	Last   uint8 // the group that wrote last; 9: another client
	Like   bool
	Others uint8
}

// ferry is one engine, and a server with two entities.
type ferry struct {
	e     *Engine
	space *Space
	now   Time
	stamp Timestamp

	held    [2]freight
	version [2]uint64
	done    map[uint64]bool

	calls   []*Op
	bases   map[*Op][2]ground // on which the call under way stands
	choice  Choice            // of the resolver
	unlike  error             // the resolver was told something else than it should
	ends    map[uint64]int
	groups  uint8
	last    *Op  // group
	void    bool // it need not be on the server in the end
	crashes int
}

// resolves decides as the world says, and looks at what it is told.
func (w *ferry) resolves(c *Conflict) Decision {
	on := w.bases[c.Op]
	sides := append([]Conflict{*c}, c.Rest...)
	if len(sides) != 2 {
		w.unlike = fmt.Errorf("a resolver of a group gets %d sides", len(sides))
		return Decision{Choice: w.choice}
	}
	for i, side := range sides {
		mine, _ := on[i].value.(freight)
		mine.Last = c.Op.Args.(uint8)
		switch {
		case side.Entity.id != entityNames[i], side.Base != on[i].value, side.BaseVersion != on[i].version:
			w.unlike = fmt.Errorf("side %d of a conflict stands on %+v", i, side)
		case on[i].presence == Present && side.Mine != any(mine):
			w.unlike = fmt.Errorf("side %d of a conflict has %+v for ours", i, side.Mine)
		case side.Theirs.Presence == Present && side.Theirs.Value != any(w.held[i]):
			w.unlike = fmt.Errorf("side %d of a conflict has %+v for theirs", i, side.Theirs)
		}
	}
	return Decision{Choice: w.choice}
}

func (w *ferry) groupType() *Type {
	return &Type{
		Name: "group", Family: "group", MaxConflicts: 1, Retry: Retry{Max: 1, Base: 1e9, Cap: 4e9}, Resolve: w.resolves,
	}
}

var ferryLike = &Type{
	Name: "like", Family: "like", SameArgs: func(a, b any) bool { return a == b }, Retry: Retry{Max: 1, Base: 1e9, Cap: 4e9},
	Apply: func(value, args any) (any, error) {
		v, _ := value.(freight)
		v.Like = args.(bool)
		return v, nil
	},
}

func newFerry() *ferry {
	w := &ferry{now: 1e12, version: [2]uint64{1, 1}, done: make(map[uint64]bool), ends: make(map[uint64]int)}
	w.boot(exploreConfig)
	for i := range entityNames {
		if err := w.push(i, nil); err != nil {
			panic(err)
		}
	}
	return w
}

func (w *ferry) boot(cfg Config) {
	w.e, w.space, w.bases = New(cfg), NewSpace("m"), make(map[*Op][2]ground)
	w.space.Equal = func(a, b any) bool { return a == b }
	for _, id := range entityNames {
		w.e.Pin(w.space, id)
	}
}

func (w *ferry) ent(i int) *Entity { return w.space.entities[entityNames[i]] }

func (w *ferry) truth(i int) Truth {
	return Truth{Presence: Present, Value: w.held[i], Version: w.version[i]}
}

func (w *ferry) push(i int, contains *Op) error {
	t := w.truth(i)
	if contains != nil {
		t.Contains = []string{contains.ID(w.e)}
	}
	return w.step(&Receive{EntityTruth: EntityTruth{Space: w.space, Entity: entityNames[i], Truth: t}})
}

// parts of a group, which writes its number into both entities.
func (w *ferry) parts() []Part {
	apply := func(value, args any) (any, error) {
		v, _ := value.(freight)
		v.Last = args.(uint8)
		return v, nil
	}
	return []Part{{Space: w.space, Entity: "a", Apply: apply}, {Space: w.space, Entity: "b", Apply: apply}}
}

func (w *ferry) execute(in *Execute) error {
	w.stamp++
	in.Op.Timestamp = w.stamp
	return w.step(in)
}

// step gives the engine one input, and checks what must hold after every step.
func (w *ferry) step(in Input) error {
	effects, err := w.e.Step(w.now, in)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for _, f := range effects {
		switch f.Kind {
		case Send:
			w.calls = append(w.calls, f.Op)
			w.bases[f.Op] = [2]ground{w.ent(0).ground(), w.ent(1).ground()}
		case OpSettled:
			if w.ends[f.Op.seq]++; w.ends[f.Op.seq] > 1 {
				return fmt.Errorf("operation %d settled twice", f.Op.seq)
			}
			if f.Op == w.last && f.Outcome != Confirmed {
				w.void = true
			}
		case OpsRolledBack:
			for _, v := range f.Victims {
				if v.Op.Group() && v.Op.state != Ended {
					return errors.New("a group that left the view has not ended")
				}
			}
		}
	}
	if w.unlike != nil {
		return w.unlike
	}
	if err := w.seenWhole(); err != nil {
		return err
	}
	return w.e.Check()
}

// seenWhole: the latest unsettled group is in both views.
func (w *ferry) seenWhole() error {
	var latest *Op
	for o := range w.e.Every {
		if o.Group() && (latest == nil || o.pos > latest.pos) {
			latest = o
		}
	}
	for i := range entityNames {
		view, presence := w.ent(i).View()
		v, _ := view.(freight)
		switch {
		case latest == nil || presence != Present:
		case latest.partIn(w.ent(i)).contained: // truth has it, and may have later writes
		case v.Last != latest.Args.(uint8):
			return fmt.Errorf("group %d is not in the view of %s: %+v", latest.Args, entityNames[i], v)
		}
	}
	return nil
}

func (o *Op) partIn(ent *Entity) (in *part) {
	o.parts(func(p *part) {
		if p.entity == ent {
			in = p
		}
	})
	return in
}

func (w *ferry) process(o *Op) {
	if w.done[o.seq] {
		return
	}
	w.done[o.seq] = true
	for i := range w.held {
		switch {
		case o.Group():
			w.held[i].Last = o.Args.(uint8)
		case i > 0:
			continue
		default:
			w.held[i].Like = o.Args.(bool)
		}
		w.version[i]++
	}
}

// says is how much an answer tells.
type says int

const (
	nothing says = iota
	ofFirst
	ofBoth
)

func (w *ferry) answer(n int, class Class, reached bool, tells says) error {
	o := w.calls[n]
	w.calls = slices.Delete(w.calls, n, n+1)
	if w.done[o.seq] && (class == Permanent || class == Conflicting) {
		class = OK // the same key has the same answer
	}
	in := &Answer{Op: o, Class: class}
	if class == Conflicting { // another client was first
		for i := range w.held {
			w.held[i].Last = 9
			w.held[i].Others++
			w.version[i]++
		}
	}
	if reached {
		w.process(o)
	}
	if tells >= ofFirst {
		in.Truth = w.truth(0)
	}
	if tells == ofBoth && o.Group() {
		in.More = []EntityTruth{{Space: w.space, Entity: "b", Truth: w.truth(1)}}
	}
	return w.step(in)
}

// crash ends the process; calls under way reached the server or did not.
func (w *ferry) crash(reached bool) error {
	for _, o := range w.calls {
		if reached {
			w.process(o)
		}
	}
	var all []*Restore
	typ := w.groupType()
	for o := range w.e.Every {
		in := &Restore{
			ID: o.ID(w.e), Seq: o.seq, Pos: o.pos, Kept: o.Kept(w.now), Err: o.ParkedFor(),
			Execute: Execute{Entity: "a", Op: &Op{Type: o.Type, Args: o.Args, Slot: o.Slot, Timestamp: o.Timestamp}},
		}
		if o.Group() {
			in.Op.Type = typ
		}
		if all = append(all, in); o == w.last {
			w.last = in.Op
		}
	}
	slices.SortFunc(all, func(a, b *Restore) int { return int(a.Pos) - int(b.Pos) })
	cfg := exploreConfig
	cfg.Seq = w.e.seq
	w.boot(cfg)
	w.calls = nil
	w.crashes++
	w.e.ShutGate(true)
	for _, in := range all {
		if in.Space = w.space; in.Op.Type == typ {
			in.Group = w.parts()
		}
		if err := w.step(in); err != nil {
			return err
		}
	}
	w.e.ShutGate(false)
	return w.step(Tick{})
}
