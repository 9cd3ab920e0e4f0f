package sim

import (
	"maps"
	"slices"

	"github.com/optimist-go/optimist"
)

// checkRestored compares the operations that a new process found in the journal with those
// promised to its client.
func (l *life) checkRestored(r optimist.Restored) {
	c := l.c
	w := c.w
	w.stats.Restored += len(r.Operations)
	back := make(map[string]bool)
	last := 0
	for _, h := range r.Operations {
		id := h.ID()
		back[id] = true
		o := c.ops[id]
		if o == nil {
			continue // accepted in the instant of the crash
		}
		if o.flushed {
			w.fail("%s: %s is back, though its end was on disk", c, w.name(id))
		}
		if o.stamp != 0 && o.stamp != h.Timestamp() {
			w.fail("%s: %s is back with another timestamp", c, w.name(id))
		}
		if o.order < last {
			w.fail("%s: %s is back in another order", c, w.name(id))
		}
		last = o.order
	}
	for _, id := range sortedKeys(c.ops) {
		o := c.ops[id]
		if o.settled > 0 || back[id] || o.lost || o.typ == star {
			continue
		}
		o.lost = true
		if _, left := w.sent[id]; left && !c.refused { // else it went on in memory
			w.fail("%s: %s left before it was on disk", c, w.name(id))
		}
		if o.durable {
			w.fail("%s: %s was durable, and is lost", c, w.name(id))
		}
	}
}

// flushed notes which ends are in the journals, when nothing is being written.
func (w *World) flushed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		l := c.life
		if l == nil || l.dead {
			continue
		}
		l.look()
		for _, o := range c.ops {
			if o.over && !c.refused && !l.owes {
				o.flushed = true
			}
			if !l.owes {
				o.way.written(o.over)
			}
		}
		if !l.owes {
			c.kept = max(c.kept, l.era)
		}
	}
	w.hold()
}

// verdict judges the end, when all is quiet.
func (w *World) verdict() {
	for _, c := range w.clients {
		l := c.life
		l.look()
		for _, id := range w.entities {
			v, has := l.posts.View(id), w.server.posts[id]
			if v.Presence == optimist.NotLoaded || (v.Presence == optimist.Present) != has.there || !equalPosts(v.Value, has.value) {
				w.fail("%s shows of %s: %v, the server has: %v", c, id, v, has.truth(id))
			}
			if n := l.m.PendingCount("post:" + id); n != 0 {
				w.fail("%s has %d unsettled operations of %s", c, n, id)
			}
			w.callbacks(l, id)
		}
		if s := l.m.Snapshot(); s.Pending+s.Parked+s.InFlight+len(s.Entities) > 0 {
			w.fail("%s is not idle: %+v", c, s)
		}
		if len(l.watch.live) > 0 {
			w.fail("%s: %s never settled", c, w.name(l.watch.live[0].id))
		}
		l.unread()
		w.effects(c)
		w.undos(c)
		w.allNotes(c)
	}
	for _, use := range sortedKeys(w.server.uses) {
		ids := slices.DeleteFunc(w.server.uses[use], func(id string) bool { return w.server.denied[id] })
		if len(ids) > 1 {
			w.fail("%s was done %d times: by %s and %s", use, len(ids), w.name(ids[0]), w.name(ids[1]))
		}
	}
	w.lanes()
}

// callbacks must have run once for each end, in the order of the ends.
func (w *World) callbacks(l *life, entity string) {
	due, came := l.watch.due[entity], l.watch.came[entity]
	if !l.cleared && !slices.Equal(due, came) {
		w.fail("%s: of %s %d callbacks came, %d were due, or in another order", l.c, entity, len(came), len(due))
	}
	at := -1
	for _, id := range came {
		i := slices.Index(due, id)
		if i <= at {
			w.fail("%s: the callback of %s came out of order", l.c, w.name(id))
		}
		at = i
	}
}

// effects compares the reported effect of each operation with the real one.
func (w *World) effects(c *Client) {
	for _, id := range sortedKeys(c.ops) {
		o := c.ops[id]
		done := w.server.done[id] != nil
		switch {
		case o.refusedForGood && done:
			w.fail("%s: %s was refused for good, and done", c, w.name(id))
		case o.outcome == optimist.Superseded && done && !c.refused && o.typ != write && !w.server.denied[id]:
			w.fail("%s: %s was replaced before it left, and done", c, w.name(id))
		}
		for _, d := range o.after {
			if d := c.ops[d]; o.confirmed && !o.cancelled && d != nil && d.typ != star && !d.confirmed && w.server.done[d.id] == nil &&
				!w.server.vanished[d.id] && (d.outcome == optimist.RolledBack || d.outcome == optimist.Cancelled) {
				w.fail("%s: %s was confirmed, though it depends on %s, which was not", c, w.name(id), w.name(d.id))
			}
		}
		for _, r := range o.results {
			switch {
			case r.Outcome != optimist.Confirmed:
			case r.Calls == 0 && done && !c.refused && o.settled == 1:
				w.fail("%s: %s was confirmed without a call, and done", c, w.name(id))
			case r.Calls > 0 && !w.server.wasIn(id, o.era) && !(w.server.wasIn(id, 0) && c.overtook(o)) && r.Conflict != optimist.AlreadySo && r.Conflict != optimist.TookTheirs:
				w.fail("%s: %s was confirmed in era %d, and never done", c, w.name(id), o.era)
			}
		}
	}
}

// overtook reports whether a later operation overrules o: a new era may have had that one already,
// and then o is not sent again.
func (c *Client) overtook(o *op) bool {
	for _, later := range c.ops {
		if later.order > o.order && later.entity == o.entity && (later.slot() == o.slot() || later.typ == erase) {
			return true
		}
	}
	return false
}

// passed finds the operations that later operations of a lane may have passed: parked ones,
// and those that had to wait behind them (held).
func (c *Client) passed(passed map[*op]bool) {
	held := make(map[*op]bool)
	all := slices.SortedFunc(maps.Values(c.ops), func(a, b *op) int { return a.order - b.order })
	for before := -1; before < len(passed)+len(held); {
		before = len(passed) + len(held)
		for i, o := range all {
			waits := func(id string) bool { return c.anyOf(id, passed) }
			behind := slices.ContainsFunc(o.after, waits) || slices.ContainsFunc(o.perhapsOn, waits)
			for _, earlier := range all[:i] {
				behind = behind || passed[earlier] && o.isBehind(earlier, held[earlier])
			}
			if behind {
				held[o] = true
			}
			if behind || o.parked {
				passed[o] = true
			}
		}
	}
}

// anyOf reports whether an operation, or one that has taken its place, is among some.
func (c *Client) anyOf(id string, some map[*op]bool) bool {
	for o := c.ops[id]; o != nil; o = c.ops[o.successor] {
		if some[o] {
			return true
		}
	}
	return false
}

// current is the operation that has taken the place of one, or that one.
func (c *Client) current(id string) *op {
	o := c.ops[id]
	for o != nil && o.successor != "" {
		o = c.ops[o.successor]
	}
	return o
}

// isBehind reports whether an operation must not pass an earlier one that waits: one of its
// slot, or, where that one only waits behind another, one of which either commutes with nothing.
func (o *op) isBehind(earlier *op, held bool) bool {
	if !slices.ContainsFunc(o.entities(), func(e string) bool { return slices.Contains(earlier.entities(), e) }) {
		return false
	}
	return o.slot() != "" && o.slot() == earlier.slot() || held && (o.alone() || earlier.alone())
}

// alone reports whether an operation commutes with nothing of its entities.
func (o *op) alone() bool { return o.typ == pair || o.typ == write || o.typ == erase }

// lanes checks that the effects of one client on one entity are in its order.
func (w *World) lanes() {
	type lane struct {
		c      *Client
		entity string
	}
	last := make(map[lane]*op)
	passed := make(map[*op]bool)
	for _, c := range w.clients {
		c.passed(passed)
	}
	for _, a := range w.server.log {
		o := a.client.ops[a.id]
		if o == nil || !o.confirmed || o.cancelled || passed[o] || o.resent || w.server.vanished[a.id] || o.outcome != optimist.Confirmed || w.server.belated[a.id] {
			continue
		}
		for _, e := range o.entities() {
			key := lane{a.client, e}
			if before := last[key]; before != nil && before.order > o.order && !a.client.mixed[e] {
				w.fail("%s: %s was done after %s, which came later", a.client, w.name(o.id), w.name(before.id))
			}
			last[key] = o
		}
	}
}
