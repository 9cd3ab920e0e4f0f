package enginetest

import (
	"cmp"
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

func (t *Twin) newOp(in *engine.Execute) *op {
	real := in.Op
	said, ok := t.asked[real]
	if !ok {
		said = asked{real.Type, real.Args, real.Timestamp}
	}
	o := &op{real: real, typ: said.typ, args: said.args, slot: real.Slot, timestamp: said.stamp}
	members := in.Group
	if len(members) == 0 {
		members = []engine.Part{{Space: in.Space, Entity: in.Entity, Kind: o.typ.Kind, Apply: o.typ.Apply}}
	}
	for _, m := range members {
		o.places = append(o.places, place{ent: t.entity(m.Space, m.Entity), kind: m.Kind, apply: m.Apply})
	}
	return o
}

// raiseTimestamp makes the operation later than all that is known of its entities.
func (o *op) raiseTimestamp() {
	for _, p := range o.places {
		o.timestamp = max(o.timestamp, p.ent.latest+1)
	}
	for _, p := range o.places {
		p.ent.latest = o.timestamp
	}
}

// dependencies are the unsettled operations on which a new one depends: replaced ones give
// way to their successors, confirmed ones are dropped. A stored operation cannot depend on
// an unsettled one that is not stored.
func (t *Twin) dependencies(after []*engine.Op, stored bool) (deps []*op, err error) {
	for _, real := range after {
		d := t.of[real]
		for d.outcome == engine.Superseded {
			d = d.successor
		}
		switch {
		case d.state != engine.Ended && stored && !d.typ.Stored:
			return nil, engine.ErrUnstored
		case d.state != engine.Ended:
			deps = append(deps, d)
		case d.outcome != engine.Confirmed:
			return nil, engine.ErrDependency
		}
	}
	return deps, nil
}

func (t *Twin) execute(in *engine.Execute) (err error) {
	o := t.newOp(in)
	t.newest = o
	if o.deps, err = t.dependencies(in.After, o.typ.Stored); err != nil {
		return err
	}
	o.raiseTimestamp()
	ent := o.places[0].ent
	if err := t.checkNamed(o); err != nil {
		return err
	}
	if err := t.checkStored(o); err != nil {
		return err
	}
	if done, err := t.revoke(o); done || err != nil {
		return err
	}
	older := t.priorInSlot(o, ^uint64(0))
	switch {
	case o.group() || o.slot == "" || o.typ.Barrier || len(o.deps) > 0 || older == nil:
		return t.append(o, nil)
	case joins(older, o):
		t.join(older, o)
		return nil
	case older.frozen():
		return t.append(o, older)
	}

	if value, presence := t.view(ent); presence != engine.NotLoaded {
		if _, _, err := o.places[0].do(o, value, presence); err != nil {
			return err // it is judged by the view of the user
		}
	}
	m := t.mergeNow(older, o)
	if m.Rule == engine.Separate {
		return t.append(o, older)
	}
	return t.supersede(older, o, m)
}

// supersede puts o in the place of an older one, as a merge rule says.
func (t *Twin) supersede(older, o *op, m engine.Merged) error {
	ent := o.places[0].ent
	asCalled := *o
	f := found{superseded: older}
	f.value, f.presence = t.view(ent)
	if older.inDoubt {
		t.leaveDoubt(older)
	}
	switch m.Rule {
	case engine.Annihilate:
		t.remember(o, f)
		t.dissolve(older, o, nil, false)
		t.confirmUnsent(o)
		older.successor = o
		t.rebase(o)
		return nil
	case engine.TakeFirst:
		o.typ, o.args = older.typ, m.Args
		o.places[0].kind, o.places[0].apply = o.typ.Kind, o.typ.Apply
	case engine.TakeSecond:
		if m.Changed {
			o.args = m.Args
		}
	}
	value, presence := t.foldBefore(ent, older.pos)
	after, afterPresence, err := o.places[0].do(o, value, presence)
	if err != nil { // it needs the effect of the older one
		asCalled.places = slices.Clone(asCalled.places)
		asCalled.places[0].kind, asCalled.places[0].apply = asCalled.typ.Kind, asCalled.typ.Apply
		return t.append(&asCalled, older)
	}
	prior := t.priorInSlot(o, older.pos)
	same := presence != engine.NotLoaded && presence == afterPresence && ent.same(value, after)
	o.behind = older.behind
	switch {
	case prior != nil && joins(prior, o):
		t.dissolve(older, prior, prior, prior.places[0].kind == engine.Create)
		t.join(prior, o)
	case prior == nil && same && t.inVain(o, older.pos):
		t.remember(o, f)
		t.dissolve(older, o, nil, o.places[0].kind == engine.Create)
		t.confirmUnsent(o)
		older.successor = o
	default:
		t.remember(o, f)
		t.takePlace(older, o)
	}
	t.rebase(o)
	return nil
}

// priorInSlot is the last unsettled operation of the slot before a position, unless
// a barrier or a group lies between.
func (t *Twin) priorInSlot(o *op, pos uint64) *op {
	for _, p := range slices.Backward(t.ops) {
		switch {
		case p.pos >= pos || p.placeIn(o.places[0].ent) == nil:
		case p.typ.Barrier || p.group():
			return nil
		case p.slot == o.slot && p.typ.Family == o.typ.Family:
			if slices.ContainsFunc(p.deps, func(d *op) bool { return d.state != engine.Ended }) {
				return nil
			}
			return p
		case p.typ.Kind != engine.Change:
			return nil
		}
	}
	return nil
}

// frozen: an attempt has left, and the server may have it or get it yet.
func (o *op) frozen() bool { return o.left && (o.state != engine.Parked || o.unknown) }

func sameWant(a, b *op) bool {
	return a.typ.Name == b.typ.Name && b.typ.SameArgs != nil && b.typ.SameArgs(a.args, b.args)
}

// joins: two operations of a slot that want the same are one, unless a rule merges them.
func joins(older, o *op) bool {
	return older.state != engine.Parked && !hasRule(older, o) && sameWant(older, o)
}

func hasRule(older, newer *op) bool { return newer.typ.Merge[older.typ.Name] != nil }

// overwrites: the server has accepted the operation before this one in its slot, and this
// one wants another value, on any value that the server holds.
func (o *op) overwrites() bool {
	f := o.behind
	for f != nil && f.outcome == engine.Superseded && f.successor != nil {
		f = f.successor
	}
	if f == nil || !(f.outcome == engine.Confirmed && f.calls > 0 || f.late) {
		return false
	}
	p := &o.places[0]
	value, presence, err := f.places[0].make(f, p.ent.truth, p.ent.presence, false)
	if err != nil {
		return !sameWant(f, o)
	}
	after, there, err := p.make(o, value, presence, false)
	return err != nil || there != presence || !p.ent.same(value, after)
}

func mergeRule(older, newer *op) (m engine.Merged) {
	rule := newer.typ.Merge[older.typ.Name]
	if rule == nil {
		was, is := older.typ.Kind, newer.typ.Kind
		if was == is || was == engine.Change && is == engine.Delete {
			return engine.Merged{Rule: engine.TakeSecond}
		}
		return engine.Merged{Rule: engine.Separate}
	}
	defer func() {
		if recover() != nil {
			m = engine.Merged{Rule: engine.Separate}
		}
	}()
	return rule(older.asOp(), newer.asOp())
}

// mergeNow is the rule as it is followed: it annihilates no operation that is in doubt, or
// on which others depend, and it leaves a creation and its deletion separate.
func (t *Twin) mergeNow(older, newer *op) engine.Merged {
	m := mergeRule(older, newer)
	if m.Rule == engine.Annihilate && older.inDoubt {
		m.Rule = engine.TakeSecond
	}
	if older.typ.Kind == engine.Create && newer.typ.Kind == engine.Delete {
		m.Rule = engine.Separate
	}
	if m.Rule == engine.Annihilate && slices.ContainsFunc(t.ops, func(n *op) bool { return slices.Contains(n.deps, older) }) {
		m.Rule = engine.Separate
	}
	return m
}

func (o *op) asOp() *engine.Op {
	return &engine.Op{Type: o.typ, Args: o.args, Slot: o.slot, Timestamp: o.timestamp, Owner: o.real.Owner}
}

// inVain reports whether sending an operation that changes nothing in the view, and has
// none before it in its slot, would change nothing on the server either.
func (t *Twin) inVain(o *op, pos uint64) bool {
	ent := o.places[0].ent
	if o.slot == "" || o.typ.Barrier || o.typ.Pessimistic || o.typ.ServerID || len(o.deps) > 0 || o.group() {
		return false
	}
	if t.inDoubt(o) || o.overwrites() {
		return false
	}
	value, presence := t.serverBefore(ent, pos)
	after, afterPresence, err := o.places[0].do(o, value, presence)
	return err == nil && presence != engine.NotLoaded && presence == afterPresence && ent.same(value, after)
}

// inDoubt reports whether the server may hold, or get, an operation of o's lane that was
// taken back.
func (t *Twin) inDoubt(o *op) bool {
	return o.places[0].ent.unsure || o.places[0].ent.outlived || slices.ContainsFunc(t.calls, func(call *op) bool {
		return call.state == engine.Ended && call.outcome != engine.Confirmed && shareLane(o, call) // it was taken back
	})
}

func (t *Twin) join(older, o *op) {
	if older.state == engine.Waiting && !older.left {
		older.due = max(older.due, debounced(older.typ.Debounce, t.now, older.burst, false))
	}
	o.successor = older
}

func debounced(d engine.Debounce, now, burst engine.Time, idle bool) engine.Time {
	if d.Wait <= 0 || d.Leading && idle {
		return now
	}
	return min(later(now, d.Wait), later(burst, max(d.Wait, d.MaxWait)))
}

// later is a time after a duration; when there is no such time it never comes.
func later(t, d engine.Time) engine.Time {
	if sum := t + d; d < 0 || sum >= t {
		return sum
	}
	return engine.Never
}

// append accepts at the end.
func (t *Twin) append(o, prior *op) error {
	same := true
	for i := range o.places {
		p := &o.places[i]
		value, presence := t.view(p.ent)
		after, afterPresence, err := p.do(o, value, presence)
		if err != nil {
			return err
		}
		same = same && presence != engine.NotLoaded && presence == afterPresence && p.ent.same(value, after)
	}
	var f found
	f.value, f.presence = o.seen(t.view)
	if prior == nil && same && t.inVain(o, ^uint64(0)) {
		t.remember(o, f)
		t.confirmUnsent(o)
		return nil
	}
	if err := t.roomFor(o); err != nil {
		return err
	}
	t.remember(o, f)
	o.behind = prior
	for _, call := range t.calls {
		if prior == nil && !o.group() && call.placeIn(o.places[0].ent) != nil && sharesSlot(call, o) {
			o.behind = call
		}
	}
	t.admit(o, 0)
	o.burst = t.now
	o.due = debounced(o.typ.Debounce, t.now, t.now, prior == nil)
	return nil
}

func (t *Twin) roomFor(o *op) error {
	for i := range o.places {
		n := t.count(o.places[i].ent, func(*op) bool { return true })
		if n+1 > t.cfg.MaxPerEntity || len(t.ops)+1 > t.cfg.MaxPending {
			return engine.ErrQueueFull
		}
	}
	return nil
}

func (t *Twin) admit(o *op, pos uint64) {
	t.seq++
	o.seq, o.pos, o.state = t.seq, pos, engine.Waiting
	if pos == 0 {
		o.pos = o.seq
	}
	t.of[o.real] = o
	for _, p := range o.places {
		if o.typ.ServerID && p.kind == engine.Create && t.names[p.ent.id] == nil {
			t.names[p.ent.id] = new(naming)
		}
	}
	t.tie(o)
	t.ops = append(t.ops, o)
	slices.SortFunc(t.ops, func(a, b *op) int { return cmp.Compare(a.pos, b.pos) })
}

func (t *Twin) confirmUnsent(o *op) {
	t.admit(o, 0)
	t.end(o, engine.Confirmed)
}

// replace ends an operation as superseded; those that depend on it depend on its
// successor, if that one is unsettled.
func (t *Twin) replace(older, successor *op) {
	older.successor = successor
	for _, n := range t.ops {
		for i, d := range n.deps {
			if d == older && successor != nil {
				n.deps[i] = successor
			}
		}
	}
	t.end(older, engine.Superseded)
}

// dissolve is replace by an operation in another place. Operations that stood on the
// creation have nothing to stand on then, unless instead makes the entity as well.
func (t *Twin) dissolve(older, instead, successor *op, made bool) {
	switch {
	case older.places[0].kind != engine.Create:
	case !made:
		t.sink(older, t.sinking(older))
	case instead.state == engine.Fresh || instead.state == engine.Acked: // the server has it
		t.untie(older)
	}
	t.replace(older, successor)
}

func (t *Twin) takePlace(older, o *op) {
	if o.burst, o.due = t.now, t.now; older.state == engine.Waiting && !older.left {
		o.burst = older.burst
		o.due = debounced(o.typ.Debounce, t.now, o.burst, false)
	}
	pos := older.pos
	if older.places[0].kind == engine.Create && o.places[0].kind != engine.Create {
		t.untie(older)
	}
	t.replace(older, o)
	t.admit(o, pos)
}

func (t *Twin) restore(in *engine.Restore) (err error) {
	o := t.newOp(&in.Execute)
	o.timestamp = in.Op.Timestamp
	deps, lost := t.dependencies(in.After, o.typ.Stored)
	o.deps = deps
	if o.slot != "" && !o.group() {
		o.behind = t.priorInSlot(o, in.Pos)
	}
	last := max(t.seq, in.Seq)
	t.admit(o, in.Pos)
	for i := range o.places {
		o.places[i].stands = o.places[i].stands && in.Stands
	}
	o.seq, t.seq = in.Seq, last
	for _, p := range o.places {
		p.ent.latest = max(p.ent.latest, o.timestamp)
	}
	if in.Stands && !slices.ContainsFunc(o.places, func(p place) bool { return p.stands }) && lost == nil {
		lost = engine.ErrDependency
	}
	k := in.Kept
	o.calls, o.attempts, o.unheard, o.conflicts, o.conflict = k.Calls, k.Attempts, k.Unanswered, k.Conflicts, k.Conflict
	o.left, o.unknown, o.inDoubt, o.since, o.durable = k.Calls > 0, k.Unknown || k.InFlight, k.Unclassified, k.Since, true
	o.notBefore, o.burst, o.due = k.NotBefore, t.now-k.Used, max(t.now, k.NotBefore)
	switch {
	case k.Parked:
		o.state = engine.Parked
	case k.Acked && t.era > t.cfg.Era:
		o.unknown, o.burst = true, t.now
	case k.Acked:
		o.state, o.ackVersion, o.ackedAt, o.silent, o.guess = engine.Acked, k.Version, t.now, k.Silent, k.Guess
	}
	if lost != nil {
		t.condemn(o, nil, lost)
	}
	t.rebase(o)
	return nil
}

// kept is the record of an operation that must survive a crash.
func (t *Twin) kept(o *op, now engine.Time) engine.Kept {
	k := engine.Kept{
		Calls: o.calls, Attempts: o.attempts, Unanswered: o.unheard, Conflicts: o.conflicts, Conflict: o.conflict,
		InFlight: o.state == engine.InFlight, Unknown: o.unknown, Unclassified: o.inDoubt, Since: o.since,
		Acked: o.state == engine.Acked, Parked: o.state == engine.Parked,
		Stands: slices.ContainsFunc(o.places, func(p place) bool { return p.stands }),
	}
	if o.notBefore > now {
		k.NotBefore = o.notBefore
	}
	if o.typ.Deadline > 0 {
		k.Used = now - o.burst
	}
	if k.Acked {
		k.Version, k.Silent, k.Guess = o.ackVersion, o.silent, o.guess
	}
	return k
}

// rebase looks at every operation again, after a change that o made.
func (t *Twin) rebase(o *op) {
	t.purge(o)
	t.bury(engine.RolledBack)
}
