package engine

// EffectKind names an order to the shell, or news that it may want to tell.
type EffectKind uint8

const (
	// To do.
	Send           EffectKind = iota + 1 // start an attempt of Op
	Abort                                // end the running call of Op: nobody needs its answer
	Persist                              // write Op to the journal
	Rewind                               // undo the closures of Victims in Entity, apply the others again
	Adopt                                // the closure of Op ended on the server state Value
	OpSettled                            // Op has ended: Outcome, Err, Successor
	OpJoined                             // a call wanted the same as Op
	OpAcknowledged                       // the server has Op; truth of Version is awaited
	OpParked                             // Op failed and waits for a person
	OpUnparked                           // a person decided to send Op again
	Reread                               // read Entity anew, once; Receive tells the end of it
	RereadSettled                        // the last operation of Entity has ended: read it anew, once
	TruthUnsure                          // Op has ended although the server may have it: Entity is unsure
	EraBegan                             // the server has begun a new history: Err; the journal keeps the era
	EntityNamed                          // the server's name of Entity is known, or never will be: write the *Name in Value to the journal
	NameForgotten                        // the *Name in Value is not needed any more
	EntitiesUnited                       // the *Entity in Value has become part of Entity

	// To tell. A quiet engine keeps these to itself.
	OpAccepted     // Op is in the view
	OpRetrying     // Op will be tried again at Due
	OpDeferred     // Op's attempt found nobody, or nobody who knew us; it costs nothing
	OpConflicted   // Op met other truth; Resolution says how it ended
	OpsRolledBack  // Victims left the view because of Op, Entity or Err
	TruthStale     // truth older than the truth held was ignored
	TruthTaken     // truth of Entity was taken, whether or not it looks different
	Changed        // the view of Entity has changed
	TruthSure      // truth newer than the doubt about Entity is held
	SendingPaused  // sending has stopped: Err says why
	SendingResumed // sending goes on
	Misused        // Op leaves, and nobody has said anything of Entity: no view shows it

	LastEffect = Misused
)

// Effect is one thing to do or to tell. Which fields are set depends on Kind.
type Effect struct {
	Kind       EffectKind
	Outcome    Outcome
	Resolution Resolution
	Rewrite    bool // Persist: the journal was told of Op before
	Calls      int
	Op         *Op
	Successor  *Op
	Entity     *Entity
	Value      any // OpSettled: the truth held of Op's entity, if the server told it in this Step
	Err        error
	Due        Time
	Victims    []Victim
}

// About calls tell for the entities that the effect is about, for one of them perhaps twice.
func (f *Effect) About(tell func(*Entity)) {
	if f.Entity != nil {
		tell(f.Entity)
	}
	if f.Op != nil {
		f.Op.parts(func(p *part) { tell(p.entity) })
	}
}

// Victim is an operation that left the view with another one, and why.
type Victim struct {
	Op    *Op
	Cause *Op // the operation it went with; nil for the first
	Err   error
}
