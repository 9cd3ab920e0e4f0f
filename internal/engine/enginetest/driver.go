package enginetest

import (
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// Driver turns bytes into inputs, gives each to the engine and to the twin, and
// compares the two.
type Driver struct {
	Log func(format string, args ...any) // nil: silent

	src   *Source
	now   engine.Time
	stamp engine.Timestamp
	cfg   engine.Config
	named bool // both entities share a lane
	// of the space
	patience engine.Time
	readable bool

	space  *engine.Space
	engine *engine.Engine
	twin   *Twin
	lives  int

	known    []*engine.Op // accepted or created for it, in this life
	calls    []*engine.Op // under way
	settled  map[*engine.Op]int
	mergedOf map[*engine.Op]*engine.Op
	basedOn  map[*engine.Op]base // base told to a resolver by the engine, until the twin tells it
	unlike   error               // the two told resolvers different things

	drafts bool                    // the server makes ids
	shown  bool                    // truth under them is shown before anybody knows of what it is
	pairs  map[string]engine.Named // of names, as the journal has them, by first name

	membersOf map[*engine.Op][]engine.Part // of groups
	rereads   bool                         // entities are read when all has ended
	order     []*engine.Op
	reading   map[string]bool // entities that the engine asked to read
	unsure    map[string]bool // entities, as the engine told
	paused    bool            // as the engine told last
}

// base is the value on which an operation that met a conflict was made, and its result.
type base struct {
	base, mine any
	presence   engine.Presence
	version    uint64
}

// entities of the driver.
var ids = [2]string{"a", "b"}

// NewDriver returns a driver over bytes.
func NewDriver(bytes []byte) *Driver {
	d := &Driver{src: NewSource(bytes), stamp: 1000, now: 1000 * sec}
	d.cfg = engine.Config{
		ClientID: "me", MaxInFlight: Pick(d.src, 4, 1, 2), MaxPerEntity: Pick(d.src, 12, 4),
		MaxPending: 16, ProbeAfter: Pick(d.src, 2, 1, 100), Probe: engine.Retry{Base: sec, Cap: 8 * sec, Jitter: 0.5},
	}
	d.named = d.src.One(4)
	if d.src.One(2) {
		d.patience, d.readable = Pick(d.src, 3*sec, sec), d.src.One(2)
	}
	d.rereads = d.src.One(3)
	d.drafts, d.pairs = d.src.One(4), make(map[string]engine.Named)
	d.shown = d.drafts && d.src.One(2)
	d.begin()
	return d
}

// begin is a new life without anything in it.
func (d *Driver) begin() {
	d.lives++
	d.cfg.Prefix = fmt.Sprint("life", d.lives)
	d.space = engine.NewSpace("things")
	d.space.Equal = func(a, b any) bool { return a.(Value) == b.(Value) }
	d.space.Patience, d.space.Readable, d.space.RereadSettled = d.patience, d.readable, d.rereads
	if d.named {
		d.space.Lane = func(string) string { return "one" }
	}
	d.engine = engine.New(d.cfg)
	d.twin = NewTwin(d.cfg, func(o *engine.Op) string { return o.ID(d.engine) })
	for _, id := range ids {
		d.engine.Pin(d.space, id)
		d.twin.entity(d.space, id).pinned = true
		if d.shown {
			d.engine.Pin(d.space, serverNames[id])
			d.twin.entity(d.space, serverNames[id]).pinned = true
		}
	}
	d.known, d.calls, d.paused = nil, nil, false
	d.unsure, d.reading = make(map[string]bool), make(map[string]bool)
	d.settled = make(map[*engine.Op]int)
	d.membersOf = make(map[*engine.Op][]engine.Part)
	d.mergedOf = make(map[*engine.Op]*engine.Op)
	d.basedOn = make(map[*engine.Op]base)
}

// Run takes steps until the source is empty, and returns the first difference.
func (d *Driver) Run() error {
	for n := 0; !d.src.Empty(); n++ {
		if err := d.one(); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
	}
	return nil
}

// one takes one input, or a few in a row.
func (d *Driver) one() error {
	if d.src.One(3) {
		d.now += Pick(d.src, ms, 100*ms, 300*ms, sec, 3*sec)
		if d.engine.NextTick() <= d.now { // the shell's timer fires
			if err := d.step(engine.Tick{}); err != nil {
				return err
			}
		}
	}
	switch n := d.src.Below(43); {
	case n < 14:
		return d.step(d.execute())
	case n < 22:
		if len(d.calls) > 0 {
			if d.src.One(12) {
				return d.step(engine.Progressed{Op: d.calls[d.src.Below(len(d.calls))]})
			}
			return d.step(d.answer(d.calls[d.src.Below(len(d.calls))]))
		}
		return d.step(d.execute())
	case n < 26:
		switch d.src.Below(8) {
		case 0, 1:
			return d.step(d.piece())
		case 2:
			return d.step(&engine.Page{Truths: []engine.EntityTruth{d.received(), d.received(), d.received()}})
		}
		in := &engine.Receive{EntityTruth: d.received()}
		if in.Reread = d.reading[in.Entity] && d.src.One(2); in.Reread {
			delete(d.reading, in.Entity)
		}
		return d.step(in)
	case n < 30:
		if next := d.engine.NextTick(); next != engine.Never {
			d.now = max(d.now, next)
		}
		return d.step(engine.Tick{})
	case n == 30:
		return d.aboutOne(func(o *engine.Op) engine.Input { return engine.Cancel{Op: o, Err: Pick(d.src, nil, errNo)} })
	case n == 31:
		if d.src.One(4) {
			return d.step(engine.RollbackAll{}) // of all
		}
		return d.step(engine.RollbackAll{Entity: d.space.Find(d.id())})
	case n == 32:
		return d.step(engine.SetOnline{Online: !d.src.One(2)})
	case n == 33:
		return d.step(engine.RetryNow{})
	case n == 34:
		switch d.src.Below(3) {
		case 1:
			return d.step(engine.SendNow{Entity: d.space.Find(d.id())})
		case 2:
			return d.aboutOne(func(o *engine.Op) engine.Input { return engine.SendNow{Op: o} })
		}
		return d.step(engine.Flush{})
	case n == 35:
		return d.step(&engine.Journaled{Ops: append([]*engine.Op(nil), d.accepted()...)})
	case n == 36 && d.src.One(4):
		return d.step(engine.NewEra{Era: d.engine.Era() + Pick(d.src, uint64(1), 1, 0)})
	case n == 36:
		return d.step(d.batch())
	case n == 37:
		if d.src.One(2) {
			return d.restart()
		}
		return d.step(engine.ClearAll{Err: Pick(d.src, nil, errNo)})
	case n < 40:
		return d.aboutOne(d.decide)
	default:
		if all := d.accepted(); len(all) > 0 {
			return d.undo(all[max(0, len(all)-1-d.src.Below(5))])
		}
		return nil
	}
}

// id is a name of one of the entities, of which the server may have made one.
func (d *Driver) id() string {
	id := ids[d.src.Below(len(ids))]
	switch p, ok := d.pairs[id]; {
	case ok && p.Server != "" && d.src.One(2):
		return p.Server
	case d.shown && d.src.One(3):
		return serverNames[id]
	}
	return id
}

// accepted are the known operations that the engine has accepted.
func (d *Driver) accepted() (all []*engine.Op) {
	for _, o := range d.known {
		if o.Seq() != 0 {
			all = append(all, o)
		}
	}
	return all
}

// aboutOne makes an input about an operation, mostly one that matters.
func (d *Driver) aboutOne(make func(*engine.Op) engine.Input) error {
	var live, parked []*engine.Op
	for _, o := range d.accepted() {
		if o.State() != engine.Ended {
			live = append(live, o)
		}
		if o.State() == engine.Parked {
			parked = append(parked, o)
		}
	}
	all := d.accepted()
	switch n := d.src.Below(8); {
	case n < 4 && len(parked) > 0:
		all = parked
	case n < 7 && len(live) > 0:
		all = live
	}
	if len(all) == 0 {
		return nil
	}
	return d.step(make(all[d.src.Below(len(all))]))
}

func (d *Driver) decide(o *engine.Op) engine.Input {
	switch d.src.Below(3) {
	case 0:
		return &engine.Decide{Op: o}
	case 1:
		return &engine.Decide{Op: o, Discard: true}
	}
	if o.Group() || o.Slot == "" {
		return &engine.Decide{Op: o}
	}
	edited := d.fresh(o.Type, d.argsLike(o.Args.(Args)), o.Slot)
	return &engine.Decide{Op: o, Edit: edited}
}

func (d *Driver) argsLike(a Args) Args {
	a.On, a.Text = !a.On, Pick(d.src, "x", "y", "z")
	return a
}

// fresh makes an operation that nobody knows yet.
func (d *Driver) fresh(typ *engine.Type, a Args, slot string) *engine.Op {
	d.stamp += engine.Timestamp(1 + d.src.Below(3))
	o := &engine.Op{Type: typ, Args: a, Slot: slot, Timestamp: d.stamp, Owner: d}
	d.known = append(d.known, o)
	d.twin.Ask(o)
	return o
}

// making is the type of a creation: the server makes the ids of all but those that it knows.
func (d *Driver) making(typ *engine.Type, id string) *engine.Type {
	switch {
	case !d.drafts || !slices.Contains(ids[:], id):
	case typ == CreateDoc:
		return Draft
	case typ == Found:
		return DraftKept
	}
	return typ
}

func (d *Driver) execute() *engine.Execute {
	a := Args{I: d.src.Below(2), On: d.src.One(2), N: d.src.Below(3), Text: Pick(d.src, "x", "y")}
	in := &engine.Execute{Space: d.space, Entity: d.id()}
	slot := fmt.Sprint("user ", a.I)
	switch d.src.Below(19) {
	case 0, 1, 2, 3:
		in.Op = d.fresh(Like, a, slot)
	case 4, 5:
		in.Op = d.fresh(Save, a, slot)
	case 6:
		in.Op = d.fresh(Add, a, "")
	case 7:
		in.Op = d.fresh(d.making(CreateDoc, in.Entity), a, "doc")
	case 8:
		in.Op = d.fresh(Edit, a, "doc")
	case 9:
		in.Op = d.fresh(DeleteDoc, Args{}, "doc")
	case 10:
		in.Op = d.fresh(Rename, a, "doc")
	case 11:
		in.Op = d.fresh(Publish, a, "pub")
	case 12:
		in.Op = d.fresh(Guarded, a, "guarded")
	case 13:
		in.Op = d.fresh(Note, a, "note")
	case 14:
		in.Op = d.fresh(Stored, a, "")
	case 16:
		a.N--
		in.Op = d.fresh(Sum, a, "sum")
	case 15:
		in.Op = d.fresh(d.making(Pick(d.src, Found, Drop, Keep), in.Entity), a, "")
	default:
		if d.toldSame() { // one entity cannot be twice in a group
			in.Op = d.fresh(Add, a, "")
			break
		}
		in.Op = d.fresh(Pick(d.src, Group, Group, Pair), a, "")
		in.Group = d.members()
		d.membersOf[in.Op] = in.Group
	}
	if all := d.accepted(); len(all) > 0 && d.src.One(6) {
		for range 1 + d.src.Below(2) {
			in.After = append(in.After, all[d.src.Below(len(all))])
		}
	}
	return in
}

// members of a group over both entities.
func (d *Driver) members() []engine.Part {
	like := change(func(v *Value, a Args) error { v.Likes[0] = a.On; return nil })
	strict := change(func(v *Value, a Args) error {
		if v.N > 4 {
			return errNo
		}
		v.N += a.N
		return nil
	})
	first := engine.Part{Space: d.space, Entity: "a", Apply: Pick(d.src, like, strict)}
	second := engine.Part{Space: d.space, Entity: "b", Apply: Pick(d.src, like, strict)}
	if second.Kind = Pick(d.src, engine.Change, engine.Create, engine.Delete); d.drafts && second.Kind == engine.Create {
		second.Kind = engine.Change
	}
	if d.src.One(2) {
		first, second = second, first
	}
	return []engine.Part{first, second}
}

func (d *Driver) batch() *engine.Batch {
	b := &engine.Batch{}
	for range 1 + d.src.Below(3) {
		in := d.execute()
		b.Items = append(b.Items, *in)
	}
	return b
}
