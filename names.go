package optimist

import (
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/outbox"
)

// A server may make the ids of its entities. The engine keeps the pairs of names, and finds
// an entity by either; here the server's name is put on the wire and into the journal.

// refsOf erases the program's function, which is data, and finds the entities that it names.
func (m *Manager) refsOf(l *label, list func(args any) []string) func(args any) ([]engine.Ref, error) {
	return func(args any) ([]engine.Ref, error) {
		m.enterLocked(l)
		var names []string
		if err := contain("refs", func() { names = list(args) }); err != nil {
			return nil, errorf.New("%w: %w", ErrInvalid, err)
		}
		return m.known.Refs(names)
	}
}

// namesFor are the names that an attempt puts on the wire: of its entity, and of those to
// which its arguments refer. An entity that the operation makes may have none.
func namesFor(o *engine.Op) (entity string, refs []string) {
	ent := o.Entity()
	entity = ent.Space().ServerName(ent.ID())
	for _, r := range o.Refs() {
		refs = append(refs, r.Space.ServerName(r.Entity))
	}
	return entity, refs
}

// journalNameLocked queues the record of a pair of names, before the end of the creation.
func (m *Manager) journalNameLocked(n *engine.Name) {
	if m.disk != nil {
		m.disk.out.PutName(outbox.Name{Seq: n.Seq, Store: n.Space.Name, First: n.First, Server: n.Server})
	}
}

// restoreNamesLocked gives the engine the pairs that an earlier life left.
func (m *Manager) restoreNamesLocked(now time.Time) {
	for _, n := range m.disk.out.BeginNames(func(store string) bool { return m.known.Store(store) != nil }) {
		m.naming.Store(true)
		m.stepLocked(now, engine.Named{Space: m.known.Store(n.Store), First: n.First, Server: n.Server, Seq: n.Seq})
	}
}

// otherNames are the full names of an entity other than its first one, for those who subscribed
// to them.
func otherNames(ent *engine.Entity) (names []string) {
	for _, id := range ent.OtherNames() {
		names = append(names, ent.Space().FullName(id))
	}
	return names
}
