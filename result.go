package optimist

// Outcome is how an operation ended.
type Outcome uint8

const (
	// Confirmed: the server's state is as the operation wanted.
	Confirmed Outcome = iota + 1
	// RolledBack: the view is as if the operation had never been.
	RolledBack
	// Superseded: a newer operation replaced it before it left.
	Superseded
	// Cancelled: the program took it back.
	Cancelled
)

func (o Outcome) String() string {
	return [...]string{"unsettled", "confirmed", "rolled back", "superseded", "cancelled"}[min(o, Cancelled)]
}

// Resolution says how a conflict was resolved.
type Resolution uint8

const (
	NoConflict Resolution = iota
	AlreadySo             // the server's state is as the operation wanted
	KeptMine              // the operation was sent again on the new version
	TookTheirs            // the operation gave way; the view shows the server's state
	MergedBoth            // an operation with merged arguments took its place
	Refused               // the resolver called it a failure
)

func (r Resolution) String() string {
	return [...]string{"no conflict", "already so", "kept mine", "took theirs", "merged", "refused"}[min(r, Refused)]
}

// Result is how an operation ended.
type Result struct {
	ID      string
	Type    string
	Entity  string // the first of a group
	Outcome Outcome
	// Err says why the outcome is RolledBack, and nothing else has one. It wraps
	// ErrUnknownOutcome when the server may have the operation nevertheless, because
	// an attempt ended with class Unknown; the entity is unsure then (View.Unsure), as it
	// is after an attempt whose error nobody classified, of which Err says nothing.
	Err error
	// Differs: the server accepted the operation, and the value that it held when the operation
	// ended is not the operation's. The server may have normalised it, or another write
	// followed. It is said only where Apply is idempotent.
	Differs  bool
	Conflict Resolution
	Attempts int // charged to the retry policy
	Calls    int // that left; 0 when nothing needed to be sent
	// Successor replaced the operation when the outcome is Superseded. Handle.Final
	// follows it.
	Successor *Handle

	server any // see Told
}

// Told is the value that the server told when the operation ended, in its answer or by a push
// that shows the operation: of the store's type, the first entity's for a group, and the bool
// that Send returned for a [ToggleUpdate]. It is false when the server told no value then, as
// when it accepted without one, removed the entity, or had not been asked; and when T is
// another type.
func Told[T any](r Result) (value T, ok bool) {
	value, ok = r.server.(T)
	return value, ok
}

// Success reports whether the operation was confirmed and, as far as its type says when
// its wish is fulfilled (toggles do), the server's state fulfils it.
func (r Result) Success() bool { return r.Outcome == Confirmed && r.Conflict != TookTheirs }

func (h *Handle) resultLocked() Result {
	r := Result{
		ID:       h.op.ID(h.m.engine),
		Type:     h.op.Type.Name,
		Entity:   h.op.Entity().FullName(),
		Outcome:  Outcome(h.op.Outcome()),
		Differs:  h.op.Differs(),
		Conflict: Resolution(h.op.Conflict()),
		Attempts: h.op.Attempts(),
		Calls:    h.op.Calls(),
		server:   h.server,
	}
	if h.more != nil {
		r.Err = h.more.err
	}
	if s := h.op.Successor(); s != nil {
		r.Successor = handleOf(s)
	}
	return r
}
