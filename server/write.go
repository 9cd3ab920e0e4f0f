package server

import (
	"context"
	"errors"
	"math/rand/v2"
)

// Write runs do in a transaction, for rows of the program that belong to no entity. now
// is the time on the database's clock, in milliseconds since the Unix epoch. Clients are
// not told of these changes. An error of do rolls the transaction back and is returned.
// Write may call do several times; only the effects of the last call stay. After an
// error that wraps [ErrUnavailable] the effects may or may not have stayed.
func (k *Kit) Write(ctx context.Context, do func(ctx context.Context, tx Tx, now int64) error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := limited(ctx, func(ctx context.Context) error { return k.write(ctx, do) })
		if !errors.Is(err, ErrAgain) || n == mostAttempts || wait(ctx, pause/2+rand.N(pause)) != nil {
			return final(err, false)
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
