package optimist

import (
	"cmp"
	"context"
	"reflect"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// Store holds entities of one type: the truth that the server told, and the
// unsettled operations over it. Methods are safe for concurrent use.
//
// Values are shared, not copied: a T with slices, maps or pointers must not be
// changed in place by readers of a view, nor by Apply.
type Store[T any] struct{ anyStore }

// anyStore is a Store without its type: a program carries its code once.
type anyStore struct {
	m     *Manager
	space *engine.Space
	label label
	err   error    // why the store cannot work
	read  readFunc // reads an entity anew; nil: nobody knows how
}

// StoreOptions change how a store works. The zero value is the default of each.
type StoreOptions[T any] struct {
	// Equal compares two values. It and Lane are data, which the package documentation
	// explains. Nil: == for comparable types, and for others
	// reflect.DeepEqual, which is slow for large values.
	Equal func(a, b T) bool
	// Lane groups entities: operations of entities with the same lane are sent one after
	// the other. Nil: a lane for each entity.
	Lane func(id string) string
	// Read reads one entity anew. The manager reads an entity when it is unsure of it
	// (View.Unsure), without being asked: as often as the manager's Retry policy allows
	// (10 times, if that is Forever) until newer truth is there, with the policy's timeout
	// for each read, at most 4 entities at a time, not before a Retry-After that an error of a
	// read tells as that of a Send does, and not while sending is paused. Truth
	// without a ReadAt is dated at the moment at which its read began. An entity that the
	// server does not have is Gone, not an error. Nil: an entity stays unsure until newer
	// truth of it comes in another way.
	Read func(ctx context.Context, id string) (Truth[T], error)
	// ReadSettled has an entity read by Read when its last unsettled operation has ended, if an
	// attempt of one of them had left: once, a tenth of a second after that, and not before
	// operations that were accepted meanwhile have ended as well. What is read is dated at
	// the moment at which the read began, so it undoes nothing that settles later. A read that
	// fails is repeated as one of Read is. An operation that was only acknowledged (AcceptedAt,
	// Truth.Wrote) has its entity read at once, and again as long as the value read is older than
	// the version awaited. False, or without Read: answers and pushes tell enough.
	ReadSettled bool
	// LaggingReplica says that this server may answer an accepted operation with a value
	// that a lagging replica told, and cannot say so by Truth.Wrote. It has the manager
	// guess: an answer whose version is not above the version held, and which does not show
	// the operation, is taken for such a value. The operation then stays in the view,
	// acknowledged, until truth shows it. When sending has been open for as long as
	// Patience, the entity is read once, if there is a Read, and the truth then held
	// stands.
	//
	// The guess costs that wait where the server normalises values and its state stays as
	// it was; a type that says when its wish is fulfilled (Mutation.Fulfilled) avoids it.
	// Operations whose Apply is not idempotent are never guessed about.
	LaggingReplica bool
	// Patience is the longest wait for a lagging replica. 0 or less: 10 s.
	Patience time.Duration
}

// NewStore makes the store of entities whose full names are name + ":" + id, with at most
// one StoreOptions. A name that is empty, taken or contains a colon makes a store whose
// calls fail, and an error in Manager.Err.
func NewStore[T any](m *Manager, name string, opts ...StoreOptions[T]) *Store[T] {
	var o StoreOptions[T]
	if len(opts) > 0 {
		o = opts[0]
	}
	s := &Store[T]{}
	if o.Read != nil {
		s.read = func(ctx context.Context, id string) (engine.Truth, error) {
			t, err := o.Read(ctx, id)
			return t.told(m), cmp.Or(err, t.invalid())
		}
	}
	s.open(m, name, o.Lane, erasedEqual(o.Equal), o.Equal != nil)
	if len(opts) > 1 && s.err == nil {
		s.err = errorf.New("%w: store %q has %d StoreOptions, at most one is allowed", ErrInvalid, name, len(opts))
		m.noteInvalid(s.err)
	}
	s.space.RereadSettled = o.ReadSettled && o.Read != nil
	if o.LaggingReplica {
		s.space.Patience = engine.Time(cmp.Or(max(o.Patience, 0), 10*time.Second))
	}
	return s
}

func (s *anyStore) open(m *Manager, name string, lane func(id string) string, equal func(a, b any) bool, foreign bool) {
	s.m, s.space, s.label = m, engine.NewSpace(name), label{"store", name}
	s.space.Owner = s
	if lane != nil {
		s.space.Lane = s.laneOf(lane)
	}
	s.space.Equal = s.equalOf(equal, foreign)
	if m == nil {
		s.err = errorf.New("%w: NewStore needs a manager", ErrInvalid)
		return
	}
	if s.err = m.lock(); s.err != nil {
		return
	}
	defer m.mu.Unlock()
	if s.err = m.known.AddStore(s.space); s.err == nil && s.read != nil {
		s.space.Readable = true
		m.readsLocked()
	}
}

// laneOf contains the program's function: an entity for which it panics gets a lane
// of its own.
func (s *anyStore) laneOf(lane func(id string) string) func(id string) string {
	return func(id string) (name string) {
		s.m.enterLocked(&s.label)
		if err := contain("lane", func() { name = lane(id) }); err != nil {
			s.m.publishLocked(Event{Kind: event.CallbackPanicked, Entity: s.space.Name + ":" + id, Err: err})
			return "of " + id + " alone"
		}
		return name
	}
}

// erasedEqual is the program's function for values in interfaces, or the default for
// their type.
func erasedEqual[T any](equal func(a, b T) bool) func(a, b any) bool {
	if equal != nil {
		return func(a, b any) bool { return equal(a.(T), b.(T)) }
	}
	if t := reflect.TypeFor[T](); t.Comparable() && t.Kind() != reflect.Interface {
		return func(a, b any) bool { return a == b }
	}
	return reflect.DeepEqual
}

// equalOf contains a comparison: values for which it panics differ. foreign: it is a
// function of the program, which may not come back.
func (s *anyStore) equalOf(equal func(a, b any) bool, foreign bool) func(a, b any) bool {
	return func(a, b any) (same bool) {
		if foreign {
			s.m.enterLocked(&s.label)
		}
		if err := contain("equal", func() { same = equal(a, b) }); err != nil {
			s.m.publishLocked(Event{Kind: event.CallbackPanicked, Err: err})
			return false
		}
		return same
	}
}

// Presence says whether an entity is there.
type Presence uint8

const (
	// NotLoaded: nothing is known of it. In a Truth: no value is said.
	NotLoaded Presence = iota
	Present
	// Absent: it is known not to be there.
	Absent
)

func (p Presence) String() string {
	return [...]string{"not loaded", "present", "absent"}[min(p, Absent)]
}

// View is an entity as its user sees it: the fold of its truth and its unsettled
// operations.
type View[T any] struct {
	Value    T // the zero value unless Present
	Presence Presence
	Pending  int    // unsettled operations, parked ones included
	Parked   int    // those that are parked
	Version  uint64 // of the truth below
	Number   uint64 // of the visible changes so far
	// Unsure: an operation has ended although the server may have it, because nobody
	// answered; newer truth has not come yet. See StoreOptions.Read.
	Unsure bool
}

// Truth is the server's word about an entity. TruthOf, Gone and AcceptedAt make
// the usual ones. The zero Truth as an answer means "done", without saying how
// things stand now: the prediction becomes truth.
type Truth[T any] struct {
	// Presence is NotLoaded when no value is said.
	Presence Presence
	Value    T
	// Version is the server's count of changes of this entity; greater is newer. 0:
	// the server has no versions.
	Version uint64
	// Wrote, in the answer of a Send, is the version of the write, where Value is older: it
	// was read from a replica that lags. The operation stays in the view, acknowledged, until
	// truth of that version comes. 0: Value is the state that the write left, or newer.
	Wrote uint64
	// At and By are when and by which client the entity was last changed, for
	// resolving conflicts. Zero: not said.
	At Timestamp
	By string
	// ID is the server's id of an entity whose creation asks for it (Mutation.ServerID). From
	// then on both ids find the entity in every call. It is ignored for other entities, and
	// for one whose id is known. A push tells the id without it, if it is received under that
	// id and Contains names the creation.
	ID string
	// Contains names operations that this truth already shows, when the server says. They
	// end as confirmed, also if they have not left in this life.
	Contains []string
	// Era is the history of the server that this truth is of: greater is newer, and truth of a
	// smaller one than the one held is stale. See [Manager.NewEra]. 0: the one held.
	Era uint64
	// ReadAt is when the read began that found this truth. It matters when there is
	// no Version: if an operation of the entity settled since, the truth is older than
	// the truth held and changes nothing. Zero: it is as new as its arrival.
	//
	// The moment at which something settled is remembered only while something is held of the
	// entity: its truth, an operation, a watch, a subscription to it, a Refresh under way. A
	// read that was begun when nothing was held, and received when nothing is again, is taken
	// as it is. Refresh sees to that; so does a server with versions.
	ReadAt time.Time
	// Position is the place of this change in the server's feed of changes, if it has one:
	// greater is later. It decides nothing but whether a total that the server told contains the
	// change; see package list. A new era goes on ascending, for example with the era in the
	// high bits. 0: not said.
	Position uint64
}

// TruthOf says that the entity is there with this value and version (0: none).
func TruthOf[T any](value T, version uint64) Truth[T] {
	return Truth[T]{Presence: Present, Value: value, Version: version}
}

// Gone says that the entity is not there since that version (0: none).
func Gone[T any](version uint64) Truth[T] {
	return Truth[T]{Presence: Absent, Version: version}
}

// AcceptedAt is an answer that says only at which version the server has the
// operation. It stays in the view until truth of that version comes.
func AcceptedAt[T any](version uint64) Truth[T] { return Truth[T]{Version: version} }

// told is the truth as the engine takes it. One that has an impossible presence says nothing.
func (t *Truth[T]) told(m *Manager) engine.Truth {
	if t.Presence > Absent {
		return engine.Truth{}
	}
	out := engine.Truth{
		Presence: engine.Presence(t.Presence), Version: t.Version, Wrote: t.Wrote,
		At: engine.Timestamp(t.At), By: t.By, ID: t.ID, Contains: t.Contains, Era: t.Era, Position: t.Position,
	}
	if t.Presence == Present {
		out.Value = t.Value
	}
	if !t.ReadAt.IsZero() {
		out.ReadAt = m.readAt(t.ReadAt)
	}
	return out
}

// readAt is the beginning of a read as the engine takes it, for which 0 is none.
func (m *Manager) readAt(t time.Time) engine.Time { return max(m.now(t), 1) }

// invalid is why a truth cannot be taken literally, or nil.
func (t *Truth[T]) invalid() error {
	switch {
	case t.Presence > Absent:
		return errorf.New("%w: the truth has presence %d", ErrInvalid, uint8(t.Presence))
	case t.Presence == NotLoaded && !reflect.ValueOf(&t.Value).Elem().IsZero():
		return errUnsaid
	}
	return nil
}

var errUnsaid = errorf.New("%w: the truth has a value, and its Presence says that it has none; TruthOf makes both agree", ErrInvalid)

// View is the entity as the user sees it now. It says that nothing is known when the call
// waited in vain; see ErrStuck.
func (s *Store[T]) View(id string) View[T] {
	look := s.view("View", id)
	return viewOf[T](&look)
}

// viewOf is a look of the engine as the users of a store have it.
func viewOf[T any](l *engine.Look) View[T] {
	return View[T]{
		Value: as[T](l.Value), Presence: Presence(l.Presence), Pending: l.Pending, Parked: l.Parked,
		Version: l.Version, Number: l.Number, Unsure: l.Unsure,
	}
}

func (s *anyStore) view(call, id string) (l engine.Look) {
	s.look(call, id, func(ent *engine.Entity) { l = ent.Look() })
	return l
}

// Get is the value of the view, and whether the entity is present.
func (s *Store[T]) Get(id string) (T, bool) {
	v := s.View(id)
	return v.Value, v.Presence == Present
}

// Receive takes truth that came by push or refetch. Truth that is older than the
// truth held changes nothing.
func (s *Store[T]) Receive(id string, t Truth[T]) error {
	if err := s.needs("Receive", id); err != nil {
		return err
	}
	if err := t.invalid(); err != nil {
		return errorf.New("receive of %s:%s: %w", s.space.Name, id, err)
	}
	_, err := s.receive(id, t.told(s.m))
	return err
}

// receive reports whether the truth was too old to be taken, because something has settled
// since it was read.
func (s *anyStore) receive(id string, t engine.Truth) (old bool, err error) {
	m := s.m
	if err := m.lockToAct(); err != nil {
		return false, err
	}
	old = m.receiveLocked(s.space, id, t, time.Now())
	return old, m.unlockDone()
}

// needs is why a call cannot work: the store does not, or the call names no entity.
func (s *anyStore) needs(call, id string) error {
	if s.err == nil && id == "" {
		return errorf.New("%w: %s of store %q needs an id", ErrInvalid, call, s.space.Name)
	}
	return s.err
}

// tellNeeds is needs for a call that cannot return an error: an id that is missing is told by
// an event, and Manager.Err has the rest.
func (s *anyStore) tellNeeds(call, id string) error {
	err := s.needs(call, id)
	if err != nil && s.err == nil {
		s.m.report(Event{Kind: event.Misused, Err: err})
	}
	return err
}

// look has f look at an entity, under the lock, if anything is held of it. It reports false
// when the call waited in vain.
func (s *anyStore) look(call, id string, f func(*engine.Entity)) bool {
	if s.tellNeeds(call, id) != nil {
		return true
	}
	return s.m.look(call+" of "+s.space.Name+":"+id, func() {
		if ent := s.space.Find(id); ent != nil {
			f(ent)
		}
	})
}

// receiveLocked takes truth that no call told. It reports whether that was too old.
func (m *Manager) receiveLocked(space *engine.Space, id string, t engine.Truth, now time.Time) bool {
	m.receive.EntityTruth = engine.EntityTruth{Space: space, Entity: id, Truth: t}
	m.observeLocked(&m.receive.Truth, now)
	m.stepLocked(now, &m.receive)
	old := m.receive.Old
	m.receive = engine.Receive{}
	return old
}

func (s *anyStore) holdLocked(id string) (ent *engine.Entity) {
	foreign.Finish(func() { ent = s.m.engine.Pin(s.space, id) }, s.m.mu.Unlock) // it asks for the lane
	return ent
}

// Forget drops the truth held about an entity, to free its memory; its view is
// NotLoaded then. It reports whether it did: not while operations are unsettled, nor while an
// index holds it (see [Holder]), such as a list of pages that has it.
func (s *anyStore) Forget(id string) bool {
	m := s.m
	if s.tellNeeds("Forget", id) != nil || !m.lockOrTell("Forget of "+s.space.Name+":"+id) {
		return false
	}
	in := engine.Forget{Entity: s.space.Find(id)}
	held := in.Entity == nil
	if !held && m.indexes != nil {
		foreign.Finish(func() { held = m.indexes.Holds(in.Entity) }, m.breakLocked) // as a step
	}
	if !held {
		m.stepLocked(time.Now(), &in)
	}
	m.unlock()
	return in.Forgot
}
