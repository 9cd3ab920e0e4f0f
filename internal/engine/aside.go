package engine

// An operation that was set aside is in the journal alone: this program cannot restore it. It
// has the state of a parked operation, and entities that have only names. No engine knows it, and
// no lane or view has it. Its type is one of its own, with Aside.

// SetAside gives in.Op, which is new, the state of an operation that was set aside: as the journal
// kept it, and parked for in.Err.
func SetAside(in *Restore) {
	o, x := in.Op, in.Op.more()
	o.Type.Aside = true
	o.seq, o.state = in.Seq, Parked
	o.calls, o.attempts, o.unknown = uint16(in.Calls), uint16(in.Attempts), in.Unknown || in.InFlight
	x.id, x.err = in.ID, in.Err
	parts := in.Parts()
	o.part = part{op: o, entity: &Entity{space: parts[0].Space, id: parts[0].Entity}}
	if len(in.Group) > 0 {
		x.first = parts[0]
	}
	for i, p := range parts[1:] {
		x.group = append(x.group, groupPart{part: part{op: o, entity: &Entity{space: p.Space, id: p.Entity}, index: uint8(i + 1)}})
	}
}

// EndAside ends an operation that was set aside. The effect says so.
func (o *Op) EndAside(outcome Outcome, err error) *Effect {
	o.state, o.outcome = Ended, outcome
	return &Effect{Kind: OpSettled, Op: o, Outcome: outcome, Err: err}
}
