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
	fresh []bool
	held  []server.Entity
	now   int64

	mu     sync.Mutex    // Close of the database ends works that others use
	conn   *pgxpool.Conn // nil after the end
	failed error         // the first error of a statement: the transaction can only be undone
}

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
	w.mu.Lock()
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
		w.settleKeys(&p, c.Done)
		w.settleEntities(&p, c.Changed)
		if c.Later {
			w.leave(&p, c.Changed)
		} else {
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

const (
	// An upsert looks rows up in the index, however small the planner believes the
	// table to be.
	keepKeys = `INSERT INTO optimist_keys AS k (user_id, key, fingerprint, already, version, made_at)
SELECT user_id, key, '', already, version, 0
FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[]) AS done (user_id, key, already, version)
ON CONFLICT (user_id, key) DO UPDATE SET already = excluded.already, version = excluded.version`

	keepContains = `INSERT INTO optimist_contains (user_id, entity, key, made_at)
SELECT user_id, entity, key, $4 FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS done (user_id, entity, key, n)
ORDER BY n`

	freeKeys = `DELETE FROM optimist_keys WHERE ctid = ANY(ARRAY(
	SELECT found.ctid FROM unnest($1::text[], $2::text[]) AS free (user_id, key),
		LATERAL (SELECT k.ctid FROM optimist_keys k WHERE k.user_id = free.user_id AND k.key = free.key LIMIT 1) found))`

	keepEntities = `INSERT INTO optimist_entities AS e (id, version, changed_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at`

	dropEntities = `DELETE FROM optimist_entities WHERE ctid = ANY(ARRAY(
	SELECT found.ctid FROM unnest($1::text[]) AS never (id),
		LATERAL (SELECT e.ctid FROM optimist_entities e WHERE e.id = never.id AND e.version = 0 LIMIT 1) found))`
)

// settleKeys keeps the keys of what was done and frees the others that were fresh.
func (w *work) settleKeys(p *pipeline, done []server.Done) {
	type name struct{ user, key string }
	kept := make(map[name]bool, len(done))
	var users, keys, containUsers, containEntities, containKeys []string
	var already []bool
	var versions []int64
	for _, d := range done {
		kept[name{d.User, d.Key.Key}] = true
		users, keys = append(users, d.User), append(keys, d.Key.Key)
		already, versions = append(already, d.Already), append(versions, int64(d.Version))
		for _, id := range d.Entities {
			containUsers, containEntities = append(containUsers, d.User), append(containEntities, id)
			containKeys = append(containKeys, d.Key.Key)
		}
	}
	if len(users) > 0 {
		p.exec(keepKeys, users, keys, already, versions)
	}
	if len(containUsers) > 0 {
		p.exec(keepContains, containUsers, containEntities, containKeys, w.now)
	}
	users, keys = nil, nil
	for i, k := range w.claim.Keys {
		if w.fresh[i] && !kept[name{k.User, k.Key}] {
			users, keys = append(users, k.User), append(keys, k.Key)
		}
	}
	if len(users) > 0 {
		p.exec(freeKeys, users, keys)
	}
}

// settleEntities writes the rows of entities that changed, and drops those that were made
// to be locked and never came to be.
func (w *work) settleEntities(p *pipeline, changed []server.Entity) {
	last := make(map[string]server.Entity, len(changed))
	for _, e := range changed {
		last[e.ID] = e
	}
	var ids, never []string
	var versions, times []int64
	for id, e := range last {
		ids, versions, times = append(ids, id), append(versions, int64(e.Version)), append(times, e.ChangedAt)
	}
	for _, e := range w.held {
		if _, ok := last[e.ID]; !ok && e.Version == 0 {
			never = append(never, e.ID)
		}
	}
	if len(ids) > 0 {
		p.exec(keepEntities, ids, versions, times)
	}
	if len(never) > 0 {
		p.exec(dropEntities, never)
	}
}
