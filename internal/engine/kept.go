package engine

// Kept is the record that the journal keeps of an operation's attempts and state, beside
// its content: enough that a crash changes nothing but time.
type Kept struct {
	Calls        int        // attempts that left, the one under way included
	Attempts     int        // charged to the retry policy
	Unanswered   int        // charged attempts that nobody answered
	Conflicts    int        // that were kept
	Conflict     Resolution // of the last one
	NotBefore    Time       // the server asked for no attempt until then; 0: it did not
	Used         Time       // a duration: how much of the deadline has gone by
	Version      uint64     // Acked: of the truth that is awaited
	InFlight     bool       // an attempt is under way
	Unknown      bool       // nobody knows how an earlier one ended
	Unclassified bool       // nobody classified how one ended
	Since        Timestamp  // when the first attempt left of which nobody knows how it ended; 0: none
	Acked        bool       // the server has it
	Silent       bool       // Acked: the server told no version of its own
	Guess        bool       // Acked: by an answer that seemed to be a lagging replica's
	Parked       bool       // it waits for a person
	Stands       bool       // it stands on a creation
}

// Kept is the record that the journal has to keep of the operation now.
func (o *Op) Kept(now Time) Kept {
	k := Kept{
		Calls: int(o.calls), Attempts: int(o.attempts), Conflict: o.Conflict(),
		InFlight: o.state == InFlight, Unknown: o.unknown, Acked: o.state == Acked, Parked: o.state == Parked, Stands: o.Stands(),
	}
	if o.Type.Deadline > 0 {
		k.Used = max(now-o.burst, 0)
	}
	if x := o.ext; x != nil {
		k.Unanswered, k.Unclassified, k.Conflicts, k.Since = int(x.unanswered), x.unclassified, int(x.conflicts), x.since
		if x.notBefore > now {
			k.NotBefore = x.notBefore
		}
		if k.Acked {
			k.Version, k.Silent, k.Guess = x.version, x.silent, x.guess
		}
	}
	return k
}

// keep has the journal told how far the operation has come.
func (e *Engine) keep(o *Op) {
	if o.journal != unwritten && o.state != Ended {
		e.emit(Effect{Kind: Persist, Op: o, Rewrite: true})
	}
}

// takeUp gives a restored operation the state that the journal kept. An attempt that was
// under way has an unknown outcome.
func (o *Op) takeUp(k Kept, now Time) {
	o.calls, o.attempts = uint16(k.Calls), uint16(k.Attempts)
	o.left, o.unknown = k.Calls > 0, k.Unknown || k.InFlight
	x := o.more()
	x.conflicts, x.conflict = uint8(k.Conflicts), k.Conflict
	x.unanswered, x.unclassified, x.since, x.notBefore = uint16(k.Unanswered), k.Unclassified, k.Since, k.NotBefore
	o.burst, o.due = now-k.Used, max(now, k.NotBefore)
}
