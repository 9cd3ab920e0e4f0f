package engine

// lateAnswer takes the answer of a call whose operation has ended meanwhile: its truth
// counts. When the server has an operation that was taken back, and tells no value, the
// predicted value is truth.
func (e *Engine) lateAnswer(in *Answer) {
	o := in.Op
	switch in.Class {
	case OK:
		o.more().acceptedLate = true
		if o.makesNameless() {
			return // nobody can say of what its truth is
		}
		if o.Type.Closure {
			e.adoptLate(o, in.Truth)
		} else if o.outcome == Cancelled || o.outcome == RolledBack {
			e.predictLate(o, in)
		}
	case Conflicting, Permanent:
		if in.Forgotten {
			e.leaveDoubt(o)
		} else {
			o.leaveOldBase()
		}
	default:
		if reached := in.Class != Offline && in.Class != Unauthenticated; !reached && !o.mayBeDone() {
			o.leaveOldBase()
			return
		}
		e.leaveDoubt(o)
		return
	}
	e.adoptAll(in)
	if in.Class == OK {
		o.parts(func(p *part) {
			if t := in.about(p.entity); t.Presence != NotLoaded && t.Wrote > p.entity.version && !p.contained && !o.Type.Closure && o.outcome != Confirmed {
				e.foldIntoTruth(p)
				p.entity.isPast(t.Wrote - 1)
			}
			p.entity.unversioned = false
		})
	}
	e.rebase(nil)
}

// predictLate folds an operation that the server has into the truth of the entities about
// which the answer told no value.
func (e *Engine) predictLate(o *Op, in *Answer) {
	o.parts(func(p *part) {
		if in.about(p.entity).Presence == NotLoaded && e.foldUntold(p, in) {
			p.entity.settledAt = e.now // a read that began before does not have it
		}
	})
}
