package engine

// EffectKind says what the shell has to do, or what it may want to tell.
type EffectKind uint8

const (
	// To do.
	Send      EffectKind = iota + 1 // start an attempt of Op
	Abort                           // end the running call of Op: nobody needs its answer
	Persist                         // write Op to the journal
	Rewind                          // undo the closures of Victims in Entity, apply the others again
	Adopt                           // the closure of Op ended on the server state Value
	Settled                         // Op has ended: Outcome, Err, Other (successor)
	Joined                          // a call wanted what Op already wants
	AckedNow                        // the server has Op; truth of Version is awaited
	ParkedNow                       // Op failed and waits for a person
	Unparked                        // a person decided to try Op again
	Reread                          // read Entity anew, once; Receive tells the end of it
	Unsure                          // Op has ended although the server may have it: Entity is unsure

	// To tell. A quiet engine keeps these to itself.
	Accepted   // Op is in the view
	Retrying   // Op will be tried again at Due
	Deferred   // Op's attempt found nobody, or nobody who knew us; it costs nothing
	Conflicted // Op met other truth; Resolution says what became of it
	RolledBack // Victims left the view because of Op, Entity or Err
	Stale      // truth older than what is held was ignored
	Newer      // truth of Entity was taken, whether or not it looks different
	Changed    // the view of Entity has changed
	Sure       // truth newer than the doubt about Entity is held
	GateClosed // sending has stopped: Err says why
	GateOpened // sending goes on
)

// Effect is one thing to do or to tell. Which fields are set depends on Kind.
type Effect struct {
	Kind       EffectKind
	Outcome    Outcome
	Resolution Resolution
	Again      bool // Persist: the journal was told of Op before
	Attempt    int
	Op         *Op
	Other      *Op
	Entity     *Entity
	Value      any
	Err        error
	Due        Time
	Victims    []Victim
}

// Victim is an operation that left the view with another one, and why.
type Victim struct {
	Op    *Op
	Cause *Op // the operation it went with; nil for the first
	Err   error
}
