package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/server"
)

const (
	claimKeys = `INSERT INTO optimist_keys (user_id, key, fingerprint, made_at)
SELECT user_id, key, fingerprint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS claimed (user_id, key, fingerprint, n)
ORDER BY n
ON CONFLICT DO NOTHING
RETURNING user_id, key`

	// The limit has each key looked up in the index, however small the planner believes
	// the table to be. So it is below.
	knownKeys = `SELECT claimed.n - 1, found.fingerprint, found.already, found.version
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS claimed (user_id, key, n),
	LATERAL (SELECT * FROM optimist_keys k WHERE k.user_id = claimed.user_id AND k.key = claimed.key LIMIT 1) found`

	// One statement makes the rows that are not there and locks those that are, each as
	// it comes to it, so that two transactions cannot hold what the other one waits for.
	lockEntities = `INSERT INTO optimist_entities AS e (id)
SELECT id FROM unnest($1::text[]) WITH ORDINALITY AS claimed (id, n) ORDER BY n
ON CONFLICT (id) DO UPDATE SET version = e.version WHERE false`

	// The clock is looked at when everything is held.
	heldEntities = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, claimed.n - 1, found.version, found.changed_at
FROM unnest($1::text[]) WITH ORDINALITY AS claimed (id, n),
	LATERAL (SELECT * FROM optimist_entities e WHERE e.id = claimed.id LIMIT 1) found`

	readClock = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`
)

// Begin is that of [server.Database]. It takes one round trip.
func (db *Database) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	conn, err := db.acquire(ctx)
	if err != nil {
		return nil, err
	}
	w := &work{db: db, conn: conn, claim: claim}
	scoped, done := db.scope(ctx)
	defer done()
	if err := w.begin(scoped); err != nil {
		err = db.fault(ctx, err, conn.Conn())
		w.end()
		return nil, err
	}
	db.mu.Lock()
	closed := db.works == nil
	if !closed {
		db.works[w] = struct{}{}
	}
	db.mu.Unlock()
	if closed {
		w.end()
		return nil, errClosed
	}
	return w, nil
}

func (w *work) begin(ctx context.Context) error {
	var p pipeline
	p.exec(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	p.exec(limits)
	w.claimKeys(&p)
	w.lockEntities(&p)
	for _, r := range w.claim.Reads {
		p.query(r.Row, r.SQL, r.Args...)
	}
	if err := p.run(ctx, w.conn); err != nil {
		return err
	}
	for i, known := range w.known {
		if !w.fresh[i] && known == nil {
			return fmt.Errorf("%w: a key was forgotten while it was claimed", server.ErrAgain)
		}
	}
	return nil
}

// claimKeys fills in known and fresh.
func (w *work) claimKeys(p *pipeline) {
	keys := w.claim.Keys
	if len(keys) == 0 {
		return
	}
	w.known = make([]*server.Record, len(keys))
	w.fresh = make([]bool, len(keys))
	order := make([]int, len(keys)) // place in the statement -> place in the claim
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if c := strings.Compare(keys[i].User, keys[j].User); c != 0 {
			return c
		}
		return strings.Compare(keys[i].Key, keys[j].Key)
	})
	type name struct{ user, key string }
	places := make(map[name]int, len(keys))
	users, names, fingerprints := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for n, i := range order {
		users[n], names[n], fingerprints[n] = keys[i].User, keys[i].Key, keys[i].Fingerprint
		places[name{keys[i].User, keys[i].Key}] = i
	}
	p.add(step{
		row: func(scan server.Scan) error {
			var n name
			if err := scan(&n.user, &n.key); err != nil {
				return err
			}
			w.fresh[places[n]] = true
			return nil
		},
		fail: func(err error) error {
			if isLockTimeout(err) {
				return fmt.Errorf("postgres: %w", errors.Join(server.ErrBusy, err))
			}
			return err
		},
	}, claimKeys, users, names, fingerprints)
	p.query(func(scan server.Scan) error {
		var n int
		var r server.Record
		if err := scan(&n, &r.Fingerprint, &r.Already, &r.Version); err != nil {
			return err
		}
		if i := order[n]; !w.fresh[i] {
			w.known[i] = &r
		}
		return nil
	}, knownKeys, users, names)
}

// lockEntities fills in held and now.
func (w *work) lockEntities(p *pipeline) {
	ids := w.claim.Entities
	if len(ids) == 0 {
		p.query(func(scan server.Scan) error { return scan(&w.now) }, readClock)
		return
	}
	w.held = make([]server.Entity, len(ids))
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(ids[i], ids[j]) })
	sorted := make([]string, len(ids))
	for n, i := range order {
		sorted[n] = ids[i]
		w.held[i].ID = ids[i]
	}
	p.exec(lockEntities, sorted)
	p.query(func(scan server.Scan) error {
		var now int64
		var n int
		var e server.Entity
		if err := scan(&now, &n, &e.Version, &e.ChangedAt); err != nil {
			return err
		}
		e.ID = sorted[n]
		w.held[order[n]] = e
		w.now = max(w.now, now)
		return nil
	}, heldEntities, sorted)
}
