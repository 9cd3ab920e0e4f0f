package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// naming is what the twin knows of an entity whose id the server makes.
type naming struct {
	server string // empty: not told
	of     string // the first name of an entity to which the server told the same id before
	seq    uint64 // of the journal's record
}

// serverNames are those that the server makes for the driver's entities.
var serverNames = map[string]string{"a": "A", "b": "B"}

// Draft and DraftKept make an entity, and the server makes its id.
var (
	Draft = &engine.Type{
		Name: "draft", Family: "draft", Kind: engine.Create, ServerID: true, Retry: engine.Retry{Max: 1, Base: sec, Cap: sec},
		Apply: change(func(v *Value, a Args) error { v.Doc = a.Text; return nil }),
	}
	DraftKept = &engine.Type{
		Name: "draft kept", Family: "draft", Kind: engine.Create, ServerID: true, Retry: engine.Retry{Base: sec, Cap: sec}, Stored: true, Failure: engine.Park,
		Apply: change(func(v *Value, a Args) error { v.Safe = a.On; return nil }),
	}
)

// first is the name under which an entity is held.
func (t *Twin) first(id string) string {
	if n := t.names[id]; n != nil {
		if n.of != "" && !slices.Contains(t.apart, id) {
			return n.of
		}
		return id
	}
	for first, n := range t.names {
		if n.server == id && n.of == "" && !slices.Contains(t.apart, first) {
			return first
		}
	}
	return id
}

// nameless: it was made here, and the server has not told its id.
func (t *Twin) nameless(ent *entity) bool {
	n := t.names[ent.id]
	return n != nil && n.server == ""
}

func (t *Twin) makesNameless(o *op) bool {
	return o.typ.ServerID && t.namelessIn(o) != nil
}

// namelessIn is the nameless entity that an operation makes, or nil.
func (t *Twin) namelessIn(o *op) *entity {
	for _, p := range o.places {
		if p.kind == engine.Create && t.nameless(p.ent) {
			return p.ent
		}
	}
	return nil
}

// called: the server has told the id of an entity.
func (t *Twin) called(ent *entity, server string) {
	if server == "" || !t.nameless(ent) {
		return
	}
	t.pair(ent.id, server)
	t.writeName(ent)
	t.tiesEnd(ent)
}

func (t *Twin) writeName(ent *entity) {
	if n := t.names[ent.id]; n.seq == 0 {
		t.seq++
		n.seq = t.seq
	}
}

// pushed is truth under an id that may be the server's for an entity that it makes, because
// it contains the creation.
func (t *Twin) pushed(in *engine.EntityTruth) {
	if in.Truth.ID != "" {
		t.called(t.entity(in.Space, in.Entity), in.Truth.ID)
	}
	if t.names[in.Entity] != nil {
		return
	}
	for _, o := range t.ops {
		if ent := t.namelessIn(o); ent != nil && slices.Contains(in.Truth.Contains, t.name(o.real)) {
			t.called(ent, in.Entity)
			return
		}
	}
}

// neverNamed: an operation ends that was to make an entity, and nothing else makes it. Its name is
// written down, for no server knows it.
func (t *Twin) neverNamed(o *op) {
	if o.successor != nil && t.makesNameless(o.successor) {
		return
	}
	if ent := t.namelessIn(o); ent != nil && o.typ.ServerID && !t.isMade(ent) {
		t.writeName(ent)
	}
}

// isMade: an unsettled operation makes the entity.
func (t *Twin) isMade(ent *entity) bool {
	return t.count(ent, func(o *op) bool { return o.placeIn(ent).kind == engine.Create }) > 0
}

// checkNamed: nobody can say of what an operation is whose entity came to nothing.
func (t *Twin) checkNamed(o *op) error {
	for _, p := range o.places {
		if p.kind != engine.Create && t.nameless(p.ent) && !t.isMade(p.ent) {
			return engine.ErrAbsent
		}
	}
	return nil
}

// lost: the operation is about to leave, and its entity has no name.
func (t *Twin) lost(o *op) bool {
	return slices.ContainsFunc(o.places, func(p place) bool { return p.kind != engine.Create && t.nameless(p.ent) })
}

// sinking are the operations that go with a creation, in order: those that stand on it, and, if
// the entity has no name, all that follow until it is made again.
func (t *Twin) sinking(creation *op) (all []*op) {
	all = t.standing(creation)
	for _, p := range creation.places {
		if p.kind != engine.Create || !t.nameless(p.ent) {
			continue
		}
		all = nil // the driver's creations without name are of one entity
		for _, o := range t.ops {
			if in := o.placeIn(p.ent); in != nil && o.pos > creation.pos {
				if in.kind == engine.Create {
					break
				}
				all = append(all, o)
			}
		}
	}
	return all
}
