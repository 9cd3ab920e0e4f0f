package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/optimist-go/optimist/server"
)

// Every transaction that moves pending rows first locks the counters with lockHeads: so
// it sees all earlier commits, and no two transactions move the same rows. Counters are
// locked in ascending order.
var lockHeads = statement{
	one:  `SELECT FROM optimist_heads WHERE part = $1 FOR UPDATE`,
	many: `SELECT FROM optimist_heads WHERE part = ANY($1::integer[]) ORDER BY part FOR UPDATE`,
}

const (
	// number gives positions to rows. The base comes from the UPDATE that counts them;
	// another part of the statement would see the counter from before the statement.
	number = `, counted AS (
	SELECT part, count(*) AS n FROM placed GROUP BY part
), heads AS (
	UPDATE optimist_heads h SET position = h.position + counted.n
	FROM counted WHERE h.part = counted.part
	RETURNING h.part, h.position - counted.n AS base
)
INSERT INTO optimist_feed (part, position, entity, version, made_at)
SELECT part, heads.base + row_number() OVER (PARTITION BY part ORDER BY late, n), entity, version, made_at
FROM placed JOIN heads USING (part)`

	// publish puts the pending changes of the entities before the new ones.
	publish = `WITH moved AS (
	DELETE FROM optimist_pending WHERE entity = ANY($1::text[]) RETURNING part, entity, version, made_at
), placed AS (
	SELECT 0 AS late, version AS n, part, entity, version, made_at FROM moved
	UNION ALL
	SELECT 1, n, part, entity, version, $5::bigint
	FROM unnest($2::integer[], $3::text[], $4::bigint[]) WITH ORDINALITY AS new (part, entity, version, n)
)` + number

	// sequence moves the first rows of an entity before its later ones.
	sequence = `WITH moved AS (
	DELETE FROM optimist_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM optimist_pending ORDER BY entity, version LIMIT $1)) RETURNING part, entity, version, made_at
), placed AS (
	SELECT 0 AS late, version AS n, part, entity, version, made_at FROM moved
)` + number

	entriesAfter = `SELECT h.part, h.era, h.position, h.forgotten, coalesce(f.position, 0), coalesce(f.entity, ''), coalesce(f.version, 0)
FROM optimist_heads h
LEFT JOIN unnest($1::bigint[]) WITH ORDINALITY AS cursor (at, n) ON cursor.n - 1 = h.part
LEFT JOIN LATERAL (
	SELECT position, entity, version FROM optimist_feed
	WHERE part = h.part AND position > cursor.at ORDER BY position LIMIT $2
) f ON true
ORDER BY h.part, f.position`
)

// moveAtOnce is the number of pending rows moved in one transaction.
const moveAtOnce = 1000

// part returns the partition of an entity's entries.
func (db *Database) part(entity string) int32 {
	if db.parts < 2 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(entity)) // never fails
	return int32(h.Sum32() % uint32(db.parts))
}

// columns are changes as parameters of a statement.
type columns struct {
	parts    values[int32]
	ids      values[string]
	versions values[int64]
}

func (w *work) columns(changed []server.Entity) (c columns) {
	for _, e := range changed {
		c.parts, c.ids = append(c.parts, w.db.part(e.ID)), append(c.ids, e.ID)
		c.versions = append(c.versions, int64(e.Version))
	}
	return c
}

// publish puts the changes into the feed, as the last step before the commit.
func (w *work) publish(p *pipeline, changed []server.Entity) {
	if len(changed) == 0 {
		return
	}
	c := w.columns(changed)
	parts := distinct(c.parts)
	p.rows(step{}, lockHeads, len(parts), parts)
	p.exec(publish, distinct(c.ids), c.parts, c.ids, c.versions, w.now)
}

// Sequence implements [server.Database].
func (db *Database) Sequence(ctx context.Context) (int, error) {
	total := 0
	for {
		moved, err := db.sequence(ctx)
		total += moved
		if err != nil || moved < moveAtOnce {
			return total, err
		}
	}
}

// sequence moves some rows. Without any it locks nothing.
func (db *Database) sequence(ctx context.Context) (moved int, err error) {
	err = db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var some bool
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM optimist_pending)`).Scan(&some); err != nil || !some {
			return err
		}
		defer db.undo(conn)
		var p pipeline
		db.move(&p, &moved, false)
		if err := p.run(ctx, conn); err != nil {
			moved = 0
			return err
		}
		return nil
	})
	return moved, err
}

// move adds a transaction to the pipeline that moves pending rows to the feed. With gate
// it closes the gate first, and leaves it closed.
func (db *Database) move(p *pipeline, moved *int, gate bool) {
	p.exec(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	p.exec(limits)
	if gate {
		p.exec(closeGate)
	}
	p.rows(step{}, lockHeads, db.parts, db.allParts())
	p.add(step{tag: func(tag pgconn.CommandTag) error {
		*moved = int(tag.RowsAffected())
		return nil
	}}, sequence, moveAtOnce)
	p.exec(`COMMIT`)
}

func (db *Database) allParts() values[int32] {
	parts := make(values[int32], db.parts)
	for i := range parts {
		parts[i] = int32(i)
	}
	return parts
}

// Entries implements [server.Database].
func (db *Database) Entries(ctx context.Context, after server.Cursor, limit int) ([]server.Entry, server.Cursor, error) {
	if limit < 1 {
		return nil, after, fmt.Errorf("postgres: Entries: the limit is %d: it has to be at least 1", limit)
	}
	if len(after.At) != db.parts {
		return nil, after, fmt.Errorf("postgres: %w: it has %d partitions, and the feed has %d", server.ErrGap, len(after.At), db.parts)
	}
	each := max(1, limit/db.parts)
	var entries []server.Entry
	next := server.Cursor{Era: after.Era, At: slices.Clone(after.At)}
	var gap error
	err := db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, entriesAfter, after.At, each)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e server.Entry
			var era, head, forgotten int64
			if err := rows.Scan(&e.Partition, &era, &head, &forgotten, &e.Position, &e.Entity, &e.Version); err != nil {
				return err
			}
			at := after.At[e.Partition]
			switch {
			case era != after.Era:
				gap = fmt.Errorf("postgres: %w: it is of era %d, and this is era %d", server.ErrGap, after.Era, era)
			case at > head:
				gap = fmt.Errorf("postgres: %w: it is at %d, and the newest entry at %d", server.ErrGap, at, head)
			case at < forgotten:
				gap = fmt.Errorf("postgres: %w: it is at %d, and entries up to %d are forgotten", server.ErrGap, at, forgotten)
			}
			if e.Position == 0 || len(entries) == limit {
				continue
			}
			entries = append(entries, e)
			next.At[e.Partition] = e.Position
		}
		rows.Close()
		return rows.Err()
	})
	if err == nil {
		err = gap
	}
	if err != nil {
		return nil, after, err
	}
	return entries, next, nil
}

// distinct returns the values, each once, ascending.
func distinct[T int32 | string](all values[T]) values[T] {
	all = slices.Clone(all)
	slices.Sort(all)
	return slices.Compact(all)
}
