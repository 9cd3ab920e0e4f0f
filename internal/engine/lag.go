package engine

// A replica that lags answers an accepted operation with a value that is older than the
// write. A server can say so (Truth.Wrote). Of one that cannot, a space may have it guessed
// (Space.Patience): an accepted answer whose version is not above the version held, and
// which does not show the operation. Such an operation stays in the fold until truth shows
// it, in order, or its patience ends.

// lags reports whether the value told of the operation's entity is older than the write.
func (in *Answer) lags(ent *Entity) bool { return in.guessed || in.Truth.Wrote > ent.version }

// seemsToLag reports whether an answer is taken for a lagging replica's. It is asked
// before its truth is taken.
func (e *Engine) seemsToLag(o *Op, t Truth) bool {
	ent := o.part.entity
	if ent.space.Patience <= 0 || t.Wrote > ent.version || t.Version == 0 || t.Version > ent.version {
		return false
	}
	return e.guessBefore(&o.part) || o.part.isMissing(t.Value, t.Presence) && o.part.isMissing(ent.truth, ent.presence)
}

// isMissing reports whether a value is known not to show the part.
func (p *part) isMissing(value any, presence Presence) bool {
	so, known := p.fulfilled(value, presence)
	return known && !so
}

// guessBefore reports whether an earlier operation of the entity waits by a guess.
func (e *Engine) guessBefore(p *part) bool {
	for p = p.prev; p != nil && e.guesses > 0; p = p.prev {
		if p.op.waitsByGuess() {
			return true
		}
	}
	return false
}

func (o *Op) waitsByGuess() bool { return o.state == Acked && o.ext.guess }

// Awaited reports whether an operation that the server has waits for truth of a later version than
// the one held, which is to be read then.
func (ent *Entity) Awaited() bool {
	for p := ent.first; p != nil && ent.space.RereadSettled; p = p.next {
		if o := p.op; o.state == Acked && !o.Group() && o.ext.version > ent.version {
			return true
		}
	}
	return false
}

// ackGuess keeps the operation in the fold until truth shows it, or its patience ends.
func (e *Engine) ackGuess(o *Op) {
	e.ack(o, 0)
	o.ext.guess = true
	e.guesses++
	o.ext.until = e.openFor().plus(o.part.entity.space.Patience)
	e.timeGuess(o)
}

// showsGuess reports whether the truth held shows an operation that waits by a guess, and
// no earlier one of its entity waits in this way.
func (e *Engine) showsGuess(p *part) bool {
	return !e.guessBefore(p) && (p.op.ext.silent || !p.isMissing(p.entity.truth, p.entity.presence))
}

// shownBy is the entity whose truth contains an acknowledged operation when truth of ent has
// come for which it waited: none, if its answer said nothing and that truth is just the one
// awaited, for it is of an earlier one.
func (o *Op) shownBy(ent *Entity) *Entity {
	if o.ext.silent && (o.ext.guess || ent.version <= o.ext.version) {
		return nil
	}
	return ent
}

// confirmGuesses ends those that wait by a guess before p, which is confirmed: the server
// had them before.
func (e *Engine) confirmGuesses(p *part, told *Entity) {
	for q := p.entity.first; q != nil && q != p && e.guesses > 0; {
		o, next := q.op, q.next
		if o.waitsByGuess() {
			e.confirm(o, told)
		}
		q = next
	}
}

// openFor is how long sending has been open in all.
func (e *Engine) openFor() Time {
	if e.open {
		return e.openBefore + e.now - e.openSince
	}
	return e.openBefore
}

// countOpen notes that sending was opened, or closed, in the Step that runs. Patience
// lasts only while it is open.
func (e *Engine) countOpen() {
	e.openBefore, e.openSince, e.open = e.openFor(), e.now, e.Sending()
	if !e.open || e.guesses == 0 {
		return
	}
	for ent := range e.Busy {
		for o := range ent.Ops {
			if o.waitsByGuess() && !o.ext.rereading {
				o.due = e.now.plus(max(o.ext.until-e.openBefore, 1))
				e.schedule(o)
			}
		}
	}
}

// timeGuess judges an operation that waits by a guess, when its patience ends. Once it has
// ended, the value that a read finds stands, or, where nothing can be read, the truth held.
func (e *Engine) timeGuess(o *Op) {
	ent := o.part.entity
	switch left := o.ext.until - e.openFor(); {
	case !e.Sending() || o.ext.rereading:
	case left > 0:
		o.due = e.now.plus(left)
		e.schedule(o)
	case ent.space.Readable:
		o.ext.rereading = true
		e.emit(Effect{Kind: Reread, Op: o, Entity: ent})
	default:
		for p := ent.first; p != nil; { // the patience for those before has ended as well
			earlier, next := p.op, p.next
			if earlier.pos <= o.pos && earlier.waitsByGuess() {
				e.confirm(earlier, earlier.shownBy(ent))
			}
			p = next
		}
		e.rebase(o)
	}
}

// endOfRead ends the operations that waited for an entity to be read. found: truth came of it.
func (e *Engine) endOfRead(ent *Entity, found bool) {
	for p := ent.first; p != nil; {
		o, next := p.op, p.next
		if o.state == Acked && o.ext.rereading {
			told := ent
			if !found {
				told = o.shownBy(ent)
			}
			e.confirm(o, told)
		}
		p = next
	}
}
