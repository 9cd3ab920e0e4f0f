package optimist

import (
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Conflict is the argument of a resolver: an operation met a server that holds something
// else.
type Conflict[T, A any] struct {
	Entity string
	Args   A
	// Base is the truth that was held when the attempt left, Mine the value that
	// the operation makes of it, Theirs the server's value. Each is the zero value where its
	// presence is not Present; TheirsPresence is NotLoaded when the server did not say.
	Base, Mine, Theirs           T
	BasePresence, TheirsPresence Presence
	BaseVersion, TheirsVersion   uint64
	MineAt, TheirsAt             Timestamp
	MineBy, TheirsBy             string
	Err                          error // of the attempt
}

// Decision is a resolver's answer. The Conflict's methods make it.
type Decision[A any] struct {
	choice engine.Choice
	args   *A
	err    error
}

// KeepMine sends the operation again, on the new version: same key, same content,
// same timestamp. After Policy.MaxConflicts of them it is a failure.
func (c Conflict[T, A]) KeepMine() Decision[A] { return Decision[A]{choice: engine.KeepMine} }

// TakeTheirs gives the operation up; the view shows the server's state.
func (c Conflict[T, A]) TakeTheirs() Decision[A] { return Decision[A]{choice: engine.TakeTheirs} }

// Merge sends other arguments instead, as another operation with a key and a
// timestamp of its own.
func (c Conflict[T, A]) Merge(args A) Decision[A] {
	return Decision[A]{choice: engine.Merge, args: &args}
}

// Fail makes the operation fail with err (nil: that of the attempt).
func (c Conflict[T, A]) Fail(err error) Decision[A] {
	return Decision[A]{choice: engine.Fail, err: err}
}

// MineIsLater reports whether the operation is the last writer: the later timestamp,
// or the greater client id at the same one. False when the server told no time.
func (c Conflict[T, A]) MineIsLater() bool {
	return engine.MineIsLater(engine.Timestamp(c.MineAt), engine.Timestamp(c.TheirsAt), c.MineBy, c.TheirsBy)
}

// LastWriterWins keeps mine when it is later by timestamp, and else takes theirs.
// Without the server's truth it fails. It is the default.
func LastWriterWins[T, A any](c Conflict[T, A]) Decision[A] {
	return Decision[A]{choice: engine.LastWriterWins(engine.Presence(c.TheirsPresence), c.MineIsLater())}
}

// ServerWins takes theirs.
func ServerWins[T, A any](c Conflict[T, A]) Decision[A] { return c.TakeTheirs() }

// ClientWins keeps mine. A server that itself lets the last writer win needs a newer
// timestamp to agree: resolve with Merge(c.Args) there.
func ClientWins[T, A any](c Conflict[T, A]) Decision[A] { return c.KeepMine() }

func (a *Action[T, A]) resolve(c *engine.Conflict) engine.Decision {
	a.m.enterLocked(&a.typ.label)
	d := a.def.Resolve(conflictOf[T](c, *c.Op.Args.(*A)))
	var merged *Handle
	if d.choice == engine.Merge && d.args != nil {
		merged = newTyped(a.m, &a.typ, a.clone(*d.args))
	}
	return a.decision(d.choice, d.err, merged)
}

// decision is a resolver's answer as the engine takes it.
func (a *anyAction) decision(d engine.Choice, err error, merged *Handle) engine.Decision {
	v := engine.Decision{Choice: d, Err: sound("resolve", err)}
	if merged != nil {
		merged.op.Timestamp = a.m.clock.Next(time.Now())
		if _, err := a.typ.prepare(&merged.op); err != nil {
			return engine.Decision{Choice: engine.Fail, Err: err}
		}
		v.Merged = &merged.op
	}
	return v
}

// MergeRule is the result of two operations of one slot of which the first has not
// left yet.
//
//	first    second   usual rule
//	create   edit     TakeFirst, with the edit's text     create+edit   = create
//	create   delete   Annihilate                          create+delete = nothing
//	edit     edit     TakeSecond                          edit+edit     = edit
//	edit     delete   TakeSecond                          edit+delete   = delete
type MergeRule = engine.MergeRule

const (
	// TakeSecond replaces the first by the second. It is the rule where none was set, when
	// both change the entity, and when the second deletes the entity that the first changes.
	TakeSecond = engine.TakeSecond
	// TakeFirst keeps an operation of the first type.
	TakeFirst = engine.TakeFirst
	// Annihilate drops both: they undo each other.
	Annihilate = engine.Annihilate
	// Separate sends both, in order.
	Separate = engine.Separate
)

// Merge sets the rule for an operation of the first type that is followed by one of
// the second, in one slot of one family. The rule may change the copies that it gets:
// the copy of the type that survives becomes the survivor's arguments. It must be pure
// otherwise. Coalesced or not, the server must end up in the same state.
//
// Without a rule an operation joins an earlier one that wants the same, also one that has
// left. Two types with a rule never join: the rule decides about "one more" and "one more",
// and behind one that has left the second is an operation of its own. Without a rule a
// creation and a change, and a deletion and a creation, are both sent.
//
// If the rule cannot work, calls of the second action fail, with an error that Manager.Err
// tells as well. Set rules before the first operation.
func Merge[T, A, B any](first *Action[T, A], second *Action[T, B], rule func(first *A, second *B) MergeRule) {
	switch {
	case second == nil && first == nil:
		return
	case second == nil:
		first.breaks(errorf.New("%w: Merge needs a second action beside %q", ErrInvalid, first.typ.Name))
		return
	case first == nil || rule == nil:
		second.breaks(errorf.New("%w: Merge needs two actions and a rule", ErrInvalid))
		return
	}
	err := merge(&first.anyAction, &second.anyAction, func(older, newer any) (any, any, MergeRule) {
		a, b := first.clone(*older.(*A)), second.clone(*newer.(*B))
		kept := rule(&a, &b)
		return &a, &b, kept
	})
	if err != nil {
		second.breaks(err)
	}
}

// breaks has the action refuse operations from now on.
func (a *anyAction) breaks(err error) {
	if a.err == nil {
		a.err = errorf.New("merge rule of %q: %w", a.typ.Name, err)
		a.m.noteInvalid(a.err)
	}
}

// merge sets a rule that works on copies of the arguments, and returns the changed copies.
func merge(first, second *anyAction, rule func(older, newer any) (any, any, MergeRule)) error {
	var err error
	switch {
	case first.err != nil:
		err = first.err
	case second.err != nil:
		err = second.err
	case first.typ.space != second.typ.space:
		err = errorf.New("%w: %q and %q are of different stores", ErrInvalid, first.typ.Name, second.typ.Name)
	case first.typ.Family != second.typ.Family:
		err = errorf.New("%w: %q and %q are of different families, so they never share a slot", ErrInvalid, first.typ.Name, second.typ.Name)
	case first.typ.slot == nil || second.typ.slot == nil:
		err = errorf.New("%w: %q and %q both need a Slot", ErrInvalid, first.typ.Name, second.typ.Name)
	}
	if err != nil {
		return err
	}
	m := second.m
	if err := m.lock(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if second.typ.Merge == nil {
		second.typ.Merge = make(map[string]func(older, newer *engine.Op) engine.Merged)
	}
	second.typ.Merge[first.typ.Name] = func(older, newer *engine.Op) engine.Merged {
		var a, b any
		merged := Separate // keeps both, when the rule panics
		m.enterLocked(&second.typ.label)
		if err := contain("merge", func() { a, b, merged = rule(older.Args, newer.Args) }); err != nil {
			m.publishLocked(Event{Kind: event.CallbackPanicked, Entity: older.Entity().FullName(), Type: newer.Type.Name, Err: err})
		}
		return merged.Of(newer, a, b)
	}
	return nil
}

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

// Fail makes the group fail with err; nil: with the error of the attempt.
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
