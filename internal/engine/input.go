package engine

// Input is one event. The engine never keeps the input itself. Each input knows its own
// handling, so that a program which never makes one of them does not carry the code
// that would handle it.
type Input interface{ step(*Engine) error }

// Execute asks to accept one operation. Op must be fresh, with Type, Args, Slot and
// Timestamp set by the caller; the engine fills in the rest.
type Execute struct {
	Space  *Space
	Entity string
	Op     *Op
	Group  []Part // entities of a group; Space and Entity are then ignored
	After  []*Op  // operations on which Op depends
}

// Part is the effect of a group on one entity.
type Part struct {
	Space  *Space
	Entity string
	Kind   Kind
	Apply  func(value, args any) (any, error)
}

// Batch accepts all of several operations in one step, or none.
type Batch struct {
	Items   []Execute
	Refused int // the engine sets it: the item for which all were refused
}

// Restore accepts an operation that an earlier life had accepted. It neither
// coalesces nor debounces.
type Restore struct {
	Execute
	Kept
	ID  string // as it was
	Seq uint64 // as it was
	Pos uint64 // as it was
	Err error  // why it is parked
}

// Answer is the end of one attempt.
type Answer struct {
	Op         *Op
	Class      Class // OK, or how it failed
	Err        error
	Truth      Truth         // about the operation's (first) entity
	More       []EntityTruth // about other entities
	Left       Timestamp     // when the attempt left, by the wall clock
	RetryAfter Time          // a duration: the server's own wish, 0 when it has none
	Rand       uint64        // for jitter
	// Ignore: the call has ended and its answer is of no interest.
	Ignore bool
	// Unclassified: nobody classified Err, and Class is a guess. Err may be the word of
	// the network, not of the server, which may have carried the operation out.
	Unclassified bool
	// Forgotten: a server that refused the operation for good cannot tell whether it has it.
	Forgotten bool
	// NotSent: the attempt has not left after all, because of Err. It is as if it had not
	// been; the next may leave after RetryAfter. Class and the truth of the answer
	// are of no meaning.
	NotSent bool
	guessed bool // the engine takes the value told for a lagging replica's
	// Next, when not nil, replaces the type's retry schedule for this failure.
	Next *Next
}

// Next says whether and when the next attempt is made.
type Next struct {
	Again bool
	Wait  Time // a duration
}

// Progressed says that a call goes on beyond its timeout, because it reports progress.
type Progressed struct{ Op *Op }

// EntityTruth is truth about a named entity.
type EntityTruth struct {
	Space  *Space
	Entity string
	Truth  Truth
}

// Receive is truth that came by push or refetch.
type Receive struct {
	EntityTruth
	// Reread: it is the end of a read for which a Reread had asked. Without a value, nothing
	// was found out.
	Reread bool
	// Old: the engine sets it. The value was read earlier than the truth held, and was not
	// taken.
	Old bool
}

// Journaled says that the journal holds these operations.
type Journaled struct{ Ops []*Op }

// Decide is a person's decision about a parked operation.
type Decide struct {
	Op      *Op
	Discard bool // else try again
	// Edit, when not nil, replaces the parked operation by this fresh one, which has
	// other arguments and therefore another key.
	Edit *Op
}

// Cancel undoes one operation. It ends as Cancelled, or with Err, when there is one, as
// undone.
type Cancel struct {
	Op  *Op
	Err error
}

// RollbackAll undoes every unsettled operation of one entity, or, when it is nil, of all, last
// first.
type RollbackAll struct{ Entity *Entity }

// ClearAll undoes and forgets all operations but for those that Keep, if not nil, asks to
// keep. They end as Cancelled, or with Err, when there is one, as undone.
type ClearAll struct {
	Err   error
	Keep  func(*Op) bool
	Names []*Space // whose unused names are forgotten
}

// Flush ends every debounce now.
type Flush struct{}

// SetOnline says whether the network is there.
type SetOnline struct{ Online bool }

// RetryNow ends every wait now, and the pause after a refused authentication.
type RetryNow struct{}

// Tick says that time has passed.
type Tick struct{}

func (in *Execute) step(e *Engine) error    { return e.execute(in) }
func (in *Batch) step(e *Engine) error      { return e.batch(in) }
func (in *Restore) step(e *Engine) error    { return e.restore(in) }
func (in *Answer) step(e *Engine) error     { e.answer(in); return nil }
func (in Progressed) step(e *Engine) error  { e.progressed(in.Op); return nil }
func (in *Receive) step(e *Engine) error    { e.receive(in); return nil }
func (in *Page) step(e *Engine) error       { e.page(in); return nil }
func (in *Piece) step(e *Engine) error      { return e.piece(in) }
func (in *Journaled) step(e *Engine) error  { e.journaled(in); return nil }
func (in *Decide) step(e *Engine) error     { return e.decide(in) }
func (in Cancel) step(e *Engine) error      { return e.cancel(in) }
func (in RollbackAll) step(e *Engine) error { e.rollbackAll(in); return nil }
func (in ClearAll) step(e *Engine) error    { e.clearAll(in); return nil }
func (in Flush) step(e *Engine) error       { e.flush(); return nil }
func (in SetOnline) step(e *Engine) error   { e.setOnline(in.Online); return nil }
func (in RetryNow) step(e *Engine) error    { e.retryNow(); return nil }
func (in Tick) step(e *Engine) error        { e.tick(); return nil }
