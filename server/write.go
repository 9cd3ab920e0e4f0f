package server

import (
	"context"
	"errors"
	"math/rand/v2"
)

// Write calls do with a transaction about rows of the program that belong to no entity,
// and at the time now on the database's clock, in milliseconds since the Unix epoch.
// Clients are not told of it. What do returns as an error undoes all and is returned. do
// may be called several times; only what the last call did stays. An error that wraps
// [ErrUnavailable] leaves open whether it stays.
func (k *Kit) Write(ctx context.Context, do func(ctx context.Context, tx Tx, now int64) error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := limited(ctx, func(ctx context.Context) error { return k.write(ctx, do) })
		if !errors.Is(err, ErrAgain) || n == mostAttempts || wait(ctx, pause/2+rand.N(pause)) != nil {
			return final(err)
		}
		pause *= 2
	}
}

func (k *Kit) write(ctx context.Context, do func(ctx context.Context, tx Tx, now int64) error) error {
	work, err := k.db.Begin(ctx, Claim{})
	if err != nil {
		return err
	}
	defer work.Rollback()
	if err := guard(func() error { return do(ctx, onlyTx{work}, work.Now()) }); err != nil {
		return err
	}
	return work.Commit(ctx, Commit{})
}
