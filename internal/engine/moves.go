package engine

// Moves are told for spaces that the shell has indexed: how each entity looked before the
// Step that changed it, once for each entity.

// Look is an entity as its users see it, with the work under way in it.
type Look struct {
	Value    any
	Presence Presence
	Pending  int // unsettled operations, parked ones included
	Parked   int
	Version  uint64 // of truth
	Number   uint64 // of visible changes
	Unsure   bool
	// Leaving is the value that an unsettled deletion removes, while the entity is Absent
	// on account of it; else nil.
	Leaving any
	// Truth is held below the view, since Since, and from Position of the server's feed.
	Truth         any
	TruthPresence Presence
	Predicted     bool
	Since         Time
	Position      uint64
	Nameless      bool // the server's name of it is not known yet
}

// Move is an entity of an indexed space, as it looked before the Step and after it.
type Move struct {
	Entity        *Entity
	Before, After Look
}

// Look is how the entity looks now; nil is one of which nothing is held.
func (ent *Entity) Look() Look {
	if ent == nil {
		return Look{}
	}
	value, presence := ent.View()
	l := Look{
		Value: value, Presence: presence, Pending: ent.Pending(), Parked: ent.Parked(),
		Version: ent.version, Number: ent.number, Unsure: ent.Unsure(),
		Truth: ent.truth, TruthPresence: ent.presence, Predicted: ent.predicted, Since: ent.settledAt, Position: ent.Position(),
		Nameless: ent.Nameless(),
	}
	if presence == Present {
		return l
	}
	l.Value = nil
	if presence == Absent {
		for p := ent.last; p != nil && p.presence == Absent; p = p.prev {
			if value, presence := p.before(); presence == Present {
				l.Leaving = value
				break
			}
		}
	}
	return l
}

// Same reports whether two looks of one entity are the same: its view, its names, and the truth
// below, which also differs when it was told anew.
func (ent *Entity) Same(a, b *Look) bool {
	// A value that changes gets another number, but the number counts on also when nothing
	// is to be seen in between.
	same := a.SameView(b) || a.sameWork(b) && ent.space.same(a.Value, b.Value)
	return same && a.TruthPresence == b.TruthPresence && a.Since == b.Since && a.Position == b.Position && a.Nameless == b.Nameless &&
		ent.space.same(a.Leaving, b.Leaving) && ent.space.same(a.Truth, b.Truth)
}

// SameView reports whether two looks of one entity are the same view, as far as it can be told
// without a comparison of values: a value that changes gets another number.
func (l *Look) SameView(other *Look) bool { return l.sameWork(other) && l.Number == other.Number }

func (l *Look) sameWork(other *Look) bool {
	return l.Presence == other.Presence && l.Pending == other.Pending && l.Parked == other.Parked &&
		l.Version == other.Version && l.Unsure == other.Unsure
}

// HasMoves reports whether the last Step may have changed entities of indexed spaces.
func (e *Engine) HasMoves() bool { return len(e.moves) > 0 }

// Moves calls yield for each indexed space of which the last Step has changed entities, with
// these, both in the order in which the Step came to them. The slice is used again, the moves
// are valid until Done.
func (e *Engine) Moves(yield func(*Space, []*Move) bool) {
	for i := range e.moves {
		space := e.moves[i].Entity.space
		if space.moved == e.steps {
			continue
		}
		space.moved = e.steps
		moves := e.inSpace[:0]
		for j := range e.moves[i:] {
			move := &e.moves[i+j]
			if move.Entity.space != space {
				continue
			}
			if move.After = move.Entity.Look(); !move.Entity.Same(&move.Before, &move.After) {
				moves = append(moves, move)
			}
		}
		more := len(moves) == 0 || yield(space, moves)
		if e.inSpace = emptied(moves); !more {
			return
		}
	}
}

// Steps counts the steps made, so that those of one step bear one number.
func (e *Engine) Steps() uint64 { return e.steps }

// note remembers how an entity looks, before the first change of it in a Step.
func (e *Engine) note(ent *Entity) {
	if ent.space.Indexed && !ent.noted {
		ent.noted = true
		e.moves = append(e.moves, Move{Entity: ent, Before: ent.Look()})
	}
}

func (e *Engine) forgetMoves() {
	for i := range e.moves {
		e.moves[i].Entity.noted = false
	}
	e.moves = emptied(e.moves)
}
