// Package engine decides. It is a deterministic function of its state, the time
// it is told and one input: no goroutine, lock, timer, clock, I/O, randomness or
// logging. Its decisions come back as effects, which the shell carries out.
//
// # The one idea
//
//	view(entity) = fold(apply, truth(entity), unsettled operations, in order)
//
// Every operation caches the value after it (part.after), so the view is the last
// of them, and a change in the middle folds again only from there on, and only
// until a value is the one that it was before.
//
// # Words
//
// An Entity has truth and an ordered list of parts. A part is one operation's
// place in one entity; an Op has one part, or several when it is a group. A lane
// orders sending; by default each entity is its own lane.
//
// # Not guaranteed
//
// Functions of the program that are data run inside Step; the documentation of package
// optimist lists them. They must be pure. A panic in one is contained and counts as its error. The returned effects are valid until Done or the next Step. An
// Engine is not safe for concurrent use.
package engine

// Config is told to an Engine once. Every field must be set; the shell
// supplies defaults.
type Config struct {
	Prefix       string // of operation ids; unique for this engine's life
	ClientID     string // breaks ties between equal timestamps
	MaxInFlight  int    // concurrent sends, at least 1
	MaxPerEntity int    // unsettled operations of one entity
	MaxPending   int    // unsettled operations in all
	Era          uint64 // that an earlier life held; 0: none
	Seq          uint64 // sequence numbers up to this one were given in an earlier life
	ProbeAfter   int    // lanes in a row without an answer after which one operation probes
	Probe        Retry  // waits between probes
}

// Engine is the state. The zero value is not usable; call New.
type Engine struct {
	// Quiet: nobody listens, so effects that only tell something are not made.
	Quiet bool

	cfg Config
	now Time   // of the Step that runs
	seq uint64 // last sequence number given to an operation

	pending int // unsettled operations, parked ones included
	parked  int // those of them that are parked
	held    int // those of them that are held

	// busy is the list of entities that have parts, in the order in which they
	// became busy. Invariant: an entity is in it exactly while entity.first != nil.
	busyFirst, busyLast *Entity

	timers timerHeap

	// ready holds lanes whose head may be sendable. Invariant: lane.queued is true
	// exactly for the lanes in it, and each has a head. Being in it promises nothing more;
	// pump checks again.
	ready laneQueue

	// unsureSlots are slots of closures whose state on the server is unknown, oldest first;
	// these are at most maxUnsureSlots.
	unsureSlots []slotName

	// open says whether sending was open at the end of the last Step, since openSince;
	// openBefore is how long it had been open until then.
	open                  bool
	openBefore, openSince Time
	guesses               int // operations acknowledged by a guess
	apart                 int // pairs of entities that have still to become one

	befores befores

	steps    uint64 // made so far
	inFlight int    // calls that left and have not returned; at most cfg.MaxInFlight
	gate     gate

	era      uint64 // the greatest that was met
	eraSince Time   // when it began; 0: in an earlier life
	spaces   []*Space

	// Scratch of the Step that runs; empty between steps.
	effects  []Effect
	touched  []touch
	dirty    []*Entity
	suspects []*Op // may have to be held; each once
	victims  []Victim
	orphans  []orphan // deletions whose creation has come to nothing
	moves    []Move
	inSpace  []*Move // scratch of Moves
}

// touch remembers the look of an entity before the Step that runs.
type touch struct {
	entity   *Entity
	value    any
	presence Presence
	outside  bool // state outside of the engine was changed or must be
	rewound  bool // its Rewind has been emitted
	outlived bool // the value was of an earlier era, and is not any more
	told     bool // the server told the truth that is held
}

// New returns an engine without entities.
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, seq: cfg.Seq, era: cfg.Era, gate: gate{online: true}}
}

// Step takes one input at the given time, which must not go backwards, and returns
// the effects that the shell has to carry out, in order. An error means that the input was refused
// and nothing changed.
func (e *Engine) Step(now Time, in Input) ([]Effect, error) {
	e.Done()
	e.steps++
	e.now = max(now, e.now)

	paused := !e.Sending()
	err := in.step(e)
	if e.apart > 0 {
		e.uniteAll()
	}
	if e.open != e.Sending() {
		e.countOpen()
	}
	if paused && e.Sending() && !e.Quiet { // the step has had its last word about it
		e.effects = append(e.effects, Effect{})
		copy(e.effects[1:], e.effects)
		e.effects[0] = Effect{Kind: SendingResumed}
	}
	e.announce() // changes of the view come before calls
	e.pump()
	e.announce()
	return e.effects, err
}

// Done gives the effects and moves of the last Step back, and lets go of all they point to.
func (e *Engine) Done() {
	if len(e.moves) > 0 {
		e.forgetMoves()
	}
	if len(e.effects) > 0 {
		e.effects = emptied(e.effects)
	}
}

// announce turns the touched entities into at most one Changed effect each, and
// forgets entities that hold nothing any more.
func (e *Engine) announce() {
	for i := range e.touched {
		t := &e.touched[i]
		ent := t.entity
		ent.touched = 0
		value, presence := ent.View()
		if t.outside || presence != t.presence || !ent.space.same(value, t.value) {
			ent.number++
			changed := Effect{Kind: Changed, Entity: ent}
			if t.outlived {
				changed.Err = ErrNewEra
			}
			e.emit(changed)
		}
		if ent.unread && ent.unended == 0 {
			ent.unread = false
			e.emit(Effect{Kind: RereadSettled, Entity: ent})
		}
		e.release(ent)
	}
	e.touched = emptied(e.touched)
}

// emptied returns scratch for the next Step, without the memory of a large one.
func emptied[T any](s []T) []T {
	if cap(s) > 1024 {
		return nil
	}
	clear(s)
	return s[:0]
}

// emit is not inlined: it would be copied to too many places for a browser.
//
//go:noinline
func (e *Engine) emit(f Effect) {
	if e.Quiet && f.Kind >= OpAccepted {
		return
	}
	if f.Op != nil {
		f.Calls = int(f.Op.calls)
	}
	e.effects = append(e.effects, f)
}

// touch must be called before the first change to an entity in a Step.
//
//go:noinline
func (e *Engine) touch(ent *Entity) *touch {
	if ent.touched == 0 {
		value, presence := ent.View()
		e.touched = append(e.touched, touch{entity: ent, value: value, presence: presence})
		ent.touched = int32(len(e.touched))
		if ent.space.Indexed {
			e.note(ent)
		}
	}
	return &e.touched[ent.touched-1]
}

// NextTick is when the engine wants a Tick, or Never.
func (e *Engine) NextTick() Time {
	return min(e.timers.next(), e.gate.nextTick(e))
}

// LastSeq is the last sequence number given to an operation.
func (e *Engine) LastSeq() uint64 { return e.seq }

// ShutGate stops sending, or lets it go on, without anybody being told: for as long as
// operations are restored one by one.
func (e *Engine) ShutGate(on bool) { e.gate.shut = on }

// Pending counts unsettled operations, parked ones included.
func (e *Engine) Pending() int { return e.pending }

// Parked counts operations that wait for a person's decision.
func (e *Engine) Parked() int { return e.parked }

// InFlight counts calls that left and have not returned, also those whose
// operation has been settled meanwhile.
func (e *Engine) InFlight() int { return e.inFlight }

// Sending reports whether operations may leave.
func (e *Engine) Sending() bool { return e.gate.online && !e.gate.unauthenticated && !e.gate.probing }

// Busy calls yield for every entity that has unsettled operations until it
// returns false, in the order in which they became busy.
func (e *Engine) Busy(yield func(*Entity) bool) {
	for ent := e.busyFirst; ent != nil; ent = ent.busyNext {
		if !yield(ent) {
			return
		}
	}
}
