// Package enginetest judges the engine by a second one: a twin that is slow and
// obviously right. Driver feeds both with the same inputs, made from any source of
// bytes, and compares them after every step.
//
// The twin keeps one plain list of operations and computes everything from it at
// each input: no cached values, no lanes as lists, no timers, no queue of lanes. It
// was written from the laws in docs/semantics.md. Where the engine has a free choice
// (which of several free lanes sends first under the cap) the twin follows the
// engine's, and checks that it was allowed.
package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// op is one operation as the twin sees it.
type op struct {
	real      *engine.Op
	typ       *engine.Type
	args      any
	slot      string
	timestamp engine.Timestamp
	seq       uint64
	pos       uint64
	places    []place
	deps      []*op

	state     engine.State
	outcome   engine.Outcome
	conflict  engine.Resolution
	conflicts int
	attempts  int
	unheard   int // attempts that nobody answered
	calls     int
	due       engine.Time
	burst     engine.Time
	notBefore engine.Time // as the server asked
	left      bool
	unknown   bool
	inDoubt   bool             // nobody classified how an attempt ended
	since     engine.Timestamp // when the first attempt left of which nobody knows how it ended
	durable   bool
	unmarked  bool // the latest attempt has not left, because of the disk
	failed    bool // the latest attempt failed, since a person decided
	calling   bool // a call is under way, even if the operation has ended

	bases []engine.Conflict // only the bases, of the last attempt, in all places

	ackVersion uint64
	ackedAt    engine.Time
	silent     bool        // the server has it and told neither value nor version
	guess      bool        // the answer seemed to be a lagging replica's
	waited     engine.Time // as a guess, while sending was open
	asked      bool        // it has waited long enough, and its entity is read
	differs    bool        // the server accepted it and held something else
	successor  *op
	behind     *op  // of its slot, when it was accepted
	outlived   bool // the call under way left in an earlier era
	late       bool // the server had it after it had been taken back
	found      *found
	undoneBy   *op
}

// place is the effect of an operation on one entity.
type place struct {
	ent   *entity
	kind  engine.Kind
	apply func(value, args any) (any, error)
	told  bool // of a group: truth contains it

	stands bool // on the nearest earlier operation that makes the entity
}

// entity is server truth.
type entity struct {
	space     *engine.Space
	id        string
	truth     any
	presence  engine.Presence
	version   uint64
	floor     uint64 // truth of a version below it is older than the truth held
	loose     bool   // the value came without version after that version
	outlived  bool   // the value is of an earlier era
	exact     uint64 // the version told with the value held, while it is just that value; else 0
	predicted bool   // the value is what confirmed operations make of the value told
	settledAt engine.Time
	latest    engine.Timestamp // that was told of it or given to an operation of it
	changes   uint64

	pinned    bool    // somebody watches it
	shownAnew bool    // it has become one with another that somebody watches
	into      *entity // of which it has become a part

	unread      bool // an operation that had left has ended
	unseen      bool // somebody was told of an operation that no view shows
	unsure      bool // an operation has ended that the server may have
	unsureSince engine.Time
	sureAt      uint64 // a version that ends it
}

func (ent *entity) same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return ent.space.Equal(a, b)
}

// Twin is the second engine.
type Twin struct {
	cfg      engine.Config
	now      engine.Time
	era      uint64
	eraSince engine.Time
	began    bool // an era, in the Step that runs
	seq      uint64
	entities []*entity
	ops      []*op // unsettled, by pos
	of       map[*engine.Op]*op
	calls    []*op    // under way
	rereads  []string // entities to read in this step, because their last operation has ended

	remembered []*op // with what they found, oldest first
	newest     *op   // that was asked for

	names map[string]*naming   // by first name
	apart []string             // first names of pairs whose two names are still of two entities
	asked map[*engine.Op]asked // operations as the call made them
	name  func(*engine.Op) string

	// Restoring: operations of an earlier life are still coming; nothing is sent.
	Restoring bool

	online, refused, probing bool
	probe                    *op
	until                    engine.Time
	silent                   map[string]bool        // lanes without an answer since the last one
	wishes                   map[string]engine.Time // of the server: nothing of a lane until then
	probes                   int

	// Decisions of the Step that runs.
	sent    []*op
	unseen  []news // of operations that left and that no view shows
	aborted []*op  // whose calls nobody needs any more
	victims []victim
	orphans []orphan
	buried  []victim
	settled []*op
}

// asked is an operation as the call made it, before the engine took it.
type asked struct {
	typ   *engine.Type
	args  any
	stamp engine.Timestamp
}

// orphan is a deletion whose creation came to nothing. reached: the server may have it.
type orphan struct {
	op      *op
	reached bool
}

type victim struct {
	op    *op
	cause *op
	err   error
}

// NewTwin returns a twin for an engine of the same configuration. name tells the id
// of an operation.
func NewTwin(cfg engine.Config, name func(*engine.Op) string) *Twin {
	return &Twin{cfg: cfg, seq: cfg.Seq, era: cfg.Era, online: true, of: make(map[*engine.Op]*op), asked: make(map[*engine.Op]asked), names: make(map[string]*naming), name: name}
}

// Ask notes the type, arguments and timestamp of an operation, before the engine takes it
// and makes it its own.
func (t *Twin) Ask(o *engine.Op) { t.asked[o] = asked{o.Type, o.Args, o.Timestamp} }

// Step takes the input that the engine took. order lists the operations that the
// engine sent or ended, as it did: its choice among free lanes.
func (t *Twin) Step(now engine.Time, in engine.Input, order []*engine.Op) error {
	if t.sending() {
		for _, o := range t.ops {
			o.waited += now - t.now
		}
	}
	t.now, t.began = now, false
	t.unseen, t.rereads = nil, nil
	t.sent, t.aborted, t.buried, t.settled = t.sent[:0], t.aborted[:0], t.buried[:0], t.settled[:0]
	type look struct {
		value    any
		presence engine.Presence
	}
	before := make(map[*entity]look, len(t.entities))
	for _, ent := range t.entities {
		value, presence := t.view(ent)
		before[ent] = look{value, presence}
	}
	count := func() {
		for _, ent := range t.entities {
			value, presence := t.view(ent)
			if was := before[ent]; ent.shownAnew || presence != was.presence || !ent.same(value, was.value) {
				ent.changes++
			}
			before[ent], ent.shownAnew = look{value, presence}, false
		}
	}

	err := t.take(in)
	t.uniteAll()
	count() // changes come before calls
	t.pump(order)
	count()

	for _, ent := range t.entities {
		if ent.unread && t.lastOf(ent) == nil {
			ent.unread = false
			t.rereads = append(t.rereads, ent.id)
		}
	}
	t.release()
	return err
}

func (t *Twin) take(in engine.Input) error {
	switch in := in.(type) {
	case *engine.Execute:
		return t.execute(in)
	case *engine.Batch:
		return t.batch(in)
	case *engine.Restore:
		return t.restore(in)
	case *engine.Answer:
		t.answer(in)
	case engine.Progressed:
		t.lasting(t.of[in.Op])
	case *engine.Receive:
		t.meet(in.Truth.Era)
		t.pushed(&in.EntityTruth)
		ent := t.entity(in.Space, in.Entity)
		in.Old = !t.adopt(ent, in.Truth) && in.Truth.Presence != engine.NotLoaded
		if in.Reread {
			t.endOfRead(ent, in.Truth.Presence != engine.NotLoaded)
		}
		t.purge(nil)
		t.bury(engine.RolledBack)
	case *engine.Piece:
		return t.piece(in)
	case *engine.Page:
		for _, one := range in.Truths {
			t.meet(one.Truth.Era)
		}
		for _, one := range in.Truths {
			t.pushed(&one)
			t.adopt(t.entity(one.Space, one.Entity), one.Truth)
		}
		t.purge(nil)
		t.bury(engine.RolledBack)
	case engine.Named:
		t.names[in.First] = &naming{seq: in.Seq}
		if in.Server != "" {
			t.pair(in.First, in.Server)
		}
		t.seq = max(t.seq, in.Seq)
	case engine.NewEra:
		t.meet(in.Era)
	case *engine.Journaled:
		for _, real := range in.Ops {
			t.of[real].durable = true
		}
	case *engine.Decide:
		return t.decide(in)
	case *engine.Undo:
		return t.undo(in)
	case engine.Cancel:
		o := t.of[in.Op]
		if o.state == engine.Ended {
			return engine.ErrSettled
		}
		t.condemn(o, nil, in.Err)
		t.purge(o)
		t.bury(engine.Cancelled)
	case engine.RollbackAll:
		for {
			var last *op
			if in.Entity != nil {
				last = t.lastOf(t.entity(in.Entity.Space(), in.Entity.ID()))
			} else if len(t.ops) > 0 {
				last = t.ops[len(t.ops)-1]
			}
			if last == nil {
				break
			}
			t.condemn(last, nil, nil)
		}
		t.purge(nil)
		t.bury(engine.Cancelled)
	case engine.ClearAll:
		for len(t.ops) > 0 {
			last := t.ops[len(t.ops)-1]
			if last.state == engine.InFlight && last.typ.Cancel != engine.EndCalls {
				t.aborted = append(t.aborted, last)
			}
			t.condemn(last, nil, in.Err)
		}
		t.bury(engine.Cancelled)
		t.forgetAll()
		for _, ent := range t.entities {
			ent.unread = false
		}
		t.refused, t.probing, t.probe, t.until, t.silent, t.probes, t.wishes = false, false, nil, 0, nil, 0, nil
	case engine.Flush:
		t.hurry(func(o *op) bool { return !o.left })
	case engine.SetOnline:
		t.setOnline(in.Online)
	case engine.SendNow:
		return t.sendNow(in)
	case engine.RetryNow:
		if t.refused || t.probing {
			t.refused, t.probing, t.probe, t.probes, t.silent = false, false, nil, 0, nil
		}
		t.wishes = nil
		t.hurry(func(o *op) bool { return o.left })
	case engine.Tick:
		t.tick()
	}
	return nil
}

func (t *Twin) entity(s *engine.Space, id string) *entity {
	id = t.first(id)
	for _, ent := range t.entities {
		if ent.space == s && ent.id == id {
			return ent
		}
	}
	ent := &entity{space: s, id: id}
	t.entities = append(t.entities, ent)
	return ent
}

// view is the law: truth, and all unsettled operations over it.
func (t *Twin) view(ent *entity) (any, engine.Presence) { return t.foldBefore(ent, ^uint64(0)) }

// foldBefore is the view as if nothing had been done from a position on.
func (t *Twin) foldBefore(ent *entity, pos uint64) (any, engine.Presence) {
	value, presence := ent.truth, ent.presence
	for _, o := range t.ops {
		if p := o.placeIn(ent); p != nil && o.pos < pos && !o.typ.Pessimistic && !p.told {
			if after, afterPresence, err := p.do(o, value, presence); err == nil {
				value, presence = after, afterPresence
			}
		}
	}
	return value, presence
}

// serverBefore is the value that the server is known to have: truth, and the operations
// before a position that it has accepted since.
func (t *Twin) serverBefore(ent *entity, pos uint64) (any, engine.Presence) {
	value, presence := ent.truth, ent.presence
	for _, o := range t.ops {
		if p := o.placeIn(ent); p != nil && o.pos < pos && o.state == engine.Acked {
			if after, afterPresence, err := p.do(o, value, presence); err == nil {
				value, presence = after, afterPresence
			}
		}
	}
	return value, presence
}

func (o *op) placeIn(ent *entity) *place {
	for i := range o.places {
		if o.places[i].ent == ent {
			return &o.places[i]
		}
	}
	return nil
}

// do is the result of an operation on the value of one entity.
func (p *place) do(o *op, value any, presence engine.Presence) (any, engine.Presence, error) {
	return p.make(o, value, presence, true)
}

// make is do, with the guard or without.
func (p *place) make(o *op, value any, presence engine.Presence, guarded bool) (_ any, _ engine.Presence, err error) {
	if p.kind == engine.Change && presence == engine.NotLoaded {
		return value, presence, nil
	}
	if p.kind == engine.Change && presence == engine.Absent {
		return value, presence, engine.ErrAbsent
	}
	defer func() {
		if r := recover(); r != nil {
			err = &engine.PanicError{Value: r}
		}
	}()
	if guarded && o.typ.Guard != nil && presence == engine.Present && p == &o.places[0] {
		if err := o.typ.Guard(value, o.args); err != nil {
			return value, presence, engine.ErrGuard
		}
	}
	if p.kind == engine.Delete {
		return nil, engine.Absent, nil
	}
	after, err := p.apply(value, o.args)
	if err != nil {
		return value, presence, err
	}
	return after, engine.Present, nil
}

func (t *Twin) lastOf(ent *entity) *op {
	for _, o := range slices.Backward(t.ops) {
		if o.placeIn(ent) != nil {
			return o
		}
	}
	return nil
}

func (t *Twin) count(ent *entity, chosen func(*op) bool) (n int) {
	for _, o := range t.ops {
		if o.placeIn(ent) != nil && chosen(o) {
			n++
		}
	}
	return n
}

func (o *op) group() bool { return len(o.places) > 1 }
