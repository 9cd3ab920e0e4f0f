package optimist

import (
	"reflect"
	"slices"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/order"
)

// single reports whether there is one event of the kind although a group is its cause.
func single(k event.Kind) bool { return k == event.RolledBack || k == event.SendingPaused }

// Event is one thing that happened. Which fields are set depends on Kind.
type Event struct {
	Kind   event.Kind
	At     time.Time
	Entity string // such as "post:42"
	// Entities are all entities of the operation, if it is a group's: each of them has an event
	// of its own, which differs in Entity, Pending and Parked alone. RolledBack and
	// SendingPaused are one event; that of RolledBack has the entities of all victims, if there
	// are several. Else nil. Like all slices of an event they must not be changed. To count
	// operations, count the events whose Entity is the first of them.
	Entities []string
	ID       string // of the operation
	Type     string // of the operation
	// Args are the operation's arguments (the state that the update wants, for a closure), only
	// for subscribers that asked for them. Values that they refer to must not be changed.
	Args any

	// Number counts the Changed events of an entity without gaps, from 1. It starts
	// again when the manager had nothing to remember of the entity, which is never
	// while one subscribes to it.
	Number uint64
	// Value is the new view (nil: absent, or state of a closure), for Changed and
	// for Started of one entity.
	Value any
	// Pending are the unsettled operations of Entity after what happened, and Parked those of
	// them that are parked: for Started of one entity, Changed, and the events of operations
	// that were accepted. They change only with such an event.
	Pending, Parked int

	Calls      int           // of the operation, the latest that has left; 1 is the first
	Due        time.Duration // from At to the next attempt
	Outcome    Outcome
	Resolution Resolution
	Err        error
	Successor  string   // id of the operation that replaced this one
	Victims    []Victim // last first; ID, Type and Err tell the cause
	Missed     int
	// Done and Total are how far the call has come, in units of the program; Total 0: not
	// known.
	Done, Total int64
	// Snapshot is how everything stands, for Started of a subscription to all.
	Snapshot *Snapshot

	also   []string // other names of Entity; for a single event, of all its entities
	united bool     // what is seen under this name belongs to another one from now on
}

// Victim is an operation that left the view with others.
type Victim struct {
	ID     string
	Type   string
	Entity string
	Cause  string // id of the operation with which it went; empty for the first
	Err    error
}

// count says of which entity the event is, and what is unsettled there.
func (ev *Event) count(ent *engine.Entity) {
	ev.Entity, ev.Pending, ev.Parked = ent.FullName(), ent.Pending(), ent.Parked()
	ev.also = otherNames(ent)
}

// describe fills in how an entity looks.
func (ev *Event) describe(ent *engine.Entity) {
	ev.count(ent)
	ev.Number = ent.Number()
	ev.Value, _ = ent.View()
}

// alsoOf adds the other names of an operation's entities.
func (ev *Event) alsoOf(o *engine.Op) {
	for ent := range o.Entities {
		ev.also = append(ev.also, otherNames(ent)...)
	}
}

// report publishes an event from outside the lock; without it where the wait for it is in vain.
func (m *Manager) report(ev Event) {
	if m.lock() == nil {
		defer m.mu.Unlock()
	}
	m.publishLocked(ev)
}

func (m *Manager) publishLocked(ev Event) {
	if !m.audience.Subscribed() {
		return
	}
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	m.audience.Tell(ev)
}

// publishOfLocked publishes an event of an operation: of a group once for each entity.
func (m *Manager) publishOfLocked(ev Event, o *engine.Op) {
	if !m.audience.Subscribed() {
		return
	}
	m.nameLocked(&ev, o)
	for ent := range o.Entities {
		ev.count(ent)
		m.publishLocked(ev)
	}
}

// entitiesOf names the entities of an operation.
func entitiesOf(o *engine.Op) (names []string) {
	for ent := range o.Entities {
		names = append(names, ent.FullName())
	}
	return names
}

// eventKinds are the events that effects become; 0: none.
var eventKinds = [engine.LastEffect + 1]event.Kind{
	engine.Send: event.Sent, engine.OpAccepted: event.Accepted, engine.OpJoined: event.Joined, engine.OpRetrying: event.Retrying,
	engine.OpDeferred: event.Deferred, engine.OpAcknowledged: event.Acknowledged, engine.OpConflicted: event.Conflicted,
	engine.OpParked: event.Parked, engine.OpUnparked: event.Unparked, engine.OpSettled: event.Settled,
	engine.OpsRolledBack: event.RolledBack, engine.TruthStale: event.TruthStale, engine.Changed: event.Changed,
	engine.TruthUnsure: event.TruthUnsure, engine.TruthSure: event.TruthSure, engine.EraBegan: event.EraBegan,
	engine.SendingPaused: event.SendingPaused, engine.SendingResumed: event.SendingResumed, engine.Misused: event.Misused,
}

// tellLocked turns an effect into an event for the subscribers.
func (m *Manager) tellLocked(f *engine.Effect, now time.Time) {
	kind := eventKinds[f.Kind]
	if kind == 0 {
		return
	}
	ev := Event{
		Kind: kind, At: now, Calls: f.Calls, Outcome: Outcome(f.Outcome), Resolution: Resolution(f.Resolution),
		Err: publicErr(f.Err),
	}
	if f.Successor != nil && f.Kind == engine.OpSettled {
		ev.Successor = f.Successor.ID(m.engine)
	}
	if f.Kind == engine.OpRetrying {
		ev.Due = time.Duration(f.Due - m.now(now))
	}
	ent := f.Entity
	switch {
	case ent != nil || f.Op == nil:
	case single(kind):
		ent = f.Op.Entity()
	default:
		m.publishOfLocked(ev, f.Op)
		return
	}
	if f.Op != nil {
		m.nameLocked(&ev, f.Op)
	}
	switch {
	case kind == event.Changed:
		ev.describe(ent)
		ev.united = ent.Now() != ent
	case ent != nil:
		ev.count(ent)
	}
	if single(kind) && f.Op != nil {
		ev.alsoOf(f.Op)
	}
	if kind == event.Misused {
		ev.Err = unseen(ev.Type, ev.Entity)
	}
	m.nameVictimsLocked(&ev, f.Victims)
	m.publishLocked(ev)
}

// nameVictimsLocked names the operations that left the view together, and their entities.
func (m *Manager) nameVictimsLocked(ev *Event, victims []engine.Victim) {
	var entities []string
	for _, v := range victims {
		victim := Victim{ID: v.Op.ID(m.engine), Type: v.Op.Type.Name, Entity: v.Op.Entity().FullName(), Err: publicErr(v.Err)}
		if v.Cause != nil {
			victim.Cause = v.Cause.ID(m.engine)
		}
		ev.Victims = append(ev.Victims, victim)
		entities = append(entities, entitiesOf(v.Op)...)
		ev.alsoOf(v.Op)
	}
	order.By(len(entities),
		func(i, j int) bool { return entities[i] < entities[j] },
		func(i, j int) { entities[i], entities[j] = entities[j], entities[i] })
	switch entities = slices.Compact(entities); {
	case len(entities) > 1:
		ev.Entities = entities
	case len(entities) == 1 && ev.Entity == "":
		ev.Entity = entities[0]
	}
}

// nameLocked says of which operation an event of one entity is.
func (m *Manager) nameLocked(ev *Event, o *engine.Op) {
	ev.ID, ev.Type = o.ID(m.engine), o.Type.Name
	if m.audience.Detailed() {
		ev.Args = argsOf(o)
	}
	if o.Group() {
		ev.Entities = entitiesOf(o)
	}
}

// argsOf is a copy of an operation's arguments, as the program knows them.
func argsOf(o *engine.Op) any {
	if v := reflect.ValueOf(o.Args); !o.Type.Closure && v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem().Interface()
	}
	return o.Args
}
