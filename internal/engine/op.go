package engine

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/optimist-go/optimist/internal/errorf"
)

// Time is nanoseconds since an epoch that the shell chose; also used for durations.
type Time int64

// Never is later than every time.
const Never Time = math.MaxInt64

// plus is the time after a duration, or Never when there is no such time.
func (t Time) plus(d Time) Time {
	if d > 0 && t > Never-d {
		return Never
	}
	return t + d
}

// Timestamp is a hybrid logical timestamp: 48 bits of milliseconds, 16 of counter.
type Timestamp uint64

// next is the timestamp after s, if there is one.
func (s Timestamp) next() Timestamp { return max(s, s+1) }

// Kind is the effect of an operation on its entity's existence.
type Kind uint8

const (
	Change Kind = iota // needs the entity
	Create             // makes it if it is not there
	Delete             // removes it
)

// State is where an unsettled operation stands.
//
//	Fresh -> Waiting -> InFlight -> Acked -> Ended
//	           ^ |         | |                ^
//	           | +-> Ended | +-> Parked ------+
//	           +-- retry --+        |
//	           +------ decide ------+
type State uint8

const (
	Fresh    State = iota // not accepted yet
	Waiting               // for its debounce, its turn, its dependencies or its retry
	InFlight              // an attempt has left
	Acked                 // the server has it; truth that shows it has not come
	Parked                // failed; a person decides
	Ended                 // settled; see Outcome
)

// Outcome is an operation's one and only end.
type Outcome uint8

const (
	Unsettled Outcome = iota
	Confirmed
	RolledBack
	Superseded
	Cancelled
)

// Resolution says how a conflict was resolved.
type Resolution uint8

const (
	NoConflict Resolution = iota
	AlreadySo             // the server's state is the one that the operation wanted
	KeptMine              // sent again on the new version
	TookTheirs            // the operation gave way
	MergedBoth            // another operation with merged arguments took its place
	Refused               // the resolver called it a failure
)

// Type holds the rules that operations of one kind share. It is not changed after its
// first use.
type Type struct {
	Name   string
	Family string // namespace of slots; types that share it see each other's slots
	Kind   Kind

	Apply    func(value, args any) (any, error) // pure; nil for Delete and closures
	Guard    func(value, args any) error        // nil: no precondition
	SameArgs func(a, b any) bool                // nil: never the same
	// Fulfilled says whether a value fulfils the wish in args. nil: the type does not say.
	Fulfilled func(value, args any) bool
	// Merge are the rules that combine an operation that has not left with a second one, of
	// this type, of its slot: by the name of the first one's type.
	Merge   map[string]func(first, second *Op) Merged
	Resolve func(*Conflict) Decision // nil: the last writer by timestamp wins

	Debounce     Debounce
	Retry        Retry
	Deadline     Time          // a duration from acceptance to giving up; 0: none
	MaxConflicts int           // how often KeptMine is sent again
	Failure      FailurePolicy // 0: Revert
	Pessimistic  bool          // shows when confirmed
	Barrier      bool          // commutes with nothing
	Cancel       CancelPolicy  // 0: LetCallsEnd
	Closure      bool          // state lives outside; Apply is not used
	Stored       bool          // waits for Journaled before its first attempt
	Undoable     bool          // remembered for Undo
	ServerID     bool          // the entity that it makes gets its name from the server
	Aside        bool          // of the one operation that was set aside with it; see SetAside

	// Refs are the entities to which arguments refer. nil: to none.
	Refs func(args any) ([]Ref, error)

	Owner any // of no meaning to the engine
}

// Check says why the rules cannot work together, or returns nil. The entities of a group have rules
// of their own.
func (t *Type) Check(group bool) error {
	switch {
	case t.Kind > Delete:
		return errorf.New("%w: Kind must be Change, Create or Delete, not %d", ErrInvalid, uint8(t.Kind))
	case t.ServerID && !group && t.Kind != Create:
		return errorf.New("%w: ServerID is for creations, and Kind is not Create", ErrInvalid)
	case t.Apply == nil && !group && t.Kind != Delete:
		return errorf.New("%w: Apply is nil", ErrInvalid)
	case t.Name == "":
		return errorf.New("%w: Type is empty", ErrInvalid)
	}
	return nil
}

// Op is one operation. Fields in the first block are the caller's and are frozen
// once the operation was accepted; the others belong to the engine.
type Op struct {
	Type      *Type
	Args      any
	Slot      string    // empty: a slot of its own
	Timestamp Timestamp // the engine moves it past the latest timestamp known of the entity
	Owner     any       // of no meaning to the engine

	seq uint64 // identity; order of acceptance
	// pos orders lists. It is seq, or that of the operation whose place this one
	// took. Invariant: strictly ascending along every entity's and lane's list.
	pos   uint64
	due   Time // when Waiting: not before this
	burst Time // first tap of the burst (debounce), also start of the deadline
	part  part // the first, and nearly always only, part
	ext   *ext // state that few operations need; nil until then
	// successor is the operation that replaced this one, once superseded, or that a
	// call joined whose own operation this would have been.
	successor *Op

	state     State
	outcome   Outcome
	attempts  uint16 // counted against the retry policy since the last decision
	calls     uint16 // attempts that left, counted or not
	unknown   bool   // an attempt's outcome is not known; sticky until an answer
	left      bool   // an attempt has left: content and key are frozen
	journal   journaling
	held      hold  // whether it waits behind one that waits for a person; it is in no lane then
	condemned bool  // it leaves the fold in the Step that runs
	suspected bool  // it is among the engine's suspects
	timer     int32 // 1 + index in the timer heap, 0 when not in it
}

// journaling is how far a stored operation has come on its way into the journal.
type journaling uint8

const (
	unwritten journaling = iota // the journal was not told of it
	written                     // the journal was told of it
	journaled                   // the journal holds it, or never will: it may be sent
)

// ext is the rarely needed rest of an Op.
type ext struct {
	id         string      // of a restored operation
	err        error       // why it is parked
	failed     error       // how its latest attempt failed, since a person decided
	group      []groupPart // second and later entities of a group
	first      Part        // of a group: its part in the first entity
	deps       []*Op       // unsettled operations on which this one depends
	dependents []*Op       // operations that depend on this one
	version    uint64      // of the truth that is awaited, once acknowledged
	ackedAt    Time
	// notBefore: the server asked for no attempt until then.
	notBefore Time
	leftOn    *ground
	refs      []Ref // entities to which the arguments refer
	behind    *Op   // the operation of its slot behind which this one was accepted
	until     Time  // guess: how long sending will have been open in all when its patience ends
	base      base  // of a closure: the state of its slot before it
	// undoneBy is the operation that undid this one. Invariant: following it never ends where it
	// began, for it is set only to an operation which is not undone itself then.
	undoneBy *Op
	// since: when the first attempt left of which nobody knows how it ended, since the server's last
	// word; 0: there is none.
	since Timestamp

	conflict   Resolution // of the last conflict
	conflicts  uint8      // how often it was sent again after one, since the last decision
	unanswered uint16     // attempts that were charged and that nobody answered
	// comesAfter: it was accepted with deps, which may have been confirmed since.
	comesAfter bool
	silent     bool // acknowledged without a version: that of an earlier one is awaited
	differs    bool // the server accepted it and held something else
	// unclassified: an attempt ended in a way that nobody classified; the server may have it.
	unclassified bool
	unmarked     bool // the latest attempt has not left, because the disk would not know of it
	outlived     bool // the attempt under way left in an earlier era
	acceptedLate bool // the server had it after it had been taken back
	// guess: acknowledged by an answer whose value seems to be a lagging replica's. It waits
	// until its patience ends; rereading: it has ended, and the entity is being read.
	guess     bool
	rereading bool
}

// ground is the truth that an attempt left on, for a resolver that may ask.
type ground struct {
	value    any
	presence Presence
	version  uint64
	rest     []ground // of a group: that of its other entities
}

type groupPart struct {
	part
	kind  Kind
	apply func(value, args any) (any, error)
}

// part is an operation's place in one entity and in that entity's lane.
type part struct {
	op         *Op
	entity     *Entity
	prev, next *part // in the entity, by op.pos
	// In the lane, by op.pos. Invariant: linked exactly while the operation is
	// InFlight, or Waiting and not held; a group's second part in one lane is not linked.
	lanePrev, laneNext *part
	after              any // cached fold up to and with this part
	presence           Presence
	inLane             bool
	index              uint8 // 0 for Op.part, else 1 + index in ext.group
	// stands: the entity exists only by the nearest earlier part that makes or removes it,
	// which is an unsettled creation that the server is not known to have.
	stands    bool
	contained bool // of a group: truth of the entity contains it, so it is not applied again
}

func (o *Op) more() *ext {
	if o.ext == nil {
		o.ext = new(ext)
	}
	return o.ext
}

// parts calls f for every part of the operation. Inlined, it would put the body of f
// into its callers twice, which a browser would have to download.
//
//go:noinline
func (o *Op) parts(f func(*part)) {
	f(&o.part)
	if o.ext != nil {
		for i := range o.ext.group {
			f(&o.ext.group[i].part)
		}
	}
}

// Seq is the order of acceptance, unique in one engine; 0 before.
func (o *Op) Seq() uint64 { return o.seq }

// Pos is the operation's place in its lane: Seq, or that of the one it replaced.
func (o *Op) Pos() uint64 { return o.pos }

// ID is the operation's name and idempotency key. It is empty for an operation that was set
// aside because its record cannot be read.
func (o *Op) ID(e *Engine) string {
	if id := o.RestoredID(); id != "" || o.Type.Aside {
		return id
	}
	return e.IDOf(o.seq)
}

// IDOf is the id of an operation of this life. It reads only the configured prefix, which
// never changes.
func (e *Engine) IDOf(seq uint64) string { return e.cfg.Prefix + "-" + strconv.FormatUint(seq, 36) }

// RestoredID is the id that an operation of an earlier life has kept, or empty.
func (o *Op) RestoredID() string {
	if o.ext == nil {
		return ""
	}
	return o.ext.id
}

// is reports whether id is the operation's, without building the string.
func (o *Op) is(e *Engine, id string) bool {
	if o.ext != nil && o.ext.id != "" {
		return o.ext.id == id
	}
	rest, ok := strings.CutPrefix(id, e.cfg.Prefix)
	if !ok || len(rest) < 2 || rest[0] != '-' {
		return false
	}
	seq, err := strconv.ParseUint(rest[1:], 36, 64)
	return err == nil && seq == o.seq
}

// State says where the operation stands.
func (o *Op) State() State { return o.state }

// Outcome is Unsettled until the operation has ended.
func (o *Op) Outcome() Outcome { return o.outcome }

// Conflict says how a conflict was resolved, if there was one.
func (o *Op) Conflict() Resolution {
	if o.ext == nil {
		return NoConflict
	}
	return o.ext.conflict
}

// Calls counts the attempts that left.
func (o *Op) Calls() int { return int(o.calls) }

// Attempts counts the attempts charged to the retry policy.
func (o *Op) Attempts() int { return int(o.attempts) }

// Due is when a waiting operation may leave.
func (o *Op) Due() Time { return o.due }

// UnknownOutcome says that an attempt left whose end is not known.
func (o *Op) UnknownOutcome() bool { return o.unknown }

// noteAnswer notes that the server has had its word about the operation itself.
func (o *Op) noteAnswer() {
	o.unknown = false
	if o.ext != nil {
		o.ext.unclassified, o.ext.since = false, 0
	}
}

// InDoubtSince is when the first attempt left of which nobody knows whether the server carried it
// out; 0: there is none.
func (o *Op) InDoubtSince() Timestamp {
	if o.ext == nil {
		return 0
	}
	return o.ext.since
}

// doubt notes that nobody knows how an attempt ended. Inlined, a browser would download it three
// times.
//
//go:noinline
func (o *Op) doubt(in *Answer) {
	if x := o.more(); x.since == 0 {
		x.since = in.Left
	}
}

// containedAnywhere reports whether truth of any of a group's entities contains it.
func (o *Op) containedAnywhere() (any bool) {
	o.parts(func(p *part) { any = any || p.contained })
	return any
}

// mayBeDone reports whether the server may have the operation although nobody said so.
func (o *Op) mayBeDone() bool {
	return o.unknown || o.state == Acked || o.ext != nil && (o.ext.unclassified || o.containedAnywhere())
}

// Left says that an attempt has left, so that content and key are frozen.
func (o *Op) Left() bool { return o.left }

// Entity is the operation's first entity.
func (o *Op) Entity() *Entity { return o.part.entity }

// Entities calls yield for each entity of the operation until it returns false.
func (o *Op) Entities(yield func(*Entity) bool) {
	more := true
	o.parts(func(p *part) {
		if more {
			more = yield(p.entity)
		}
	})
}

// ParkedFor is why a parked operation failed.
func (o *Op) ParkedFor() error {
	if o.ext == nil {
		return nil
	}
	return o.ext.err
}

// Failed is why the operation is parked, or how its latest attempt failed; nil: it has not
// failed in this life, or the server has it.
func (o *Op) Failed() error {
	switch {
	case o.ext == nil:
		return nil
	case o.ext.err != nil:
		return o.ext.err
	}
	return o.ext.failed
}

// Successor is the operation that replaced this one, or nil.
func (o *Op) Successor() *Op { return o.successor }

// JoinedTo is the operation that a call joined whose own was never accepted, or nil.
func (o *Op) JoinedTo() *Op {
	if o.seq == 0 {
		return o.successor
	}
	return nil
}

// Deps are the unsettled operations on which this one depends.
func (o *Op) Deps() []*Op {
	if o.ext == nil {
		return nil
	}
	return o.ext.deps
}

// waitsForOthers reports whether an operation on which it depends is unsettled.
func (o *Op) waitsForOthers() bool {
	return slices.ContainsFunc(o.Deps(), func(d *Op) bool { return d.state != Ended })
}

// comesAfter reports whether it was accepted to come after others.
func (o *Op) comesAfter() bool { return o.ext != nil && o.ext.comesAfter }

// hasDependents reports whether an unsettled operation depends on this one.
func (o *Op) hasDependents() bool {
	return o.ext != nil && slices.ContainsFunc(o.ext.dependents, func(n *Op) bool { return n.state != Ended })
}

// addDependent notes that another operation depends on this one, until one of them ends.
func (o *Op) addDependent(n *Op) {
	x := o.more()
	x.dependents = append(x.dependents, n)
}

// Stands reports whether the operation stands on a creation.
func (o *Op) Stands() (stands bool) {
	o.parts(func(p *part) { stands = stands || p.stands })
	return stands
}

// Persisted reports whether the journal was told of the operation.
func (o *Op) Persisted() bool { return o.journal != unwritten }

// Group reports whether the operation touches several entities.
func (o *Op) Group() bool { return o.ext != nil && o.ext.first.Space != nil }
