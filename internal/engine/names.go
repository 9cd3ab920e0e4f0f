package engine

import (
	"slices"

	"github.com/optimist-go/optimist/internal/errorf"
)

// A server may make the ids of its entities. The program then chooses a first name, under
// which an entity is held here as long as anything is held of it; the server's name is a
// second one, which an answer or a push tells. Names are looked up at the door only (Find
// and entity): nothing that is held is ever renamed.
//
// Until the server's name is known, an entity is nameless, and nothing leaves that refers to
// it: operations on it stand on its creation (creation.go), operations whose arguments refer
// to it depend on its creation.

// maxUnused is the number of names that a space keeps of entities of which nothing else is held.
const maxUnused = 10_000

// names are the second names of one space. Invariants: p.server is empty or told once; p is
// in the list of unused ones exactly while the space has no entity under p.first.
type names struct {
	first  map[string]*Name // by first name: also those without a second one
	server map[string]*Name // by the server's

	oldest, newest *Name // unused
	unused         int

	apart []*Name // whose names still find two entities
	// united are records that have become part of another while somebody held them.
	united map[*Entity]*Entity
}

// Name is one entity's pair of names.
type Name struct {
	Space  *Space
	First  string
	Server string // empty: not known; if nothing makes the entity, it never will be
	Seq    uint64 // of the journal's record; 0: there is none

	// of is the pair to which the server told the same name before, of the same entity therefore;
	// that one has this pair among its twins. Invariant: a pair has not both.
	of    *Name
	twins []*Name

	apart, unused bool
	older, newer  *Name
}

// find is the first name for any name of an entity.
func (n *names) find(id string) string {
	p, own := n.first[id], true
	if p == nil {
		p, own = n.server[id], false
	}
	switch {
	case p == nil || p.apart:
	case p.of != nil:
		return p.of.First
	case !own:
		return p.First
	}
	return id
}

// ServerName is the server's name for any name of an entity; empty: it is not known yet.
// It is not inlined: a browser would get too many copies.
//
//go:noinline
func (s *Space) ServerName(id string) string {
	if s.names != nil {
		if p := s.names.first[id]; p != nil {
			return p.Server
		}
	}
	return id
}

// Nameless reports whether the entity was made here, and the server's name is not known.
func (ent *Entity) Nameless() bool {
	return ent.space.names != nil && ent.space.ServerName(ent.id) == ""
}

// nameless reports whether p makes an entity whose id the server has not told.
func (p *part) nameless() bool { return p.kind() == Create && p.entity.Nameless() }

// makesNameless reports whether the operation makes an entity whose id the server has not told.
func (o *Op) makesNameless() (so bool) {
	if !o.Type.ServerID {
		return false
	}
	o.parts(func(p *part) { so = so || p.nameless() })
	return so
}

// expectName notes that the server will name an entity, which an operation makes.
func (e *Engine) expectName(ent *Entity) {
	s := ent.space
	if s.names == nil {
		s.names = &names{first: make(map[string]*Name), server: make(map[string]*Name)}
	}
	if s.names.first[ent.id] == nil {
		s.names.first[ent.id] = &Name{Space: s, First: ent.id}
		e.forgetUnused(s, maxUnused)
	}
}

// learnNames takes the names that an answer tells.
func (e *Engine) learnNames(in *Answer) {
	e.name(in.Op.part.entity, in.Truth.ID)
	for _, m := range in.More {
		if m.Truth.ID != "" {
			e.name(e.entity(m.Space, m.Entity), m.Truth.ID)
		}
		e.learnPushed(&m)
	}
}

// learnPushed takes the name of an entity from truth that came under it, in a push or in an
// answer, and that contains its creation.
func (e *Engine) learnPushed(in *EntityTruth) {
	e.name(in.Space.Find(in.Entity), in.Truth.ID)
	n := in.Space.names
	if n == nil || len(in.Truth.Contains) == 0 || n.first[in.Entity] != nil {
		return
	}
	for ent := range e.Busy {
		if ent.space != in.Space || ent.creations == 0 || !ent.Nameless() {
			continue
		}
		for p := ent.first; p != nil; p = p.next {
			if p.kind() == Create && e.names(in.Truth, p.op) {
				e.name(ent, in.Entity)
				return
			}
		}
	}
}

// name gives a nameless entity the server's name. If something is held under that name
// already, the two become one when no call is under way in either.
func (e *Engine) name(ent *Entity, server string) {
	if server == "" || ent == nil || !ent.Nameless() {
		return
	}
	p := ent.space.names.first[ent.id]
	e.note(ent)
	e.pair(p, server)
	e.writeName(ent, p)
	if ent.presence == Present {
		e.touch(ent)
		e.untieAll(ent)
	}
	e.forgetUnused(ent.space, maxUnused)
}

// writeName has the journal keep a pair.
func (e *Engine) writeName(ent *Entity, p *Name) {
	if p.Seq == 0 {
		e.seq++
		p.Seq = e.seq
	}
	e.emit(Effect{Kind: EntityNamed, Entity: ent, Value: p})
}

// leaveNameless has the journal keep the first names of entities that an operation, which
// ends now, was to make and that nobody has named: no server knows these names, in a later life
// as well.
func (e *Engine) leaveNameless(o, successor *Op) {
	if successor != nil && successor.makesNameless() {
		return
	}
	o.parts(func(p *part) {
		if p.nameless() && p.entity.creations == 0 {
			e.writeName(p.entity, p.entity.space.names.first[p.entity.id])
		}
	})
}

// pair completes a pair. If the server told the same name before, the two pairs are of one
// entity.
func (e *Engine) pair(p *Name, server string) {
	n := p.Space.names
	p.Server = server
	switch before := n.server[server]; {
	case n.first[server] != nil: // no server makes such a name
		return
	case before != nil:
		p.of, before.twins = before, append(before.twins, p)
	default:
		n.server[server] = p
	}
	from, _ := p.two()
	if other := p.Space.entities[from]; other != nil {
		p.apart = true
		n.apart = append(n.apart, p)
		e.apart++
		e.touch(other)
	}
}

// leave notes that nothing is held of an entity any more but its names.
func (n *names) leave(id string) {
	p := n.first[id]
	if p == nil || p.unused {
		return
	}
	p.unused, p.older = true, n.newest
	if n.newest == nil {
		n.oldest = p
	} else {
		n.newest.newer = p
	}
	n.newest = p
	n.unused++
}

// use notes that something is held of an entity again.
func (n *names) use(id string) {
	if p := n.first[id]; p != nil && p.unused {
		n.unlink(p)
	}
}

func (n *names) unlink(p *Name) {
	if p.older == nil {
		n.oldest = p.newer
	} else {
		p.older.newer = p.newer
	}
	if p.newer == nil {
		n.newest = p.older
	} else {
		p.newer.older = p.older
	}
	p.unused, p.older, p.newer = false, nil, nil
	n.unused--
}

// forgetUnused forgets the oldest unused names until no more than so many are left.
func (e *Engine) forgetUnused(s *Space, left int) {
	for n := s.names; n != nil && n.unused > left; {
		p := n.oldest
		n.unlink(p)
		delete(n.first, p.First)
		n.leaveTwins(p)
		if p.Seq != 0 {
			e.emit(Effect{Kind: NameForgotten, Value: p})
		}
	}
}

// Named gives back a pair of names of an earlier life, or a first name that the server will
// never know. Older ones come first, and all of them before the first operation.
type Named struct {
	Space         *Space
	First, Server string
	Seq           uint64 // as it was
}

func (in Named) step(e *Engine) error {
	s := in.Space
	if s.names == nil {
		s.names = &names{first: make(map[string]*Name), server: make(map[string]*Name)}
	}
	n := s.names
	if n.first[in.First] != nil {
		return ErrInvalid
	}
	p := &Name{Space: s, First: in.First, Seq: in.Seq}
	n.first[p.First] = p
	if in.Server != "" {
		e.pair(p, in.Server)
	}
	e.seq = max(e.seq, p.Seq)
	if s.entities[p.First] == nil {
		n.leave(p.First)
	}
	e.forgetUnused(s, maxUnused)
	return nil
}

// Ref is an entity to which the arguments of an operation refer.
type Ref struct {
	Space  *Space
	Entity string
}

// Refs are the entities to which the operation's arguments refer, in the order in which its
// type lists them.
func (o *Op) Refs() []Ref {
	if o.ext == nil {
		return nil
	}
	return o.ext.refs
}

// refer finds the entities to which a new operation refers. It depends on the creations of
// those that are nameless.
func (e *Engine) refer(in *Execute) error {
	o := in.Op
	refs, err := o.Type.Refs(o.Args)
	if err != nil {
		return err
	}
	o.more().refs = refs
	for _, r := range refs {
		c, err := r.creation()
		switch {
		case in.touches(r):
		case err != nil:
			return err
		case c != nil && !slices.Contains(in.After, c):
			in.After = append(in.After[:len(in.After):len(in.After)], c)
		}
	}
	return nil
}

// creation is the operation that makes a nameless entity, or nil when the entity has a
// name. The error says that it came to nothing.
func (r Ref) creation() (*Op, error) {
	if r.Space.ServerName(r.Entity) != "" {
		return nil, nil
	}
	if ent := r.Space.Find(r.Entity); ent != nil && ent.creations > 0 {
		if c := maker(ent.last); c != nil && c.kind() == Create {
			return c.op, nil
		}
	}
	return nil, noSuch(r.Space, r.Entity)
}

// noSuch says that an entity was made here and came to nothing.
func noSuch(s *Space, id string) error {
	return errorf.New("%w: the creation of %s came to nothing", ErrDependency, s.FullName(id))
}

// touches reports whether an operation that was not accepted yet is of the entity itself.
func (in *Execute) touches(r Ref) bool {
	return slices.ContainsFunc(in.Parts(), func(m Part) bool {
		return m.Space == r.Space && m.Space.sameEntity(m.Entity, r.Entity)
	})
}

// sameEntity reports whether two names are of one entity.
func (s *Space) sameEntity(a, b string) bool {
	return a == b || s.names != nil && s.names.find(a) == s.names.find(b)
}

// checkNamed refuses an operation on an entity that was made here and came to nothing.
func checkNamed(kind Kind, ent *Entity) error {
	if kind != Create && ent.creations == 0 && ent.Nameless() {
		return ErrAbsent
	}
	return nil
}

// checkNames looks at an operation that is about to leave: wait says that one of its
// entities has still to be made, err that a name is wanted which the server will never know.
func (e *Engine) checkNames(o *Op) (wait bool, err error) {
	o.parts(func(p *part) {
		if p.entity.Nameless() && p.kind() != Create {
			err = noSuch(p.entity.space, p.entity.id)
		}
	})
	for _, r := range o.Refs() {
		c, lost := r.creation()
		switch {
		case err != nil || c == o:
		case lost != nil:
			err = lost
		case c == nil:
		case c.waitsFor(o): // each would wait for the other for ever
			err = e.dependencyErr(c, nil)
		default:
			wait = true
			if !slices.Contains(o.Deps(), c) {
				o.more().deps = append(o.ext.deps, c)
				c.addDependent(o)
				e.keep(o)
			}
		}
	}
	return wait, err
}

// waitsFor reports whether o cannot be sent before other, as its dependency or in a lane
// behind it.
func (o *Op) waitsFor(other *Op) bool {
	if o == other || slices.ContainsFunc(o.Deps(), func(d *Op) bool { return d.waitsFor(other) }) {
		return true
	}
	behind := false
	o.parts(func(p *part) {
		other.parts(func(q *part) { behind = behind || p.entity.lane == q.entity.lane && other.pos < o.pos })
	})
	return behind
}

// setRefs finds the entities to which the arguments of an operation refer, when they are not
// those with which it came.
func (o *Op) setRefs() {
	if o.Type.Refs != nil {
		o.more().refs, _ = o.Type.Refs(o.Args)
	} else if o.ext != nil {
		o.ext.refs = nil
	}
}

// mentions reports whether an operation may hold a name that the server does not know.
func (o *Op) mentions() bool {
	return o.part.entity.space.names != nil || o.ext != nil && (len(o.ext.refs) > 0 || len(o.ext.group) > 0)
}
