package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/server"
)

// work is the transaction that is open.
type work struct {
	database *Database
	claim    server.Claim
	now      int64
	known    []*server.Record
	held     []server.Entity

	// failed is the error of the first statement that failed. No statement runs after
	// it, because SQLite may have rolled back the transaction: a later statement would
	// be a transaction of its own.
	failed error
	ended  bool
}

// Begin implements [server.Database].
func (d *Database) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	w := d.writer
	if err := w.take(ctx, claim); err != nil {
		return nil, err
	}
	t := &work{database: d, claim: claim}
	begun := false
	defer func() {
		if !begun {
			t.Rollback()
		}
	}()
	if err := w.use(func() error { return t.begin(ctx) }); err != nil {
		return nil, d.explain(err)
	}
	begun = true
	return t, nil
}

func (t *work) begin(ctx context.Context) error {
	w := t.database.writer
	if err := w.begin(); err != nil {
		return err
	}
	t.known = make([]*server.Record, len(t.claim.Keys))
	for i, key := range t.claim.Keys {
		err := w.query(context.Background(), func(scan server.Scan) error {
			t.known[i] = new(server.Record)
			return scan(&t.known[i].Fingerprint, &t.known[i].Already, &t.known[i].Version)
		}, `SELECT fingerprint, already, version FROM optimist_keys WHERE user_id = $1 AND key = $2`, []any{key.User, key.Key})
		if err != nil {
			return err
		}
	}
	t.held = make([]server.Entity, len(t.claim.Entities))
	for i, id := range t.claim.Entities {
		t.held[i].ID = id
		err := w.query(context.Background(), func(scan server.Scan) error {
			return scan(&t.held[i].Version, &t.held[i].ChangedAt)
		}, `SELECT version, changed_at FROM optimist_entities WHERE id = $1`, []any{id})
		if err != nil {
			return err
		}
	}
	t.now = t.database.options.Now().UnixMilli()
	for _, read := range t.claim.Reads {
		args, err := arguments(read.Args)
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTime)
		err = tooLong(limited, w.query(limited, read.Row, read.SQL, args))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *work) Now() int64              { return t.now }
func (t *work) Known() []*server.Record { return t.known }
func (t *work) Held() []server.Entity   { return t.held }

// Query implements [server.Tx].
func (t *work) Query(ctx context.Context, row func(server.Scan) error, sql string, args ...any) error {
	return t.run(ctx, args, func(ctx context.Context, args []any) error {
		return t.database.writer.query(ctx, row, sql, args)
	})
}

// Exec implements [server.Tx].
func (t *work) Exec(ctx context.Context, sql string, args ...any) (changed int64, err error) {
	err = t.run(ctx, args, func(ctx context.Context, args []any) (err error) {
		changed, err = t.database.writer.execCounting(ctx, sql, args)
		return err
	})
	return changed, err
}

// run runs a statement of the program.
func (t *work) run(ctx context.Context, args []any, statement func(ctx context.Context, args []any) error) error {
	switch {
	case t.ended:
		return errEnded
	case t.failed != nil:
		return fmt.Errorf("sqlite: an earlier statement of the transaction failed: %w", t.failed)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	args, err := arguments(args)
	if err != nil {
		t.failed = err
		return err
	}
	// Interrupting a statement that writes rolls back the whole transaction; so the end
	// of the caller's ctx does not interrupt it.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTime)
	defer cancel()
	err = t.database.writer.use(func() error { return statement(limited, args) })
	if e, ok := errors.AsType[rowError](err); ok {
		return e.error
	}
	t.failed = t.database.explain(tooLong(limited, err))
	return t.failed
}

var errEnded = errors.New("sqlite: the transaction has ended")

// tooLong explains an error that comes from the end of statementTime.
func tooLong(limited context.Context, err error) error {
	if err == nil || limited.Err() == nil {
		return err
	}
	return fmt.Errorf("sqlite: a statement took longer than %v: %w", statementTime, err)
}

// Commit implements [server.Work].
func (t *work) Commit(ctx context.Context, c server.Commit) error {
	if t.ended {
		return errEnded
	}
	defer t.Rollback()
	for _, write := range c.Writes {
		if _, err := t.Exec(ctx, write.SQL, write.Args...); err != nil {
			return err
		}
	}
	switch {
	case t.failed != nil:
		return t.failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	w := t.database.writer
	err := w.use(func() error {
		if err := t.keep(c); err != nil {
			return err
		}
		return w.exec("COMMIT")
	})
	if err != nil {
		return t.database.explain(err)
	}
	t.ended = true
	w.give()
	return nil
}

// keep writes the kit's own part.
func (t *work) keep(c server.Commit) error {
	w := t.database.writer
	for _, d := range c.Done {
		if err := w.exec(`INSERT INTO optimist_keys (user_id, key, fingerprint, already, version, made_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			d.User, d.Key.Key, d.Key.Fingerprint, d.Already, int64(d.Version), t.now); err != nil {
			return err
		}
		for _, id := range d.Entities {
			if err := w.exec(`INSERT INTO optimist_contains (entity, user_id, key, made_at) VALUES ($1, $2, $3, $4)`,
				id, d.User, d.Key.Key, t.now); err != nil {
				return err
			}
		}
	}
	if len(c.Changed) == 0 {
		return nil
	}
	var position int64
	err := w.query(context.Background(), func(scan server.Scan) error { return scan(&position) },
		`UPDATE optimist_heads SET position = position + $1 WHERE part = 0 RETURNING position - $1`, []any{len(c.Changed)})
	if err != nil {
		return err
	}
	for _, e := range c.Changed {
		position++
		if err := w.exec(`INSERT INTO optimist_entities (id, version, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at`,
			e.ID, int64(e.Version), e.ChangedAt); err != nil {
			return err
		}
		if err := w.exec(`INSERT INTO optimist_feed (part, position, entity, version, made_at) VALUES (0, $1, $2, $3, $4)`,
			position, e.ID, int64(e.Version), t.now); err != nil {
			return err
		}
	}
	return nil
}

// Rollback implements [server.Work].
func (t *work) Rollback() {
	if t.ended {
		return
	}
	t.ended = true
	w := t.database.writer
	_ = w.use(w.undo) // if this fails, the next begin rolls back
	w.give()
}

// write calls do with a transaction without operation: no key, no version, no entry
// in the feed. An error of do rolls it back and is returned.
func (d *Database) write(ctx context.Context, do func(ctx context.Context, tx server.Tx) error) error {
	t, err := d.Begin(ctx, server.Claim{})
	if err != nil {
		return err
	}
	defer t.Rollback()
	if err := do(ctx, t); err != nil {
		return err
	}
	return t.Commit(ctx, server.Commit{})
}
