package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// op is an operation as its client's events tell of it.
type op struct {
	id                                           string
	typ                                          string
	entity                                       string
	raw                                          string // its name at the tap
	args                                         Args
	order                                        int // among the client's operations, as accepted; a replacement has the position of the replaced operation
	stamp                                        optimist.Timestamp
	durable                                      bool
	settled                                      int // in any life
	outcome                                      optimist.Outcome
	after                                        []string // on which it depends
	successor                                    string   // that replaced it
	lost                                         bool     // with a process, before it was durable
	confirmed, cancelled, refusedForGood, parked bool
	over                                         bool // in the life that runs
	flushed                                      bool // its end is in the journal
	results                                      []optimist.Result
	on                                           map[string]standing // creations, by entity
	perhapsOn                                    []string            // creations as well, if the client knows of no post that is there
	way                                          way
	nth                                          int    // as accepted
	found                                        bool   // its client saw the slot before it
	before                                       string // XX
	era                                          uint64 // in which it was confirmed
	again, resent                                bool   // it was acknowledged in an earlier era: and has not left since; or in any case
}

func (o *op) entities() []string { return entitiesOf(o.typ, o.entity, o.args) }
func (o *op) slot() string       { return slotOf(o.typ, o.args) }

// watch checks every event of one life: each operation ends once, callbacks come once
// and in order, and no view is shown that nobody asked for.
type watch struct {
	l           *life
	live        []*op           // unsettled, by order
	ended       map[string]int  // how often, by id
	heirs       map[string]heir // the inheritance of operations from those that they replace, by id
	known       map[string]*op  // last confirmed of each slot that only this client writes; nil: uncertain
	tokens      map[string]bool // facts that this life was told are true
	numbers     map[string]uint64
	due         map[string][]string // callbacks that must come, by entity
	came        map[string][]string
	calledBy    map[string]int
	before      map[string]bool            // facts of earlier eras
	left        map[string]bool            // entities that have truth of the era, and had of the one before
	changes     map[string]int             // while a page enters
	noteChanges map[string]int             // of notes, by name
	raws        map[string]map[string]bool // names under which a note was seen, by first id
}

// heir is the state that an operation takes over from the one that it replaces.
type heir struct {
	order  int
	parked bool
}

func (x *watch) init(l *life) {
	*x = watch{
		l: l, ended: make(map[string]int), heirs: make(map[string]heir), known: make(map[string]*op), tokens: make(map[string]bool),
		numbers: make(map[string]uint64), due: make(map[string][]string), came: make(map[string][]string), calledBy: make(map[string]int),
		before: make(map[string]bool), left: make(map[string]bool),
		noteChanges: make(map[string]int), raws: make(map[string]map[string]bool),
	}
}

// look takes the events that have come. The caller has the World's lock.
func (l *life) look() {
	for !l.dead && l.sub != nil {
		ev, ok := l.sub.Next(never)
		if !ok {
			return
		}
		l.watch.see(ev)
	}
}

// never does not wait.
var never = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// see takes one event.
func (x *watch) see(ev optimist.Event) {
	c := x.l.c
	w := c.w
	if len(ev.Entities) > 0 && ev.Entity != "" && ev.Entity != ev.Entities[0] {
		return // of another entity of the same group
	}
	switch ev.Kind {
	case event.Started:
		return
	case event.Gap, event.CallbackPanicked, event.Quarantined:
		w.fail("%s: %v: %v", c, ev.Kind, ev.Err)
	case event.Accepted:
		x.accepted(ev)
	case event.EraBegan:
		x.begins(ev)
	case event.Settled:
		x.settled(ev)
	case event.Sent, event.Deferred:
		if o := c.ops[ev.ID]; o != nil {
			o.way.sent = ev.Kind == event.Sent
			o.way.sentKept = o.way.sentKept || o.way.sent
		}
	case event.Acknowledged:
		if o := c.ops[ev.ID]; o != nil {
			o.way.acked = true
		}
	case event.Parked:
		w.stats.Parked++
		if o := c.ops[ev.ID]; o != nil {
			o.parked = true
		}
	case event.Changed:
		w.stats.Views++
		raw := ev.Entity[len("post:"):]
		if ev.Number != 1 && ev.Number != x.numbers[raw]+1 {
			w.fail("%s: change %d of %s after %d", c, ev.Number, raw, x.numbers[raw])
		}
		x.numbers[raw] = ev.Number
		x.seesNote(raw, true)
		id := w.canon(raw)
		if x.changes != nil {
			x.changes[id]++
		}
		if isStranger(id) {
			return
		}
		if p, ok := ev.Value.(Post); ok {
			w.trace("%s shows %s: %s", c, raw, p)
			x.view(id, p)
		}
		x.vanishes(id, ev)
		return
	}
	if w.tracing {
		w.trace("%s: %v %s %s %v %v", c, ev.Kind, w.name(ev.ID), ev.Type, outcomeText(ev), ev.Err)
	}
}

func outcomeText(ev optimist.Event) string {
	if ev.Kind == event.Settled {
		return ev.Outcome.String()
	}
	return ""
}

func (x *watch) accepted(ev optimist.Event) {
	c := x.l.c
	o := c.ops[ev.ID]
	if o == nil {
		raw := ev.Entity[len("post:"):]
		o = &op{id: ev.ID, typ: baseType(ev.Type), entity: c.w.canon(raw), raw: raw}
		switch a := ev.Args.(type) {
		case Args:
			o.args = a
		case optimist.Switched:
			o.typ, o.args = star, starArgs(a)
		default:
			c.w.fail("%s: arguments of %s are %T", c, c.w.name(ev.ID), ev.Args)
		}
		c.order++
		o.order, o.nth = c.order, c.order
		if from, ok := x.heirs[ev.ID]; ok && o.typ != erase { // it takes nobody's place
			o.order, o.parked = min(o.order, from.order), from.parked
		}
		x.stands(o)
		x.refers(o)
		c.ops[ev.ID] = o
		c.w.stats.Operations++
	}
	o.over = false
	x.seesNote(o.raw, false)
	i := len(x.live)
	for i > 0 && x.live[i-1].order > o.order {
		i--
	}
	x.live = append(x.live[:i], append([]*op{o}, x.live[i:]...)...)
}

func (x *watch) settled(ev optimist.Event) {
	c := x.l.c
	w := c.w
	o := c.ops[ev.ID]
	if o == nil {
		w.fail("%s: %s settled and was never accepted", c, w.name(ev.ID))
		return
	}
	if x.ended[ev.ID]++; x.ended[ev.ID] > 1 {
		w.fail("%s: %s settled twice in one life", c, w.name(ev.ID))
	}
	for i, other := range x.live {
		if other == o {
			x.live = append(x.live[:i:i], x.live[i+1:]...)
			break
		}
	}
	x.settledNote(o, ev)
	o.settled++
	o.over = true
	o.outcome = ev.Outcome
	o.way.reached = o.way.doubt || o.way.flying > 0
	slot := o.entity + " " + o.slot()
	switch ev.Outcome {
	case optimist.Confirmed:
		o.confirmed, o.era = true, x.l.era
		if x.known[slot] = o; ev.Calls == 0 && x.l.era > 1 || ev.Calls == 0 && !x.l.wrote[slot] && x.l.wasShown(o) || c.refused && c.wentOn(o) {
			x.known[slot] = nil // this process may know an older state than another process's change
		}
		for _, e := range o.entities() {
			for _, f := range facts(e, o.typ, o.args) {
				x.tokens[f] = true
			}
		}
	case optimist.RolledBack:
		w.stats.RolledBack++
		o.way.reached = o.way.reached || errors.Is(ev.Err, optimist.ErrUnknownOutcome)
		if o.on != nil && errors.Is(ev.Err, optimist.ErrDependency) {
			w.stats.WentAlong++
		}
		x.known[slot] = nil
		if errors.Is(ev.Err, errPoison) {
			o.refusedForGood = true
		}
		if unknown(ev.Err) {
			w.fail("%s: %s is called a failure, with unknown outcome: %v", c, w.name(ev.ID), ev.Err)
		}
		if ev.Err == nil {
			w.fail("%s: %s was rolled back without a reason", c, w.name(ev.ID))
		}
	case optimist.Cancelled:
		w.stats.Cancelled++
		o.cancelled = true
		x.known[slot] = nil
	case optimist.Superseded:
		if ev.Successor == "" {
			w.fail("%s: %s names no successor", c, w.name(ev.ID))
		}
		o.successor = ev.Successor
		from := heir{o.order, o.parked}
		if before, ok := x.heirs[ev.Successor]; ok {
			from.order = min(from.order, before.order)
		}
		x.heirs[ev.Successor] = from
	}
	if ev.Outcome == optimist.Confirmed || ev.Outcome == optimist.RolledBack {
		for _, e := range o.entities() {
			x.due[e] = append(x.due[e], o.id)
		}
	}
}

// wentOn reports whether something later of a slot was done, of which a life's disk may not
// have known.
func (c *Client) wentOn(o *op) bool {
	for _, other := range c.ops {
		if other.order > o.order && other.entity == o.entity && other.slot() == o.slot() && c.w.server.done[other.id] != nil {
			return true
		}
	}
	return false
}

// unknown reports whether an error says that the outcome is unknown.
func unknown(err error) bool {
	var s *optimist.SendError
	return errors.As(err, &s) && s.Class == optimist.Unknown || errors.Is(err, context.DeadlineExceeded)
}

// called is a callback.
func (l *life) called(r optimist.Result) {
	w := l.c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.look(); l.dead {
		return
	}
	x := &l.watch
	if x.calledBy[r.ID]++; x.calledBy[r.ID] > 1 {
		w.fail("%s: the callback of %s ran twice", l.c, w.name(r.ID))
	}
	if r.Outcome != optimist.Confirmed && r.Outcome != optimist.RolledBack {
		w.fail("%s: a callback of %s, which ended as %v", l.c, w.name(r.ID), r.Outcome)
	}
	o := l.c.ops[r.ID]
	if o == nil {
		w.fail("%s: a callback of %s, which was never accepted", l.c, w.name(r.ID))
		return
	}
	o.results = append(o.results, r)
	for _, e := range o.entities() {
		x.came[e] = append(x.came[e], r.ID)
	}
}

// view checks that a view shows only the user's operations and values of the server.
func (x *watch) view(id string, p Post) {
	c := x.l.c
	w := c.w
	mine := make(map[string]*op) // last unsettled of each slot
	must := make(map[string]*op) // by token
	asked := make(map[string]bool)
	made := false
	for _, o := range x.live {
		if !contains(o.entities(), id) {
			continue
		}
		for _, f := range facts(id, o.typ, o.args) {
			asked[f] = true
		}
		if o.typ == write || o.typ == erase { // earlier operations may be hidden, or gone
			clear(mine)
			clear(must)
			made = true
		}
		switch {
		case o.typ == erase:
		case o.typ == edit && !x.l.wasTold(id): // perhaps of a comment that only the server has
			delete(mine, o.slot())
		case o.typ == pair && (made || !w.stays(id) && w.server.done[o.id] != nil):
			// It may be in the truth below, which another post has replaced.
		case o.slot() == "":
			must[o.args.Key] = o
		default:
			mine[o.slot()] = o
		}
	}
	if c.mixed[id] { // which of its operations are under which name, the library knows
		clear(mine)
		clear(must)
	}
	for token, o := range must {
		if !p.Tokens[token] {
			w.fail("%s: %s does not show token %s, which waits in %s", c, id, token, w.name(o.id))
		}
	}
	was := func(format string, args ...any) bool {
		f := id + " " + fmt.Sprintf(format, args...)
		return w.server.ever[f] || x.tokens[f] || x.before[f] || asked[f]
	}
	for t := range p.Tokens {
		if !was("token %s", t) {
			w.fail("%s: %s shows token %s, which no user asked for", c, id, t)
		}
	}
	// A client that is told only of a success may be told older truth later.
	told := w.script.Faults.Silent == 0 && w.stays(id)
	for f := range x.tokens {
		var e, t string
		if n, _ := fmt.Sscanf(f, "%s token %s", &e, &t); n == 2 && e == id && told && !p.Tokens[t] {
			w.fail("%s: %s no longer shows token %s, which was confirmed", c, id, t)
		}
	}
	for slot, o := range mine {
		switch o.typ {
		case like, star:
			if p.Flags[slot] != o.args.On {
				w.fail("%s: %s shows %q %v under %s", c, id, slot, p.Flags[slot], w.name(o.id))
			}
		case title, write:
			if p.Title != o.args.Text {
				w.fail("%s: %s shows title %q under %s", c, id, p.Title, w.name(o.id))
			}
		case create, edit:
			if p.Comments[o.args.Key] != o.args.Text {
				w.fail("%s: %s shows comment %s=%q under %s", c, id, o.args.Key, p.Comments[o.args.Key], w.name(o.id))
			}
		case remove:
			if _, there := p.Comments[o.args.Key]; there {
				w.fail("%s: %s shows comment %s, which %s removes", c, id, o.args.Key, w.name(o.id))
			}
		}
	}
	for f := range p.Flags {
		if !was("%s true", f) {
			w.fail("%s: %s shows %q, which no user asked for", c, id, f)
		}
	}
	// A flag of this client's own user changes only by this client's operations.
	for slot, o := range x.known {
		if !told || o == nil || o.typ != like && o.typ != star || o.entity != id || mine[o.slot()] != nil || slot == "" || !c.owns(o.args.Key) {
			continue
		}
		if p.Flags[o.args.Key] != o.args.On {
			w.fail("%s: %s shows %q %v after %v was confirmed", c, id, o.args.Key, p.Flags[o.args.Key], o.args.On)
		}
	}
	if !was("title %s", p.Title) {
		w.fail("%s: %s shows title %q, which no user asked for", c, id, p.Title)
	}
	for k, text := range p.Comments {
		if !was("comment %s %s", k, text) {
			w.fail("%s: %s shows comment %s=%q, which no user asked for", c, id, k, text)
		}
	}
}

// owns reports whether nobody else writes a flag, and nothing of this client that was
// taken back can still come true.
func (c *Client) owns(flag string) bool {
	if flag != "like "+c.String() && flag != "star "+c.String() {
		return false
	}
	for _, o := range c.ops {
		if o.args.Key == flag && (o.cancelled || o.settled == 0 && !contains(c.life.watch.live, o) || o.outcome == optimist.RolledBack) {
			return false
		}
	}
	return true
}

func contains[T comparable](all []T, one T) bool {
	for _, other := range all {
		if other == one {
			return true
		}
	}
	return false
}
