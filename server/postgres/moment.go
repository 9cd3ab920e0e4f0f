package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/optimist-go/optimist/server"
)

const (
	beginMoment = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`

	// The first statement that reads a table fixes the moment.
	lookAround = `SELECT part, era, position, EXISTS (SELECT FROM optimist_pending) FROM optimist_heads ORDER BY part`

	// Commits that leave rows to be sequenced pass a gate, a shared lock. Closing the gate
	// waits for the commits that are inside, and holds up the next ones. A Read that has
	// failed twice closes the gate, and opens it when it has its moment.
	passGate  = `pg_advisory_xact_lock_shared(7236278361437)`
	closeGate = `SELECT pg_advisory_lock(7236278361437)`
	openGate  = `SELECT pg_advisory_unlock(7236278361437)`
)

// Read implements [server.Database]. It takes one round trip besides the queries of look,
// and one or two more when some changes have no position yet.
func (db *Database) Read(ctx context.Context, look func(ctx context.Context, m server.Moment) error) error {
	return db.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		defer db.undo(conn)
		m := &moment{conn: conn}
		for try := 0; ; try++ {
			clear, err := db.moment(ctx, m, try)
			if err != nil {
				return err
			}
			if clear {
				break
			}
			if try == 2+maxMoves {
				return fmt.Errorf("%w: changes came faster than they were given positions", server.ErrAgain)
			}
		}
		defer func() { m.conn = nil }()
		if err := look(ctx, m); err != nil {
			if m.failed {
				return err
			}
			return programError{err}
		}
		return nil
	})
}

// maxMoves bounds the number of moves behind the closed gate; each moves up to moveAtOnce
// rows.
const maxMoves = 20

// moment begins a transaction that sees one moment, and reports whether all changes in it
// have a position. The first try expects that they do, the second gives positions before,
// and the later ones do so behind the closed gate.
func (db *Database) moment(ctx context.Context, m *moment, try int) (clear bool, err error) {
	var p pipeline
	var moved int
	if try > 0 {
		p.exec(`ROLLBACK`)
		db.move(&p, &moved, try > 1)
	}
	p.exec(beginMoment)
	p.exec(limits)
	m.at, clear = server.Cursor{}, true
	p.query(func(scan server.Scan) error {
		var part int
		var position int64
		var some bool
		if err := scan(&part, &m.at.Era, &position, &some); err != nil {
			return err
		}
		m.at.At = append(m.at.At, position)
		clear = clear && !some
		return nil
	}, lookAround)
	if try > 1 {
		p.exec(openGate)
	}
	err = p.run(ctx, m.conn)
	if err != nil && try > 1 {
		_ = m.conn.Conn().Close(ctx) // opens the gate in any case
	}
	return clear, err
}

// moment is a transaction that sees one moment of the database.
type moment struct {
	conn   *pgxpool.Conn // nil after the end
	at     server.Cursor
	failed bool // by an error of the database
}

func (m *moment) Position() server.Cursor { return m.at }

// Query implements [server.Query].
func (m *moment) Query(ctx context.Context, row func(scan server.Scan) error, sql string, args ...any) error {
	if m.conn == nil {
		return errEnded
	}
	rows, err := m.conn.Query(ctx, sql, args...)
	if err == nil {
		err = each(rows, row)
	}
	var program programError
	if errors.As(err, &program) {
		return program.error
	}
	m.failed = m.failed || err != nil
	return fault(ctx, err, m.conn.Conn())
}

const (
	someEntities = `SELECT wanted.n - 1, coalesce(found.version, 0), coalesce(found.changed_at, 0)
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (id, n)
LEFT JOIN LATERAL (SELECT * FROM optimist_entities e WHERE e.id = wanted.id LIMIT 1) found ON true`

	someContains = `SELECT entity, user_id, found.key
FROM unnest($1::text[]) AS wanted (entity), unnest($2::text[]) AS viewers (user_id),
	LATERAL (
		SELECT c.id, c.key FROM optimist_contains c
		WHERE c.user_id = viewers.user_id AND c.entity = wanted.entity ORDER BY c.id DESC LIMIT $3
	) found
ORDER BY found.id`
)

// Entities implements [server.Moment].
func (m *moment) Entities(ctx context.Context, ids []string) ([]server.Entity, error) {
	found := make([]server.Entity, len(ids))
	for i, id := range ids {
		found[i].ID = id
	}
	err := m.Query(ctx, func(scan server.Scan) error {
		var n int
		var e server.Entity
		if err := scan(&n, &e.Version, &e.ChangedAt); err != nil {
			return err
		}
		found[n].Version, found[n].ChangedAt = e.Version, e.ChangedAt
		return nil
	}, someEntities, ids)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Contains implements [server.Moment].
func (m *moment) Contains(ctx context.Context, ids, users []string, limit int) (map[server.Own][]string, error) {
	found := make(map[server.Own][]string)
	err := m.Query(ctx, func(scan server.Scan) error {
		var own server.Own
		var key string
		if err := scan(&own.Entity, &own.Viewer, &key); err != nil {
			return err
		}
		found[own] = append(found[own], key)
		return nil
	}, someContains, ids, users, limit)
	if err != nil {
		return nil, err
	}
	return found, nil
}
