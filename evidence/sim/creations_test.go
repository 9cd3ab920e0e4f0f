package sim

import (
	"errors"

	"github.com/optimist-go/optimist"
)

// stays reports whether an entity is there from the beginning to the end. The others
// are posts, which people write and erase.
func (w *World) stays(id string) bool { return id[0] == 'e' }

// standing is the creation on which an operation stands in one entity: a post that its
// client writes, and that the server has never had or has no more.
type standing struct {
	creation string
	made     int  // how often the server had made the post
	shown    bool // truth with a post has come since
}

// stands records the creation on which a just accepted operation stands, or may stand.
func (x *watch) stands(o *op) {
	w := x.l.c.w
	if o.typ == write {
		return
	}
	for _, e := range o.entities() {
		var maker *op
		for _, other := range x.live {
			if (other.typ == write || other.typ == erase) && other.entity == e && other.order < o.order {
				maker = other
			}
		}
		if maker == nil || maker.typ != write {
			continue
		}
		o.perhapsOn = append(o.perhapsOn, maker.id)
		has := w.server.posts[e]
		if !has.there && (has.made == 0 || x.l.read[e].era == has.era && x.l.read[e].version >= has.version) { // else its client may know of a post that is there
			if o.on == nil {
				o.on = make(map[string]standing)
			}
			o.on[e] = standing{creation: maker.id, made: has.made}
		}
	}
}

// way is how far an operation has come, through all lives.
type way struct {
	charged   int  // attempts that failed and were answered, since a person decided
	unwritten int  // those of them of which the disk may not know
	forgotten int  // those of which it did not know when the process died
	flying    int  // attempts
	sent      bool // one is under way, or was when the process died
	sentKept  bool // the disk may say that one is under way
	doubt     bool // an attempt ended, and nobody knows how
	reached   bool // nobody knew when it ended whether the server has it
	acked     bool
	ackKept   bool // on the disk
}

// budget is how many attempts of an operation may be answered with a failure: the
// first, and three more.
const budget = 4

// written notes that the disk knows all that has happened.
func (y *way) written(over bool) {
	y.unwritten, y.sentKept = 0, y.sent
	y.ackKept = y.acked && !over
}

// forgets handles the death of a process: events that are not on its disk will happen
// again.
func (l *life) forgets() {
	for _, o := range l.c.ops { // also ended operations: their ends may not be on the disk
		o.way.forgotten += o.way.unwritten
		o.way.acked = o.way.ackKept
		o.way.doubt = o.way.doubt || o.way.sent || o.way.sentKept || o.way.unwritten > 0
		o.way.sent, o.way.sentKept, o.way.unwritten = false, false, 0
	}
}

// leaves checks an attempt that leaves.
func (l *life) leaves(r request) {
	c := l.c
	w := c.w
	o := c.ops[r.id]
	if o == nil {
		w.fail("%s sends %s, which was never accepted", c, w.name(r.id))
		return
	}
	o.way.flying++
	l.wrote[o.entity+" "+o.slot()] = true
	if o.again {
		o.again = false
		w.stats.Again++
	}
	if o.way.ackKept {
		w.fail("%s sends %s again, which was acknowledged", c, w.name(r.id))
	}
	for e, s := range o.on {
		creation := c.current(s.creation)
		if creation.typ != write || !creation.over || creation.confirmed || w.server.posts[e].made != s.made {
			continue
		}
		if o.typ == erase && (c.unsure(e) || s.shown) {
			continue // the server may have something, or get it
		}
		w.fail("%s sends %s (%s of %s), though %s came to nothing", c, w.name(r.id), r.typ, e, w.name(creation.id))
	}
}

// shows notes that new truth with a post has come, perhaps of one before those that are not there
// yet.
func (l *life) shows(entity string) {
	for _, o := range l.c.ops {
		if s, ok := o.on[entity]; ok && !o.over {
			s.shown = true
			o.on[entity] = s
		}
	}
}

// unsure reports whether something of an entity has ended of which nobody knew then whether
// the server has it.
func (c *Client) unsure(entity string) bool {
	for _, o := range c.ops {
		if o.way.reached && !o.confirmed && contains(o.entities(), entity) {
			return true
		}
	}
	return false
}

// hears notes how an attempt ended.
func (l *life) hears(r request, a answer, err error) {
	if err == nil {
		err = a.err
	}
	if l.dead {
		err = optimist.Fail(optimist.Unknown, errDead)
	}
	o := l.c.ops[r.id]
	if o == nil || o.way.flying == 0 { // it never left: the process was dead
		return
	}
	y := &o.way
	y.flying--
	y.sent = y.sent && l.dead
	outlived := l.isOutlived(r, a)
	class := optimist.Transient // of errors without one
	if s := (*optimist.SendError)(nil); errors.As(err, &s) {
		class = s.Class
	}
	switch {
	case class == optimist.Offline || class == optimist.Unauthenticated:
	case outlived:
		y.doubt = true
	case err == nil || class == optimist.Permanent || class == optimist.Conflicting:
		y.doubt = false
	case class == optimist.Unknown, err != errLost && class == optimist.Transient && !errors.Is(err, errBusy):
		y.doubt = true
	default:
		y.doubt = y.doubt || err == errLost
		y.charged++
		y.unwritten++
		if y.charged > budget+y.forgotten {
			l.c.w.fail("%s: %d attempts of %s failed, %d are its budget, and of %d the disk did not know",
				l.c, y.charged, l.c.w.name(r.id), budget, y.forgotten)
		}
	}
}

// decided is a person who has an operation tried again.
func (l *life) decided(id string) {
	w := l.c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := l.c.ops[id]; o != nil {
		o.way.charged, o.way.unwritten, o.way.forgotten = 0, 0, 0
	}
}

// unseen checks that nothing is parked where nobody sees it.
func (l *life) unseen() {
	w := l.c.w
	for _, h := range l.handles {
		if h.State() != optimist.Parked || baseType(h.Type()) == erase {
			continue
		}
		w.mu.Lock()
		l.look()
		o := l.c.ops[h.ID()]
		removed := false // by a deletion, which is parked as well and may be discarded
		for _, other := range l.watch.live {
			removed = removed || other.typ == erase && other.entity == o.entity
		}
		w.mu.Unlock()
		if l.view(o).Presence == optimist.Absent && !removed {
			w.failed("%s: %s (%s) is parked, and %s is not there", l.c, w.name(o.id), o.typ, o.entity)
		}
	}
}
