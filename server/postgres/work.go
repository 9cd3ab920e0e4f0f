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

	// scoped is the context of Begin with a bound in time; caller is the Done channel of
	// the caller's context of Begin. done ends scoped.
	scoped context.Context
	caller <-chan struct{}
	done   func()

	// These are set by Begin.
	known []*server.Record
	held  []server.Entity
	now   int64

	mu     sync.Mutex    // Close of the database ends works in use by other goroutines
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
	w.db.release(context.Background(), w.conn)
	w.conn = nil
	w.done()
	w.db.mu.Lock()
	delete(w.db.works, w)
	w.db.mu.Unlock()
}

// Rollback implements [server.Work].
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
	scoped := w.scoped
	if ctx.Done() != w.caller {
		var done func()
		scoped, done = w.db.scope(ctx)
		defer done()
	}
	err := f(scoped)
	var program programError
	ofProgram := errors.As(err, &program)
	err = w.db.fault(ctx, err, w.conn.Conn())
	if err != nil && !ofProgram {
		w.failed = err
	}
	return err
}

// Query implements [server.Query].
func (w *work) Query(ctx context.Context, row func(scan server.Scan) error, sql string, args ...any) error {
	return w.do(ctx, func(ctx context.Context) error {
		rows, err := w.conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		return each(rows, row)
	})
}

// Exec implements [server.Tx].
func (w *work) Exec(ctx context.Context, sql string, args ...any) (changed int64, err error) {
	err = w.do(ctx, func(ctx context.Context) error {
		tag, err := w.conn.Exec(ctx, sql, args...)
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

// Commit implements [server.Work]. It takes one round trip. It goes on when ctx ends,
// because otherwise the caller could not know whether it was committed.
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

// The statements that write the kit's rows except the feed. Commits that leave changes
// to Sequence pass the gate; see Read.
var (
	keepKeys = statement{
		one: `INSERT INTO optimist_keys (made_at, user_id, key, fingerprint, already, version) VALUES ($1, $2, $3, $4, $5, $6)`,
		many: `INSERT INTO optimist_keys (made_at, user_id, key, fingerprint, already, version)
SELECT $1::bigint, * FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[])`,
	}
	keepContained = statement{
		one: `INSERT INTO optimist_contains (made_at, user_id, entity, key) VALUES ($1, $2, $3, $4)`,
		many: `INSERT INTO optimist_contains (made_at, user_id, entity, key)
SELECT $1::bigint, user_id, entity, key FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS done (user_id, entity, key, n) ORDER BY n`,
	}
	keepVersions = statement{
		one: `INSERT INTO optimist_entities (id, version, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at`,
		many: `INSERT INTO optimist_entities (id, version, changed_at) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at`,
	}
	leavePending = statement{
		one: `INSERT INTO optimist_pending (made_at, part, entity, version)
SELECT $1, $2, $3, $4 WHERE ` + passGate + ` IS NOT NULL`,
		many: `INSERT INTO optimist_pending (made_at, part, entity, version)
SELECT $1::bigint, * FROM unnest($2::integer[], $3::text[], $4::bigint[]) WHERE ` + passGate + ` IS NOT NULL`,
	}
)

func (w *work) settle(p *pipeline, c server.Commit) {
	now := same[int64]{w.now}
	var kept struct {
		users, keys, fingerprints values[string]
		already                   values[bool]
		versions                  values[int64]
	}
	var contained struct{ users, entities, keys values[string] }
	for _, d := range c.Done {
		kept.users, kept.keys = append(kept.users, d.User), append(kept.keys, d.Key.Key)
		kept.fingerprints, kept.already = append(kept.fingerprints, d.Record.Fingerprint), append(kept.already, d.Already)
		kept.versions = append(kept.versions, int64(d.Version))
		for _, id := range d.Entities {
			contained.users, contained.entities = append(contained.users, d.User), append(contained.entities, id)
			contained.keys = append(contained.keys, d.Key.Key)
		}
	}
	p.rows(step{}, keepKeys, len(kept.keys), now, kept.users, kept.keys, kept.fingerprints, kept.already, kept.versions)
	p.rows(step{}, keepContained, len(contained.keys), now, contained.users, contained.entities, contained.keys)

	last := make(map[string]server.Entity, len(c.Changed))
	for _, e := range c.Changed {
		last[e.ID] = e
	}
	var ids values[string]
	var versions, times values[int64]
	for id, e := range last {
		ids, versions, times = append(ids, id), append(versions, int64(e.Version)), append(times, e.ChangedAt)
	}
	p.rows(step{}, keepVersions, len(ids), ids, versions, times)
	if c.Later {
		new := w.columns(c.Changed)
		p.rows(step{}, leavePending, len(new.ids), now, new.parts, new.ids, new.versions)
	}
}
