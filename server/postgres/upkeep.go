package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// forgetAtOnce is the number of rows deleted in one transaction, so that no operation
// waits for long.
const forgetAtOnce = 5000

const (
	forgetKeys     = `DELETE FROM optimist_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM optimist_keys WHERE made_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 LIMIT $2))`
	forgetContains = `DELETE FROM optimist_contains WHERE ctid = ANY(ARRAY(SELECT ctid FROM optimist_contains WHERE made_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 LIMIT $2))`

	// The oldest entries before the first one that is young enough, but never the newest
	// entry.
	forgetEntries = `WITH old AS (
	SELECT max(position) AS upto FROM (
		SELECT position, bool_and(made_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $2) OVER (ORDER BY position) AS past FROM (
			SELECT position, made_at FROM optimist_feed WHERE part = $1 ORDER BY position LIMIT $3
		) oldest
		WHERE position < (SELECT max(position) FROM optimist_feed WHERE part = $1)
	) o WHERE past
), gone AS (
	DELETE FROM optimist_feed f USING old WHERE f.part = $1 AND f.position <= old.upto
)
UPDATE optimist_heads h SET forgotten = old.upto FROM old
WHERE h.part = $1 AND old.upto > h.forgotten`
)

// Forget implements [server.Database].
func (db *Database) Forget(ctx context.Context, age time.Duration) error {
	if set := db.set(); !set.IsZero() {
		age += time.Since(set)
	}
	long := age.Milliseconds()
	for _, sql := range []string{forgetKeys, forgetContains} {
		if err := db.repeat(ctx, forgetAtOnce, sql, long, forgetAtOnce); err != nil {
			return err
		}
	}
	for _, part := range db.allParts() {
		if err := db.repeat(ctx, 1, forgetEntries, part, long, forgetAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs a statement until it has changed fewer rows than full.
func (db *Database) repeat(ctx context.Context, full int64, sql string, args ...any) error {
	for {
		var changed int64
		err := db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
			tag, err := conn.Exec(ctx, sql, args...)
			changed = tag.RowsAffected()
			return err
		})
		if err != nil || changed < full {
			return err
		}
	}
}

// newEra is greater than all earlier eras, even after the restore of an older copy that
// does not know the latest ones: an era is at least the time of its beginning.
const newEra = `WITH held AS (
	SELECT part, era FROM optimist_heads ORDER BY part FOR UPDATE
), next AS (
	SELECT greatest(max(era) + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS era FROM held
)
UPDATE optimist_heads h SET era = next.era FROM next, held WHERE h.part = held.part RETURNING h.era`

// NewEra implements [server.Database].
func (db *Database) NewEra(ctx context.Context) (era int64, err error) {
	err = db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, newEra).Scan(&era)
	})
	return era, err
}
