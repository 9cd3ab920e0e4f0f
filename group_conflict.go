package optimist

import (
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// GroupConflict is the argument of [Group].Resolve: a group met a server that holds something
// else in one or several of its entities. [ConflictIn] has the two sides in each of them.
type GroupConflict[A any] struct {
	Args   A
	MineAt Timestamp
	Err    error // of the attempt

	conf *engine.Conflict // valid during the call
}

// KeepMine sends the group again, on the new versions: same key, same content, same timestamp.
// After Policy.MaxConflicts of them it is a failure.
func (c GroupConflict[A]) KeepMine() Decision[A] { return Decision[A]{choice: engine.KeepMine} }

// TakeTheirs gives the group up in all its entities; their views show the server's state.
func (c GroupConflict[A]) TakeTheirs() Decision[A] { return Decision[A]{choice: engine.TakeTheirs} }

// Fail makes the group fail with err (nil: that of the attempt).
func (c GroupConflict[A]) Fail(err error) Decision[A] {
	return Decision[A]{choice: engine.Fail, err: err}
}

// ConflictIn is the conflict of a group as it looks in one of its entities, for as long as
// Group.Resolve runs. TheirsPresence is NotLoaded if the answer said nothing of it. It is false
// if the entity is none of the group's. A Merge that it decides is a failure: a group has the
// arguments that it has.
func ConflictIn[T, A any](c GroupConflict[A], s *Store[T], id string) (in Conflict[T, A], found bool) {
	if s == nil || c.conf == nil {
		return in, false
	}
	for _, side := range append([]engine.Conflict{*c.conf}, c.conf.Rest...) {
		if s.has(side.Entity, id) {
			return conflictOf[T](&side, c.Args), true
		}
	}
	return in, false
}

// has reports whether an entity is the store's, and of that id, either of its two.
func (s *anyStore) has(ent *engine.Entity, id string) bool {
	return id != "" && ent.Space() == s.space && (ent.ID() == id || s.space.ServerName(ent.ID()) == id)
}

// conflictOf is a conflict of the engine as a resolver sees it.
func conflictOf[T, A any](c *engine.Conflict, args A) Conflict[T, A] {
	return Conflict[T, A]{
		Entity: c.Entity.ID(), Args: args,
		Base: as[T](c.Base), Mine: as[T](c.Mine), Theirs: as[T](c.Theirs.Value),
		BasePresence: Presence(c.BasePresence), TheirsPresence: Presence(c.Theirs.Presence),
		BaseVersion: c.BaseVersion, TheirsVersion: c.Theirs.Version,
		MineAt: Timestamp(c.Op.Timestamp), TheirsAt: Timestamp(c.Theirs.At),
		MineBy: c.MineBy, TheirsBy: c.Theirs.By, Err: c.Err,
	}
}

// resolve asks the program about a conflict.
func (g *GroupAction[A]) resolve(c *engine.Conflict) engine.Decision {
	g.m.enterLocked(&g.typ.label)
	d := g.def.Resolve(GroupConflict[A]{
		Args: *c.Op.Args.(*A), MineAt: Timestamp(c.Op.Timestamp), Err: c.Err, conf: c,
	})
	if d.choice == engine.Merge {
		d = Decision[A]{choice: engine.Fail, err: errorf.New("%w: a group cannot be merged", ErrInvalid)}
	}
	return engine.Decision{Choice: d.choice, Err: sound("resolve", d.err)}
}
