package server

import (
	"context"
	"errors"
)

// Decision carries out groups of operations in one transaction and few round trips.
// Decisions are faster than functions registered with [Run]: their rate hardly depends on
// the time of a round trip.
//
// For each group Read is called once, then Decide for each operation, in order, then Write.
// S holds the program's rows that the group needs: each Decide sees the changes that
// earlier operations of the group made in S.
type Decision[S any] struct {
	// Read queues the reading of all rows that the operations may need, and returns the S that
	// the queries fill. At this time Op.Entities has no versions and times yet, and Op.Now is
	// 0.
	Read func(r *Reads, ops []Op) S
	// Decide changes s as the operation wants, or refuses it (see [Refusal], [Already])
	// and leaves s as it is. It is pure: the same s and op give the same result.
	Decide func(s S, op Op) error
	// Write queues the writing of all that has changed in s.
	Write func(w *Writes, s S)
}

// Decide registers operations that the decision carries out. Register all names before the
// first operation is applied. Decide panics when a name is taken.
func Decide[S any](k *Kit, d Decision[S], named ...Named) {
	if d.Read == nil || d.Decide == nil || d.Write == nil {
		panic("server: a Decision needs Read, Decide and Write")
	}
	q := newQueue(k, func(ctx context.Context, flights []*flight) error { return decide(ctx, k, d, flights) })
	for _, n := range named {
		k.register(n, q.add)
	}
	for range mostGroups {
		k.work.do(q.run)
	}
}

// result is the end of a flight: an outcome or an error.
type result struct {
	outcome Outcome
	err     error
}

// decide carries out the flights in one transaction. It lands all of them and returns nil,
// or lands none and returns the error.
func decide[S any](ctx context.Context, k *Kit, d Decision[S], flights []*flight) error {
	var claim Claim
	ops := make([]Op, len(flights))
	for i, f := range flights {
		ops[i] = f.op()
		claim.Keys = append(claim.Keys, f.key)
		claim.Entities = append(claim.Entities, f.entities...)
	}
	claim.Entities = distinct(claim.Entities)
	var s S
	var reads Reads
	if err := guard(func() error { s = d.Read(&reads, ops); return nil }); err != nil {
		return notBegun{err}
	}
	claim.Reads = reads.reads
	work, err := k.db.Begin(ctx, claim)
	if err != nil {
		return notBegun{err}
	}
	defer work.Rollback()

	l := newLedger(work.Now(), k.options.Keep, work.Held())
	results := make([]result, len(flights))
	for i, f := range flights {
		r := &results[i]
		var settled bool
		if r.outcome, r.err, settled = l.check(f.key, f.age, work.Known()[i]); settled {
			continue
		}
		op := l.complete(ops[i])
		var verdict error
		if err := guard(func() error { verdict = d.Decide(s, op); return nil }); err != nil {
			return err // the panic may have left s half changed
		}
		r.outcome, r.err = l.settle(op, f.key, verdict)
	}
	var writes Writes
	if len(l.done) > 0 {
		if err := guard(func() error { d.Write(&writes, s); return nil }); err != nil {
			return err
		}
	}
	if err := work.Commit(ctx, Commit{Writes: writes.writes, Done: l.done, Changed: l.changed}); err != nil {
		return err
	}
	if len(l.changed) > 0 {
		k.db.Tell()
	}
	for i, f := range flights {
		k.flights.land(f, results[i].outcome, results[i].err)
	}
	return nil
}

// notBegun is an error that came before anything can have been written.
type notBegun struct{ error }

func (e notBegun) Unwrap() error { return e.error }

// isNotBegun reports whether the error came before anything can have been written.
func isNotBegun(err error) bool {
	_, ok := errors.AsType[notBegun](err)
	return ok
}
