package server

import (
	"context"
	"errors"
)

// Run registers an operation that is carried out by a function in a transaction of its
// own. Use it where the function must read one row to know which to read next; otherwise
// [Decide] is several times as fast. Run panics when the name is taken.
//
// The entities are locked before run is called. When run returns nil the version of each
// of them grows by one; see [Already] and [Refusal] for the other results. run may be
// called several times for one operation; only the effects of the last call stay.
func Run[A any](k *Kit, named Named, run func(ctx context.Context, tx Tx, op Op, args A) error) {
	call := func(ctx context.Context, tx Tx, op Op) error { return run(ctx, tx, op, op.Args.(A)) }
	k.register(named, func(ctx context.Context, f *flight) {
		k.repeat(ctx, f, false, func(ctx context.Context) error { return interact(ctx, k, call, f) })
	})
}

// onlyTx hides the rest of Work.
type onlyTx struct{ Tx }

// interact carries out the flight in one transaction, and lands it if it returns nil.
func interact(ctx context.Context, k *Kit, run func(context.Context, Tx, Op) error, f *flight) error {
	work, err := k.db.Begin(ctx, Claim{Keys: []Key{f.key}, Entities: f.entities})
	if err != nil {
		return notBegun{err}
	}
	defer work.Rollback()
	l := newLedger(work.Now(), k.options.Keep, work.Held())
	if outcome, err, settled := l.check(f.key, f.age, work.Known()[0]); settled {
		work.Rollback()
		k.flights.land(f, outcome, err)
		return nil
	}
	op := l.complete(f.op())
	verdict := guard(func() error { return run(ctx, onlyTx{work}, op) })
	if passes(verdict) || ctx.Err() != nil && errors.Is(verdict, ctx.Err()) {
		return verdict // an error of one of the function's statements
	}
	outcome, err := l.settle(op, f.key, verdict)
	if err != nil {
		work.Rollback()
		k.flights.land(f, Outcome{}, err)
		return nil
	}
	if err := work.Commit(ctx, Commit{Done: l.done, Changed: l.changed, Later: true}); err != nil {
		return err
	}
	if len(l.changed) > 0 {
		k.order.wake()
	}
	k.flights.land(f, outcome, nil)
	return nil
}

// passes reports whether the error is a temporary error of the database.
func passes(err error) bool {
	return errors.Is(err, ErrAgain) || errors.Is(err, ErrBusy) || errors.Is(err, ErrUnavailable)
}
