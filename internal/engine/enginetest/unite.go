package enginetest

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// Two entities of the twin are one when the server has told one id to both, or when truth came
// under the server's id before it was told. They become one, under the first name that was paired
// first, once no call of either is under way; until then nothing leaves from them.

// pair notes the server's id of an entity, of which another may have been told it before.
func (t *Twin) pair(first, server string) {
	n := t.names[first]
	n.server = server
	if t.names[server] != nil {
		return // no server makes such an id
	}
	for other, before := range t.names {
		if other != first && before.server == server && before.of == "" {
			n.of = other
		}
	}
	if from, _ := t.two(first); t.under(from) != nil {
		t.apart = append(t.apart, first)
	}
}

// two are the names of the two that are one: from becomes part of to.
func (t *Twin) two(first string) (from, to string) {
	if n := t.names[first]; n.of == "" {
		return n.server, first
	} else {
		return first, n.of
	}
}

// under is what is held under just this name.
func (t *Twin) under(id string) *entity {
	for _, ent := range t.entities {
		if ent.id == id {
			return ent
		}
	}
	return nil
}

// waitsForOther: an entity of the operation has still to become one with another.
func (t *Twin) waitsForOther(o *op) bool {
	return slices.ContainsFunc(t.apart, func(first string) bool {
		from, to := t.two(first)
		return slices.ContainsFunc(o.places, func(p place) bool { return p.ent.id == from || p.ent.id == to })
	})
}

func (t *Twin) calling(ent *entity) bool {
	return slices.ContainsFunc(t.calls, func(o *op) bool { return o.placeIn(ent) != nil })
}

// uniteAll makes one of each two that are one and have no call under way.
func (t *Twin) uniteAll() {
	if len(t.apart) == 0 {
		return
	}
	t.apart = slices.DeleteFunc(t.apart, t.unite)
	t.purge(nil)
	t.bury(engine.RolledBack)
}

func (t *Twin) unite(first string) bool {
	fromID, toID := t.two(first)
	from, to := t.under(fromID), t.under(toID)
	if from == nil {
		return true
	}
	if t.calling(from) || to != nil && t.calling(to) {
		return false
	}
	if to == nil {
		to = &entity{space: from.space, id: toID}
		t.entities = append(t.entities, to)
	}
	to.shownAnew = to.shownAnew || from.pinned // those who saw the other see this one
	to.pinned = to.pinned || from.pinned
	to.latest = max(to.latest, from.latest)
	to.unread = to.unread || from.unread
	if !to.unsure {
		to.unsure, to.unsureSince, to.sureAt = from.unsure, from.unsureSince, from.sureAt
	}
	for _, o := range t.ops {
		if p := o.placeIn(from); p != nil {
			p.ent = to
		}
	}
	newer := from.newerThan(to)
	if newer && to.outlived && !from.outlived {
		t.leaveEra(to)
	}
	to.settledAt = max(to.settledAt, from.settledAt)
	if newer {
		to.loose = from.loose || from.version == 0 && to.version != 0
		to.truth, to.presence, to.exact, to.predicted, to.outlived = from.truth, from.presence, from.exact, from.predicted, from.outlived
		to.version, to.floor = max(to.version, from.version), max(to.floor, from.floor)
		t.tiesEnd(to)
	}
	for _, o := range t.ops {
		if p := o.placeIn(to); p != nil {
			p.stands = p.stands && t.creationBefore(to, o.pos) != nil // else the server has it, or a deletion lies between
		}
	}
	from.into = to
	t.entities = slices.DeleteFunc(t.entities, func(ent *entity) bool { return ent == from })
	said := engine.Truth{Presence: from.presence, Version: from.version, ReadAt: max(from.settledAt, 1)}
	t.taken(to, said, newer, newer)
	return true
}

// newerThan reports whether the truth of an entity is newer than that of another name of it.
func (ent *entity) newerThan(other *entity) bool {
	mine, theirs := max(ent.version, ent.floor), max(other.version, other.floor)
	switch {
	case ent.presence == engine.NotLoaded:
		return false
	case other.presence == engine.NotLoaded && other.version == 0:
		return true
	case ent.version == 0:
		return ent.settledAt >= other.settledAt
	case other.version == 0:
		return true
	}
	return mine > theirs || mine == theirs && other.loose && !ent.loose
}

// now is the entity that an entity has become.
func (ent *entity) now() *entity {
	for ent.into != nil {
		ent = ent.into
	}
	return ent
}

// release forgets what nobody sees and of which nothing is held.
func (t *Twin) release() {
	t.entities = slices.DeleteFunc(t.entities, func(ent *entity) bool {
		return !ent.pinned && ent.presence == engine.NotLoaded && ent.version == 0 && t.lastOf(ent) == nil && !t.calling(ent)
	})
}
