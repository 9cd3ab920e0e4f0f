package sim

import (
	"time"

	"github.com/optimist-go/optimist"
)

// version is of the truth that was held of an entity last.
type version struct{ era, number uint64 }

// holds checks the truth that a process holds of an entity: as long as the server told it, it is what
// the server had at that version, in that era, and no older than before. The caller has the World's lock.
func (l *life) holds(id string) {
	if l.look(); l.dead || !l.sure() {
		return
	}
	w := l.c.w
	held := l.truth(id)
	if held.Version == 0 {
		return
	}
	now := version{l.era, held.Version}
	if last := l.held[id]; last.era == now.era && last.number > now.number {
		w.fail("%s holds version %d of %s in era %d, after version %d", l.c, now.number, id, now.era, last.number)
	}
	l.held[id] = now
	if _, listed := l.listed[id]; held.Predicted || listed {
		return
	}
	had, ok := w.server.had(id, l.era, held.Version)
	if !ok || had.there != (held.Presence == optimist.Present) || !equalPosts(had.value, held.Value) {
		w.fail("%s holds as version %d of %s in era %d: %v, the server had: %v", l.c, held.Version, id, l.era, held.Value, had.value)
	}
}

// hold checks the truth that all processes hold.
func (w *World) hold() {
	for _, c := range w.clients {
		if c.life == nil || c.life.dead {
			continue
		}
		for _, id := range w.entities {
			c.life.holds(id)
		}
	}
}

// owed is truth that the library has to read of an entity, at least of a version.
type owed struct {
	since time.Duration
	least version
}

// reread is a read of the library's, under way or over.
type reread struct {
	began, over time.Duration
	found       version
}

// unread checks that the library has read all entities that it had to, not too early.
func (l *life) unread() {
	for _, id := range sortedKeys(l.owed) {
		due, r := l.owed[id], l.reread[id]
		inTime := r.over >= due.since && (r.found.era > due.least.era || r.found.era == due.least.era && r.found.number >= due.least.number)
		if !inTime && (r.began < due.since || r.began == 0) {
			l.c.w.fail("%s: the library has not read %s since %v", l.c, id, due.since)
		}
	}
}
