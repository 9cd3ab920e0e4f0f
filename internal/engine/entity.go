package engine

import "maps"

// Presence says whether an entity is there.
type Presence uint8

const (
	NotLoaded Presence = iota // nothing is known of it; in a Truth: no value is said
	Present
	Absent // known not to be there
)

// Space is a namespace of entities with one type of value: a store.
type Space struct {
	Name  string
	Equal func(a, b any) bool // nil: values are never compared (closures only)
	// Lane names the lane of an entity; nil: each entity is its own lane.
	Lane func(id string) string
	// Patience is how long an accepted operation waits for truth that shows it, when the
	// value that came with the answer seems to be a lagging replica's. 0: it does not.
	Patience Time
	Readable bool // Reread is carried out
	// RereadSettled: an entity is to be read when the last of its operations has ended, if one of
	// them had left.
	RereadSettled bool
	Indexed       bool   // Moves are told
	moved         uint64 // the step whose Moves were told last
	Owner         any    // of no meaning to the engine

	entities map[string]*Entity
	listed   bool               // among the engine's spaces
	names    *names             // nil: the server makes none
	places   map[*Entity]uint64 // where truth held is in the server's feed, if that was told
	most     int                // len(entities) at most, since the map was made
	lanes    map[string]*lane   // of named lanes that are in use
}

// NewSpace returns an empty namespace.
func NewSpace(name string) *Space {
	return &Space{Name: name, entities: make(map[string]*Entity)}
}

// Find returns the entity, or nil when the engine holds nothing about it.
func (s *Space) Find(id string) *Entity {
	if s.names != nil {
		id = s.names.find(id)
	}
	return s.entities[id]
}

// Len counts the entities about which something is held.
func (s *Space) Len() int { return len(s.entities) }

// All calls yield for every entity until it returns false, in no order.
func (s *Space) All(yield func(*Entity) bool) {
	for _, ent := range s.entities {
		if !yield(ent) {
			return
		}
	}
}

// same compares two values of the space; a comparison that panics says no.
func (s *Space) same(a, b any) (equal bool) {
	if a == nil || b == nil || s.Equal == nil {
		return a == nil && b == nil
	}
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return s.Equal(a, b)
}

// Entity is one thing that users change. One exists while something is known of it, or
// waits in it, or watches it.
type Entity struct {
	space *Space
	id    string

	// Truth, as the server last said it.
	truth    any
	version  uint64 // 0: the server gave none yet
	presence Presence
	outlived bool // the value is of an earlier era
	derived  bool // the value is not just as it was told with version
	// floor: the truth held is known to be at least of this version, although only an
	// earlier version was told beside a value.
	floor uint64
	// unversioned: the value was read without a version after that version, and no operation
	// was confirmed since.
	unversioned bool
	// predicted: truth is what confirmed operations make of the value told last; the server
	// did not say so.
	predicted bool
	isDirty   bool  // see dirty
	unread    bool  // an operation that had left has ended, and it is to be read therefore
	unseen    bool  // Misused has told of an operation that no view shows
	touched   int32 // 1 + index in the engine's list during a Step, else 0
	// settledAt is when an operation last left the fold because the server has it,
	// or when truth was last taken; an undated read that began before is old.
	settledAt Time
	// latest: no later timestamp was told of the entity or given to an operation of it.
	latest Timestamp

	// first..last are the parts that are folded over truth, by op.pos.
	first, last        *part
	busyPrev, busyNext *Entity
	// While isDirty: cached values before dirty are right; those of dirty (nil: none)
	// up to position dirtyUntil may be wrong, and so may later ones if the value at
	// dirtyUntil turns out to have moved.
	dirty      *part
	dirtyUntil uint64

	lane *lane
	own  lane // the lane, unless the space names lanes

	number    uint64 // Changed effects so far: numbers them without gaps
	unended   int32  // operations in first..last
	creations int32  // those of them that make the entity
	parked    int32  // those of them that are parked
	pins      int32  // watchers and calls under way that keep the record

	held  int32  // operations in first..last that are held
	noted bool   // it is among the engine's moves
	doubt *doubt // nil: sure

	// Watchers belongs to the shell.
	Watchers any
}

// ID is the entity's name within its space.
func (ent *Entity) ID() string { return ent.id }

// FullName is the entity's name with that of its space; empty for nil.
// It is not inlined: a browser would get too many copies.
//
//go:noinline
func (ent *Entity) FullName() string {
	if ent == nil {
		return ""
	}
	return ent.space.FullName(ent.id)
}

// FullName is the name of an entity with that of the space.
// It is not inlined: a browser would get too many copies.
//
//go:noinline
func (s *Space) FullName(id string) string {
	if s.Name == "" {
		return id
	}
	return s.Name + ":" + id
}

// Key names an entity, also after the engine has forgotten it.
type Key struct {
	Space *Space
	ID    string
}

// String is the entity's full name.
func (k Key) String() string { return k.Space.FullName(k.ID) }

// Key is the entity's.
func (ent *Entity) Key() Key { return Key{ent.space, ent.id} }

// Space is the entity's namespace.
func (ent *Entity) Space() *Space { return ent.space }

// View is the fold: the only thing that a user sees.
func (ent *Entity) View() (any, Presence) {
	if ent.last != nil {
		return ent.last.after, ent.last.presence
	}
	return ent.truth, ent.presence
}

// Truth is the server's last word, and since which version it holds.
func (ent *Entity) Truth() (any, Presence, uint64) { return ent.truth, ent.presence, ent.version }

// Predicted reports whether truth is a prediction that confirmed operations made truth.
func (ent *Entity) Predicted() bool { return ent.predicted }

// TruthSince is when truth was taken last, or an operation last confirmed.
func (ent *Entity) TruthSince() Time { return ent.settledAt }

// Number counts the Changed effects of this entity so far.
func (ent *Entity) Number() uint64 { return ent.number }

// Pending counts unsettled operations; Parked those of them that wait for a person.
func (ent *Entity) Pending() int { return int(ent.unended) }

// Parked counts operations that failed and wait for a person.
func (ent *Entity) Parked() int { return int(ent.parked) }

// Ops calls yield for every unsettled operation, in order, until it returns false.
func (ent *Entity) Ops(yield func(*Op) bool) {
	for p := ent.first; p != nil; p = p.next {
		if !yield(p.op) {
			return
		}
	}
}

// Pin returns the entity and keeps its record until Unpin.
func (e *Engine) Pin(s *Space, id string) *Entity {
	ent := e.entity(s, id)
	ent.pins++
	return ent
}

// Unpin ends a Pin.
func (e *Engine) Unpin(ent *Entity) {
	ent.pins--
	if to := ent.Now(); to != ent {
		if ent.pins == 0 {
			delete(ent.space.names.united, ent)
			e.Unpin(to)
		}
		return
	}
	e.release(ent)
}

// Forget drops the truth held about an entity without operations.
type Forget struct {
	Entity *Entity
	Forgot bool // the engine sets it: it did
}

func (in *Forget) step(e *Engine) error {
	ent := in.Entity
	if ent.first != nil {
		return nil
	}
	in.Forgot = true
	e.touch(ent)
	ent.doubt = nil // all truth to come is newer
	ent.truth, ent.presence, ent.version, ent.floor, ent.latest = nil, NotLoaded, 0, 0, 0
	ent.predicted, ent.derived, ent.outlived = false, false, false
	ent.place(0)
	return nil
}

// RereadLater has an entity read when all its operations have ended, if it has some now, and
// reports that.
func (e *Engine) RereadLater(ent *Entity) bool {
	ent.unread = ent.unread || ent.unended > 0
	return ent.unread
}

// entity finds or makes the record.
func (e *Engine) entity(s *Space, id string) *Entity {
	if s.names != nil {
		id = s.names.find(id)
		s.names.use(id)
	}
	if ent := s.entities[id]; ent != nil {
		return ent
	}
	if !s.listed {
		s.listed = true
		e.spaces = append(e.spaces, s)
	}
	ent := &Entity{space: s, id: id}
	ent.lane = &ent.own
	if s.Lane != nil {
		name := s.Lane(id)
		if s.lanes == nil {
			s.lanes = make(map[string]*lane)
		}
		if s.lanes[name] == nil {
			s.lanes[name] = &lane{name: name}
		}
		ent.lane = s.lanes[name]
		ent.lane.users++
	}
	s.entities[id] = ent
	s.most = max(s.most, len(s.entities))
	return ent
}

// release forgets an entity of which nothing needs to be remembered.
func (e *Engine) release(ent *Entity) {
	if ent.first != nil || ent.pins > 0 || ent.presence != NotLoaded || ent.version != 0 {
		return
	}
	if ent.space.entities[ent.id] != ent {
		return // released before
	}
	e.drop(ent)
}

// drop forgets the record of an entity.
func (e *Engine) drop(ent *Entity) {
	delete(ent.space.entities, ent.id)
	ent.place(0)
	ent.space.shrink()
	if ent.space.names != nil {
		ent.space.names.leave(ent.id)
	}
	if ent.lane != &ent.own {
		if ent.lane.users--; ent.lane.users == 0 {
			delete(ent.space.lanes, ent.lane.name)
		}
	}
}

// shrink gives the memory of a burst back, which a map keeps when it is emptied.
func (s *Space) shrink() {
	if s.most < 1024 || len(s.entities) > s.most/8 {
		return
	}
	small := make(map[string]*Entity, len(s.entities))
	maps.Copy(small, s.entities)
	s.entities, s.most = small, len(small)
}

// insert links a part into its entity by position. Nearly always it goes last.
func (e *Engine) insert(p *part) {
	ent := p.entity
	e.touch(ent)
	after := ent.last
	for after != nil && after.op.pos > p.op.pos {
		after = after.prev
	}
	p.prev = after
	if after == nil {
		p.next, ent.first = ent.first, p
	} else {
		p.next, after.next = after.next, p
	}
	if p.next == nil {
		ent.last = p
	} else {
		p.next.prev = p
	}
	if p.kind() == Create {
		ent.creations++
	}
	if ent.unended++; ent.unended == 1 {
		e.linkBusy(ent)
	}
}

// remove unlinks a part from its entity and marks the parts behind it as dirty.
func (e *Engine) remove(p *part) {
	ent := p.entity
	e.touch(ent)
	e.markDirty(ent, p.next)
	if ent.dirty == p {
		ent.dirty = p.next
	}
	if p.prev == nil {
		ent.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		ent.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
	p.after = nil
	if p.op.state == Parked {
		ent.parked--
	}
	if p.kind() == Create {
		ent.creations--
	}
	if ent.unended--; ent.unended == 0 {
		e.unlinkBusy(ent)
	}
}

func (e *Engine) linkBusy(ent *Entity) {
	ent.busyPrev = e.busyLast
	if e.busyLast == nil {
		e.busyFirst = ent
	} else {
		e.busyLast.busyNext = ent
	}
	e.busyLast = ent
}

func (e *Engine) unlinkBusy(ent *Entity) {
	if ent.busyPrev == nil {
		e.busyFirst = ent.busyNext
	} else {
		ent.busyPrev.busyNext = ent.busyNext
	}
	if ent.busyNext == nil {
		e.busyLast = ent.busyPrev
	} else {
		ent.busyNext.busyPrev = ent.busyPrev
	}
	ent.busyPrev, ent.busyNext = nil, nil
}
