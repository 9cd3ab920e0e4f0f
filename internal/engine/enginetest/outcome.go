package enginetest

import (
	"cmp"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// end settles an operation.
func (t *Twin) end(o *op, outcome engine.Outcome) {
	t.ops = slices.DeleteFunc(t.ops, func(other *op) bool { return other == o })
	o.state, o.outcome = engine.Ended, outcome
	t.neverNamed(o)
	t.settled = append(t.settled, o)
	for i := range o.places {
		if ent := o.places[i].ent; o.left && ent.space.RereadSettled {
			ent.unread = true
		}
	}
}

// condemn takes an operation and all that depends on it out.
func (t *Twin) condemn(o, cause *op, err error) {
	if !slices.Contains(t.ops, o) {
		return
	}
	standing := t.sinking(o)
	t.ops = slices.DeleteFunc(t.ops, func(other *op) bool { return other == o })
	t.victims = append(t.victims, victim{o, cause, err})
	if !o.calling && o.mayBeDone() {
		t.leaveDoubt(o)
	}
	if o.state == engine.InFlight && o.typ.Cancel == engine.EndCalls {
		t.aborted = append(t.aborted, o)
	}
	for _, n := range slices.Clone(t.ops) {
		switch {
		case !slices.Contains(n.deps, o):
		case n == o.undoneBy && (o.mayBeDone() || o.state == engine.InFlight): // it is sent
		default:
			t.condemn(n, o, engine.ErrDependency)
		}
	}
	t.sink(o, standing)
}

// sink condemns the operations that stood on a creation that comes to nothing, and makes
// orphans of the deletions among them.
func (t *Twin) sink(creation *op, standing []*op) {
	for _, n := range standing {
		switch {
		case !slices.Contains(t.ops, n):
		case !n.deletes():
			t.condemn(n, creation, engine.ErrDependency)
		default:
			n.places[0].stands = false
			t.orphans = append(t.orphans, orphan{n, creation.mayBeDone() || creation.state == engine.InFlight})
		}
	}
}

// purge condemns, until there is none, the first operation that does not apply.
func (t *Twin) purge(cause *op) {
	for t.purgeFirst(cause) {
	}
}

func (t *Twin) purgeFirst(cause *op) bool {
	for _, o := range t.ops {
		for i := range o.places {
			p := &o.places[i]
			if p.told {
				continue
			}
			value, presence := t.foldBefore(p.ent, o.pos)
			_, _, err := p.do(o, value, presence)
			if presence == engine.Present && p.ent.presence == engine.NotLoaded {
				continue // truth may be another, and has the last word
			}
			if err != nil {
				t.condemn(o, cause, err)
				return true
			}
		}
	}
	return false
}

// bury settles the condemned, last first.
func (t *Twin) bury(outcome engine.Outcome) {
	for len(t.orphans) > 0 {
		o := t.orphans[0]
		t.orphans = t.orphans[1:]
		if _, presence := t.foldBefore(o.op.places[0].ent, o.op.pos); slices.Contains(t.ops, o.op) &&
			(!o.reached && presence != engine.Present && !t.inDoubt(o.op) || t.nameless(o.op.places[0].ent)) {
			t.end(o.op, engine.Confirmed) // there is nothing to delete
			t.purge(nil)
		}
	}
	slices.SortStableFunc(t.victims, func(a, b victim) int { return cmp.Compare(b.op.pos, a.op.pos) })
	for _, v := range t.victims {
		end := outcome
		if v.cause != nil || v.err != nil {
			end = engine.RolledBack
		}
		t.end(v.op, end)
	}
	t.buried = append(t.buried, t.victims...)
	t.victims = t.victims[:0]
}

func (t *Twin) answer(in *engine.Answer) {
	o := t.of[in.Op]
	if o == nil || !o.calling {
		return
	}
	o.calling = false
	t.calls = slices.DeleteFunc(t.calls, func(other *op) bool { return other == o })
	if in.NotSent || in.Ignore {
		o.outlived = false
	}
	if in.NotSent {
		o.unmarked, o.failed = true, true
		t.takeBack(o, in)
		return
	}
	o.failed = in.Err != nil
	t.gateHears(o, in)
	if in.Ignore {
		t.leaveDoubt(o) // nobody listened to its answer
		return
	}
	if in = t.inEra(o, in); in.Err != nil {
		o.failed = true
	}
	if in.Class == engine.OK || in.Class == engine.Conflicting || in.Class == engine.Permanent {
		t.called(o.places[0].ent, in.Truth.ID)
		for _, m := range in.More {
			t.pushed(&m)
		}
	}
	if o.state == engine.Ended {
		t.lateAnswer(o, in)
		return
	}
	o.state = engine.Waiting
	switch in.Class {
	case engine.OK:
		o.unknown, o.inDoubt, o.since = false, false, 0
		t.succeeded(o, in)
	case engine.Conflicting:
		o.unknown, o.inDoubt, o.since = false, false, 0
		t.conflicted(o, in)
	case engine.Permanent:
		if o.unknown = in.Forgotten; !o.unknown {
			o.inDoubt, o.since = false, 0
		} else if o.since == 0 {
			o.since = o.timestamp
		}
		t.adoptAll(o, in)
		switch {
		case o.state == engine.Ended:
		case o.deletes() && in.Truth.Presence == engine.Absent:
			o.conflict = engine.AlreadySo
			t.confirm(o, o.places[0].ent)
		default:
			t.fail(o, in.Err)
		}
		t.rebase(o)
	case engine.Offline, engine.Unauthenticated:
		o.due = t.now
		if t.now >= o.expiry() {
			t.expire(o)
		}
	default:
		t.again(o, in)
	}
}

// takeBack: the attempt has never been, but for the wait.
func (t *Twin) takeBack(o *op, in *engine.Answer) {
	if t.probe == o {
		t.probe = nil
	}
	o.calls--
	if o.left = o.calls > 0; o.state == engine.Ended {
		if o.mayBeDone() {
			t.leaveDoubt(o)
		}
		return
	}
	o.state, o.due = engine.Waiting, min(later(t.now, in.RetryAfter), o.expiry())
	if t.now >= o.expiry() {
		t.expire(o)
	}
}

// lateAnswer: its truth counts; a server that has an operation taken back, and tells no
// value, has the predicted value.
func (t *Twin) lateAnswer(o *op, in *engine.Answer) {
	switch in.Class {
	case engine.Transient, engine.Overloaded, engine.Unknown:
		t.leaveDoubt(o)
		return
	case engine.Offline, engine.Unauthenticated:
		if o.mayBeDone() {
			t.leaveDoubt(o) // an earlier attempt may have got there
		}
		return
	}
	if in.Forgotten {
		t.leaveDoubt(o)
	}
	o.late = o.late || in.Class == engine.OK
	if in.Class == engine.OK && t.makesNameless(o) {
		return // nobody can say of what its truth is
	}
	if in.Class == engine.OK && (o.outcome == engine.Cancelled || o.outcome == engine.RolledBack) {
		told := t.told(o, in)
		for i := range o.places {
			p := &o.places[i]
			_, ok := told[p.ent]
			if !ok && t.predictUnlessOlder(o, p, in) {
				p.ent.settledAt = t.now
			}
		}
	}
	t.adoptAll(o, in)
	if in.Class == engine.OK {
		told := t.told(o, in)
		for i := range o.places {
			p := &o.places[i]
			if said, ok := told[p.ent]; ok && said.Wrote > p.ent.version && !p.told && o.outcome != engine.Confirmed {
				t.predict(o, p)
				p.ent.later(said.Wrote - 1)
			}
		}
		o.firm()
	}
	t.purge(nil)
	t.bury(engine.RolledBack)
}

// mayBeDone: the server may have it, and nobody said so.
func (o *op) mayBeDone() bool {
	told := slices.ContainsFunc(o.places, func(p place) bool { return p.told })
	return o.unknown || o.inDoubt || o.state == engine.Acked || told
}

// leaveDoubt: the server may have an operation that has ended otherwise.
func (t *Twin) leaveDoubt(o *op) {
	if o.outcome == engine.Confirmed {
		return
	}
	for i, p := range o.places {
		if p.told {
			continue
		}
		sure := p.ent.version + 1
		if o.state == engine.Acked && i == 0 && !o.silent {
			sure = max(sure, o.ackVersion)
		}
		if p.ent.unsure {
			sure = max(sure, p.ent.sureAt)
		}
		p.ent.unsure, p.ent.unsureSince, p.ent.sureAt = true, t.now, sure
	}
}

func (t *Twin) again(o *op, in *engine.Answer) {
	o.attempts++
	silent := in.Class == engine.Unknown
	if silent {
		o.unknown = true
		o.unheard++
	}
	if o.inDoubt = o.inDoubt || in.Unclassified; (silent || in.Unclassified) && o.since == 0 {
		o.since = in.Left
	}
	r := o.typ.Retry
	more, wait := r.Max < 0 || o.attempts-o.unheard <= r.Max, r.Delay(o.attempts, in.RetryAfter, in.Rand)
	if in.Next == nil && in.RetryAfter > 0 {
		o.notBefore = later(t.now, in.RetryAfter)
	}
	if in.Next != nil {
		more, wait = in.Next.Again, in.Next.Wait
	}
	expired := t.now >= o.expiry()
	switch {
	case expired:
		t.giveUp(o, in.Err)
	case silent && (!more || r.Max >= 0 && o.attempts > r.Max):
		o.due = min(later(t.now, r.Delay(40, in.RetryAfter, in.Rand)), o.expiry())
	case !more:
		t.fail(o, in.Err)
	default:
		o.due = min(later(t.now, max(wait, 0)), o.expiry())
	}
}

func (t *Twin) fail(o *op, err error) {
	if o.typ.Failure == engine.Park && !t.outdated(o) {
		o.state = engine.Parked
		return
	}
	t.condemn(o, nil, err)
	t.purge(o)
	t.bury(engine.RolledBack)
}

// outdated: a newer operation overrules o in its slot, or removes the entity that o makes.
func (t *Twin) outdated(o *op) bool {
	if t.deletionBehind(o) || o.undone() != nil {
		return true
	}
	for _, later := range t.ops {
		if later.pos > o.pos && later.placeIn(o.places[0].ent) != nil && sharesSlot(o, later) {
			m := mergeRule(o, later)
			return m.Rule == engine.TakeSecond && !m.Changed
		}
	}
	return false
}

func sharesSlot(a, b *op) bool {
	return a.slot != "" && a.slot == b.slot && a.typ.Family == b.typ.Family
}

func (o *op) expiry() engine.Time {
	if o.typ.Deadline <= 0 {
		return engine.Never
	}
	return later(o.burst, o.typ.Deadline)
}

func (t *Twin) expire(o *op) { t.giveUp(o, engine.ErrDeadline) }

// giveUp: the time is over. An operation of which no attempt was answered has not failed.
func (t *Twin) giveUp(o *op, err error) {
	if o.unknown && o.attempts == o.unheard && !t.deletionBehind(o) {
		o.state = engine.Parked
		return
	}
	t.fail(o, err)
}

func (t *Twin) tick() {
	t.losePatience()
	for {
		var first *op
		for _, o := range t.ops {
			if o.state == engine.Waiting && o.expiry() <= t.now && (first == nil || o.expiry() < first.expiry()) {
				first = o
			}
		}
		if first == nil {
			return
		}
		t.expire(first)
	}
}

func (t *Twin) decide(in *engine.Decide) error {
	o := t.of[in.Op]
	switch {
	case o.state == engine.Ended:
		return engine.ErrSettled
	case o.state != engine.Parked:
		return engine.ErrNotParked
	case in.Discard:
		t.condemn(o, nil, nil)
		t.purge(o)
		t.bury(engine.Cancelled)
	case in.Edit != nil:
		return t.edit(o, in.Edit)
	default:
		t.wants(o)
		o.failed = false
		o.state, o.attempts, o.unheard, o.conflicts, o.due, o.burst = engine.Waiting, 0, 0, 0, t.now, t.now
	}
	return nil
}

// wants: a person wants an operation now, against the wish of the server too.
func (t *Twin) wants(o *op) {
	for _, p := range o.places {
		delete(t.wishes, p.ent.lane())
	}
}

// edit puts an operation of other arguments in the place of a parked one; it waits
// for the dependencies of the parked one.
func (t *Twin) edit(o *op, real *engine.Op) error {
	if o.unknown {
		return engine.ErrUnknownOutcome
	}
	ent := o.places[0].ent
	edited := t.newOp(&engine.Execute{Space: ent.space, Entity: ent.id, Op: real})
	value, presence := t.foldBefore(ent, o.pos)
	if _, _, err := edited.places[0].do(edited, value, presence); err != nil {
		return err
	}
	if o.mayBeDone() {
		t.leaveDoubt(o)
	}
	edited.deps = o.deps
	edited.raiseTimestamp()
	t.wants(o)
	f := found{superseded: o}
	f.value, f.presence = t.view(ent)
	t.remember(edited, f)
	t.takePlace(o, edited)
	t.rebase(edited)
	return nil
}
