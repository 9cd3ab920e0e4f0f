package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/optimist-go/optimist/server"
)

// work is an open transaction.
type work struct {
	db    *Database
	claim server.Claim

	// These are set by Begin.
	known []*server.Record
	held  []server.Entity
	now   int64

	mu     sync.Mutex    // Close of the database ends works that others use
	conn   *pgxpool.Conn // nil after the end
	failed error         // the first error of a statement: the transaction can only be undone
}

var errInUse = errors.New("postgres: another statement of the transaction still runs: its rows are to be read first")

var errEnded = errors.New("postgres: the transaction has ended")

func (w *work) Now() int64              { return w.now }
func (w *work) Known() []*server.Record { return w.known }
func (w *work) Held() []server.Entity   { return w.held }

// end gives the connection back, without an open transaction.
func (w *work) end() {
	if w.conn == nil {
		return
	}
	w.db.undo(w.conn)
	w.db.release(w.conn)
	w.conn = nil
	w.db.mu.Lock()
	delete(w.db.works, w)
	w.db.mu.Unlock()
}

// Rollback is that of [server.Work].
func (w *work) Rollback() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
}

// do runs f in the transaction, and keeps its first error.
func (w *work) do(ctx context.Context, f func(ctx context.Context) error) error {
	if !w.mu.TryLock() { // a function that takes rows runs a statement, or two run at once
		if w.db.ctx.Err() != nil {
			return errClosed
		}
		return errInUse
	}
	defer w.mu.Unlock()
	if w.conn == nil {
		if w.db.ctx.Err() != nil {
			return errClosed
		}
		return errEnded
	}
	if w.failed != nil {
		return w.failed
	}
	scoped, done := w.db.scope(ctx)
	defer done()
	err := f(scoped)
	var program programError
	ofProgram := errors.As(err, &program)
	err = w.db.fault(ctx, err, w.conn.Conn())
	if err != nil && !ofProgram {
		w.failed = err
	}
	return err
}

// Query is that of [server.Query].
func (w *work) Query(ctx context.Context, row func(scan server.Scan) error, sql string, args ...any) error {
	return w.do(ctx, func(ctx context.Context) error {
		rows, err := w.conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		return each(rows, row)
	})
}

// Exec is that of [server.Tx].
func (w *work) Exec(ctx context.Context, sql string, args ...any) (changed int64, err error) {
	err = w.do(ctx, func(ctx context.Context) error {
		tag, err := w.conn.Exec(ctx, sql, args...)
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

// Commit is that of [server.Work]. It takes one round trip. It goes on when ctx ends,
// because then it would not be known whether it was committed.
func (w *work) Commit(ctx context.Context, c server.Commit) error {
	err := w.do(context.WithoutCancel(ctx), func(ctx context.Context) error {
		var p pipeline
		for _, s := range c.Writes {
			p.exec(s.SQL, s.Args...)
		}
		w.settle(&p, c)
		if !c.Later {
			w.publish(&p, c.Changed)
		}
		p.add(step{tag: func(tag pgconn.CommandTag) error {
			if tag.String() != "COMMIT" {
				return fmt.Errorf("the transaction was undone: an error of one of its statements was not passed on (%s)", tag)
			}
			return nil
		}}, `COMMIT`)
		return p.run(ctx, w.conn)
	})
	if !errors.Is(err, errEnded) {
		w.Rollback()
	}
	return err
}

// settle writes all that is the kit's but the feed. Changes that are left to Sequence pass
// the gate; see Read. An upsert looks rows up in the index, however small the planner
// believes the table to be.
const settle = `WITH kept AS (
	INSERT INTO optimist_keys (user_id, key, fingerprint, already, version, made_at)
	SELECT *, $1::bigint FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[])
), contained AS (
	INSERT INTO optimist_contains (user_id, entity, key, made_at)
	SELECT user_id, entity, key, $1 FROM unnest($7::text[], $8::text[], $9::text[]) WITH ORDINALITY AS done (user_id, entity, key, n)
	ORDER BY n
), pending AS (
	INSERT INTO optimist_pending (part, entity, version, made_at)
	SELECT part, entity, version, $1 FROM unnest($10::integer[], $11::text[], $12::bigint[]) WITH ORDINALITY AS new (part, entity, version, n)
	WHERE ` + passGate + ` IS NOT NULL
	ORDER BY n
)
INSERT INTO optimist_entities AS e (id, version, changed_at)
SELECT * FROM unnest($13::text[], $14::bigint[], $15::bigint[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at`

func (w *work) settle(p *pipeline, c server.Commit) {
	if len(c.Done) == 0 && len(c.Changed) == 0 {
		return
	}
	var kept struct {
		users, keys, fingerprints []string
		already                   []bool
		versions                  []int64
	}
	var contained struct{ users, entities, keys []string }
	for _, d := range c.Done {
		kept.users, kept.keys = append(kept.users, d.User), append(kept.keys, d.Key.Key)
		kept.fingerprints, kept.already = append(kept.fingerprints, d.Record.Fingerprint), append(kept.already, d.Already)
		kept.versions = append(kept.versions, int64(d.Version))
		for _, id := range d.Entities {
			contained.users, contained.entities = append(contained.users, d.User), append(contained.entities, id)
			contained.keys = append(contained.keys, d.Key.Key)
		}
	}
	var pending columns
	if c.Later {
		pending = w.columns(c.Changed)
	}
	last := make(map[string]server.Entity, len(c.Changed))
	for _, e := range c.Changed {
		last[e.ID] = e
	}
	var ids []string
	var versions, times []int64
	for id, e := range last {
		ids, versions, times = append(ids, id), append(versions, int64(e.Version)), append(times, e.ChangedAt)
	}
	p.exec(settle, w.now,
		kept.users, kept.keys, kept.fingerprints, kept.already, kept.versions,
		contained.users, contained.entities, contained.keys,
		pending.parts, pending.ids, pending.versions,
		ids, versions, times)
}
