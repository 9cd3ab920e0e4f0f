package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/optimist-go/optimist/server"
)

// pool holds the connections that read.
type pool struct {
	// db has two connections for each moment that may be open: one for the moment, and one
	// for preparing its statements. With fewer connections, moments that hold all of them
	// would wait for each other.
	db         *sql.DB
	moments    chan struct{} // has one value for each moment
	statements *statements

	// mu guards the field below it.
	mu     sync.Mutex
	closed bool
}

func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	return errors.Join(p.statements.close(), p.db.Close())
}

func (p *pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// moment is one read transaction.
type moment struct {
	run func(ctx context.Context, row func(server.Scan) error, query string, args []any) error
	at  server.Cursor
}

// Read implements [server.Database].
func (d *Database) Read(ctx context.Context, look func(ctx context.Context, m server.Moment) error) error {
	return d.atMoment(ctx, func(m *moment) error { return look(ctx, m) })
}

func (d *Database) atMoment(ctx context.Context, look func(m *moment) error) error {
	if d.reads == nil {
		return d.inMemory(ctx, look)
	}
	p := d.reads
	if p.isClosed() {
		return errClosed()
	}
	select {
	case p.moments <- struct{}{}:
		defer func() { <-p.moments }()
	case <-ctx.Done():
		return ctx.Err()
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return d.explainReading(err)
	}
	defer tx.Rollback() // nothing was written
	m := &moment{run: func(ctx context.Context, row func(server.Scan) error, query string, args []any) error {
		stmt, used, err := p.statements.get(ctx, query)
		if err != nil {
			return err
		}
		defer used()
		rows, err := tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		return each(rows, row)
	}}
	if err := m.position(ctx); err != nil { // the first read fixes the moment
		return d.explainReading(err)
	}
	return d.explainReading(look(m))
}

// inMemory reads with the writer's connection.
func (d *Database) inMemory(ctx context.Context, look func(m *moment) error) error {
	w := d.writer
	if err := w.take(ctx, server.Claim{}); err != nil {
		return err
	}
	defer w.give()
	m := &moment{run: func(ctx context.Context, row func(server.Scan) error, query string, args []any) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.use(func() error { return w.query(context.WithoutCancel(ctx), row, query, args) })
	}}
	if err := w.use(func() error { return w.exec("PRAGMA query_only = ON") }); err != nil {
		return d.explain(err)
	}
	defer w.use(func() error { return w.exec("PRAGMA query_only = OFF") })
	if err := m.position(ctx); err != nil {
		return d.explainReading(err)
	}
	return d.explainReading(look(m))
}

func (m *moment) position(ctx context.Context) error {
	m.at.At = make([]int64, 1)
	return m.run(ctx, func(scan server.Scan) error { return scan(&m.at.Era, &m.at.At[0]) },
		`SELECT era, position FROM optimist_heads WHERE part = 0`, nil)
}

// Position implements [server.Moment].
func (m *moment) Position() server.Cursor {
	return server.Cursor{Era: m.at.Era, At: slices.Clone(m.at.At)}
}

// Query implements [server.Query].
func (m *moment) Query(ctx context.Context, row func(server.Scan) error, sql string, args ...any) error {
	args, err := arguments(args)
	if err != nil {
		return err
	}
	err = m.run(ctx, row, sql, args)
	if e, ok := errors.AsType[rowError](err); ok {
		return e.error
	}
	return err
}

// Entities implements [server.Moment].
func (m *moment) Entities(ctx context.Context, ids []string) ([]server.Entity, error) {
	rows := make(map[string]server.Entity, len(ids))
	err := m.run(ctx, func(scan server.Scan) error {
		var e server.Entity
		err := scan(&e.ID, &e.Version, &e.ChangedAt)
		rows[e.ID] = e
		return err
	}, `SELECT e.id, e.version, e.changed_at FROM json_each($1) AS wanted CROSS JOIN optimist_entities AS e ON e.id = wanted.value`,
		[]any{list(ids)})
	if err != nil {
		return nil, err
	}
	entities := make([]server.Entity, len(ids))
	for i, id := range ids {
		entities[i] = rows[id]
		entities[i].ID = id
	}
	return entities, nil
}

// Contains implements [server.Moment].
func (m *moment) Contains(ctx context.Context, ids, users []string, limit int) (map[server.Own][]string, error) {
	contains := make(map[server.Own][]string)
	err := m.run(ctx, func(scan server.Scan) error {
		var own server.Own
		var key string
		err := scan(&own.Entity, &own.Viewer, &key)
		contains[own] = append(contains[own], key)
		return err
	}, `SELECT c.entity, c.user_id, c.key
FROM (SELECT DISTINCT value FROM json_each($1)) AS entity
CROSS JOIN (SELECT DISTINCT value FROM json_each($2)) AS viewer
CROSS JOIN optimist_contains AS c ON c.seq IN (
	SELECT seq FROM optimist_contains WHERE entity = entity.value AND user_id = viewer.value ORDER BY seq DESC LIMIT $3)
ORDER BY c.seq`,
		[]any{list(ids), list(users), limit})
	return contains, err
}
