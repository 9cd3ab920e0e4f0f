package sqlite

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/server"
)

// Entries implements [server.Database]. Because there is one writer, positions are
// assigned in the order of commits, and every position up to the newest is visible. With
// overlapping writers this would not hold.
func (d *Database) Entries(ctx context.Context, after server.Cursor, limit int) (entries []server.Entry, next server.Cursor, err error) {
	err = d.atMoment(ctx, func(m *moment) error {
		if after.Era != m.at.Era || len(after.At) != 1 || after.At[0] > m.at.At[0] {
			return server.ErrGap
		}
		position := after.At[0]
		oldest := m.at.At[0] + 1
		err := m.run(ctx, func(scan server.Scan) error { return scan(&oldest) },
			`SELECT position FROM optimist_feed WHERE part = 0 ORDER BY position LIMIT 1`, nil)
		if err != nil {
			return err
		}
		if position < oldest-1 {
			return server.ErrGap
		}
		next = server.Cursor{Era: m.at.Era, At: []int64{position}}
		return m.run(ctx, func(scan server.Scan) error {
			var e server.Entry
			err := scan(&e.Position, &e.Entity, &e.Version)
			entries = append(entries, e)
			next.At[0] = e.Position
			return err
		}, `SELECT position, entity, version FROM optimist_feed WHERE part = 0 AND position > $1 ORDER BY position LIMIT $2`,
			[]any{position, limit})
	})
	if err != nil {
		return nil, server.Cursor{}, err
	}
	return entries, next, nil
}

// Sequence implements [server.Database]. Entries are in the feed with their commit.
func (d *Database) Sequence(ctx context.Context) (int, error) {
	if d.writer.isClosed() {
		return 0, errClosed()
	}
	return 0, ctx.Err()
}

// forgetAtOnce is the number of rows of a table deleted in one transaction, so that
// operations need not wait long.
const forgetAtOnce = 1000

// forgetting has a statement for each table. The deleted entries of the feed are all
// entries before one that stays, so that positions stay consecutive even if the clock
// was set back.
var forgetting = []string{
	`DELETE FROM optimist_keys WHERE (user_id, key) IN (SELECT user_id, key FROM optimist_keys WHERE made_at < $1 LIMIT $2)`,
	`DELETE FROM optimist_contains WHERE seq IN (SELECT seq FROM optimist_contains WHERE made_at < $1 LIMIT $2)`,
	`DELETE FROM optimist_feed WHERE part = 0 AND position IN (
	SELECT position FROM optimist_feed WHERE part = 0 AND position < COALESCE(
		(SELECT position FROM optimist_feed WHERE part = 0 AND made_at >= $1 ORDER BY position LIMIT 1),
		(SELECT position FROM optimist_heads WHERE part = 0))
	ORDER BY position LIMIT $2)`,
}

// Forget implements [server.Database].
func (d *Database) Forget(ctx context.Context, age time.Duration) error {
	before := d.options.Now().Add(-age).UnixMilli()
	for _, statement := range forgetting {
		for {
			var gone int64
			err := d.write(ctx, func(ctx context.Context, tx server.Tx) (err error) {
				gone, err = tx.Exec(ctx, statement, before, forgetAtOnce)
				return err
			})
			if err != nil {
				return err
			}
			if gone < forgetAtOnce {
				break
			}
		}
	}
	return nil
}

// NewEra implements [server.Database]. An era is at least the time of its beginning, so
// it is also greater than the eras that a restored copy does not know.
func (d *Database) NewEra(ctx context.Context) (era int64, err error) {
	err = d.write(ctx, func(ctx context.Context, tx server.Tx) error {
		return tx.Query(ctx, func(scan server.Scan) error { return scan(&era) },
			`UPDATE optimist_heads SET era = MAX(era + 1, $1) WHERE part = 0 RETURNING era`, d.options.Now().UnixMilli())
	})
	if err != nil {
		return 0, err
	}
	return era, nil
}
