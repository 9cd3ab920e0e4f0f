package optimist

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"time"

	"github.com/optimist-go/optimist/internal/audience"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// EventKind is the kind of an Event.
type EventKind uint8

const (
	Started          EventKind = iota + 1 // first event: how things stand
	Changed                               // the view of Entity has changed
	OpAccepted                            // the operation is queued, and in the view unless it is pessimistic
	OpJoined                              // a call wanted the same as an earlier operation
	OpSent                                // an attempt has left
	OpRetrying                            // an attempt failed; the next leaves at Due
	OpDeferred                            // an attempt found nobody, nobody who knew us, or a full disk
	OpAcknowledged                        // the server has it; truth of it is awaited
	OpConflicted                          // it met other truth; see Resolution
	OpParked                              // it failed and waits for a decision
	OpUnparked                            // a decision sends it again
	OpSettled                             // it ended; see Outcome
	OpsRolledBack                         // Victims left the view together
	TruthStale                            // truth older than the truth held was ignored
	TruthUnsure                           // an operation ended, and the server may have it: see View.Unsure
	TruthSure                             // truth newer than that doubt has come
	EraBegan                              // the server has begun a new history, such as a restored backup; see Manager.NewEra
	TruthRefused                          // truth in an answer was ignored: it is of no store of ours, or contradicts itself
	SendingPaused                         // nothing leaves, or one operation probes
	SendingResumed                        // operations leave again
	CallbackPanicked                      // a callback, closure or rule panicked; nothing was harmed
	ClockDrift                            // a server's timestamp was refused
	JournalFailed                         // the journal failed; Err says how it goes on
	OpQuarantined                         // a restored operation is of no known type
	OpProgressed                          // its call has come as far as Done of Total
	Misused                               // the program does something that cannot work; Err names it and the remedy
	Gap                                   // Missed events were not delivered
)

func (k EventKind) String() string {
	names := [...]string{"none", "started", "changed", "accepted", "joined", "sent", "retrying", "deferred",
		"acknowledged", "conflicted", "parked", "unparked", "settled", "rolled back", "stale truth", "unsure", "sure", "new era", "truth refused",
		"sending paused", "sending resumed", "callback panicked", "clock drift", "journal failed", "quarantined", "progressed", "misused", "gap"}
	if int(k) < len(names) {
		return names[k]
	}
	return errorf.Text("event %d", uint8(k))
}

// Event is one thing that happened. Which fields are set depends on Kind.
type Event struct {
	Kind   EventKind
	At     time.Time
	Entity string // such as "post:42"; the first of a group
	ID     string // of the operation
	Type   string // of the operation
	// Args are the operation's arguments (the state that the update wants, for a closure), only
	// for subscribers that asked for them. Values that they refer to must not be changed.
	Args any

	// Number counts the Changed events of an entity without gaps, from 1. It starts
	// again when the manager had nothing to remember of the entity, which is never
	// while one subscribes to it.
	Number uint64
	// Value is the new view (nil: absent, or state of a closure), for Changed and
	// for Started of one entity.
	Value   any
	Pending int // unsettled operations of the entity, for the same two
	Parked  int // those of them that are parked

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

	also []string // further entities that it is about: the rest of a group
}

// Victim is an operation that left the view with others.
type Victim struct {
	ID     string
	Type   string
	Entity string
	Cause  string // id of the operation with which it went; empty for the first
	Err    error
}

// SubscribeOptions choose the events that a subscription delivers. The zero value is
// everything.
type SubscribeOptions struct {
	Entity string // only events of this entity, those of its groups too; empty: of all
	Buffer int    // events kept for a slow subscriber; 0: 1,024
	Args   bool   // deliver arguments
}

// Subscription delivers events in order. A subscriber that falls behind by more
// than its buffer loses the oldest and gets a Gap event that counts them; it never
// delays the manager. Methods are safe for concurrent use.
type Subscription struct {
	m          *Manager
	entity     string         // that it is about; empty: all
	pinned     *engine.Entity // keeps the numbering; guarded by m.mu
	subscriber *audience.Subscriber[Event]
}

// Subscribe delivers every event from now on, after a Started event that says how
// things stand at this moment. Close the subscription when done.
func (m *Manager) Subscribe(opts SubscribeOptions) *Subscription {
	if opts.Buffer <= 0 {
		opts.Buffer = 1024
	}
	s := &Subscription{m: m, entity: opts.Entity, subscriber: audience.NewSubscriber(audience.Wants[Event]{
		Buffer: opts.Buffer, Details: opts.Args, Choose: opts.choose,
	})}
	if err := m.lock(); err != nil {
		s.subscriber.Close()
		s.subscriber.Add(Event{Kind: Misused, At: time.Now(), Entity: opts.Entity, Err: errorf.New("Subscribe: %w", err)})
		return s
	}
	defer m.mu.Unlock()
	if m.stoppedLocked() != nil {
		s.subscriber.Close()
		return s
	}
	first := Event{Kind: Started, At: time.Now()}
	var unnamed error
	if opts.Entity == "" {
		snap := m.snapshotLocked()
		first.Snapshot = &snap
	} else {
		unnamed = m.unnamedLocked(opts.Entity)
		space, id := m.known.locate(opts.Entity)
		s.pinned = m.engine.Pin(space, id)
		first.describe(s.pinned)
	}
	s.subscriber.Add(first)
	if unnamed != nil {
		s.subscriber.Add(Event{Kind: Misused, At: first.At, Entity: opts.Entity, Err: errorf.New("Subscribe: %w", unnamed)})
	}
	m.audience.Subscribe(s.subscriber)
	m.listenedLocked()
	m.armLocked(first.At)
	return s
}

// choose is the event as a subscriber with these options hears it, if it does.
func (opts *SubscribeOptions) choose(ev Event) (Event, bool) {
	if !opts.Args {
		ev.Args = nil
	}
	return ev, opts.Entity == "" || opts.Entity == ev.Entity || ev.names(opts.Entity)
}

// listenedLocked is called when others listen than before, so that nothing is told to nobody.
func (m *Manager) listenedLocked() { m.engine.Quiet = m.audience.Empty() }

// describe fills in how an entity looks.
func (ev *Event) describe(ent *engine.Entity) {
	ev.Entity, ev.Number = fullName(ent), ent.Number()
	ev.Value, _ = ent.View()
	ev.Pending, ev.Parked = ent.Pending(), ent.Parked()
}

// Next waits for the next event. It returns false when the subscription or the
// manager was closed and nothing is left, or ctx has ended.
func (s *Subscription) Next(ctx context.Context) (Event, bool) {
	if ctx == nil {
		return Event{}, false
	}
	ev, missed, ok := s.subscriber.Next(ctx)
	if missed > 0 {
		ev = Event{Kind: Gap, At: time.Now(), Entity: s.entity, Missed: missed}
	}
	return ev, ok
}

// All ranges over events until ctx ends or the subscription is closed.
func (s *Subscription) All(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for {
			ev, ok := s.Next(ctx)
			if !ok || !yield(ev) {
				return
			}
		}
	}
}

// Close ends the subscription. Events already delivered to its buffer can still be
// read. A second Close does nothing.
func (s *Subscription) Close() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.audience.Unsubscribe(s.subscriber)
	s.m.listenedLocked()
	if s.pinned != nil {
		s.m.engine.Unpin(s.pinned)
		s.pinned = nil
	}
}

// report publishes an event from outside the lock.
func (m *Manager) report(ev Event) {
	m.mu.Lock()
	m.publishLocked(ev)
	m.mu.Unlock()
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

// names reports whether a victim of the event is of the entity.
func (ev *Event) names(entity string) bool {
	for _, v := range ev.Victims {
		if v.Entity == entity {
			return true
		}
	}
	return slices.Contains(ev.also, entity)
}

// alsoNames notes the entities of a group beyond its first.
func (ev *Event) alsoNames(o *engine.Op) {
	if o.Group() {
		for ent := range o.Entities {
			ev.also = append(ev.also, fullName(ent))
		}
	}
}

var eventKinds = map[engine.EffectKind]EventKind{
	engine.Send: OpSent, engine.OpAccepted: OpAccepted, engine.OpJoined: OpJoined, engine.OpRetrying: OpRetrying,
	engine.OpDeferred: OpDeferred, engine.OpAcknowledged: OpAcknowledged, engine.OpConflicted: OpConflicted,
	engine.OpParked: OpParked, engine.OpUnparked: OpUnparked, engine.OpSettled: OpSettled,
	engine.OpsRolledBack: OpsRolledBack, engine.TruthStale: TruthStale, engine.Changed: Changed,
	engine.TruthUnsure: TruthUnsure, engine.TruthSure: TruthSure, engine.EraBegan: EraBegan,
	engine.SendingPaused: SendingPaused, engine.SendingResumed: SendingResumed, engine.Misused: Misused,
}

// tellLocked turns an effect into an event for the subscribers.
func (m *Manager) tellLocked(f *engine.Effect, now time.Time) {
	kind, ok := eventKinds[f.Kind]
	if !ok {
		return
	}
	ev := Event{
		Kind: kind, At: now, Calls: f.Calls, Outcome: Outcome(f.Outcome), Resolution: Resolution(f.Resolution),
		Err: publicErr(f.Err),
	}
	if f.Entity != nil {
		ev.Entity = fullName(f.Entity)
	}
	if f.Op != nil {
		m.nameLocked(&ev, f.Op)
	}
	if f.Successor != nil && f.Kind == engine.OpSettled {
		ev.Successor = f.Successor.ID(m.engine)
	}
	if f.Kind == engine.OpRetrying {
		ev.Due = time.Duration(f.Due - m.now(now))
	}
	switch f.Kind {
	case engine.Changed:
		ev.describe(f.Entity)
	case engine.Misused:
		ev.Err = unseen(ev.Type, ev.Entity)
	}
	for _, v := range f.Victims {
		victim := Victim{ID: v.Op.ID(m.engine), Type: v.Op.Type.Name, Entity: fullName(v.Op.Entity()), Err: publicErr(v.Err)}
		if v.Cause != nil {
			victim.Cause = v.Cause.ID(m.engine)
		}
		ev.Victims = append(ev.Victims, victim)
		ev.alsoNames(v.Op)
	}
	m.publishLocked(ev)
}

// nameLocked says of which operation the event is.
func (m *Manager) nameLocked(ev *Event, o *engine.Op) {
	ev.ID, ev.Type = o.ID(m.engine), o.Type.Name
	if m.audience.Detailed() {
		ev.Args = argsOf(o)
	}
	if ev.Entity == "" {
		ev.Entity = fullName(o.Entity())
	}
	ev.alsoNames(o)
}

// argsOf is a copy of an operation's arguments, as the program knows them.
func argsOf(o *engine.Op) any {
	if v := reflect.ValueOf(o.Args); !o.Type.Closure && v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem().Interface()
	}
	return o.Args
}
