package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/server"
)

// Statements of a claim. A lock is a number; nothing is written for it, so a refused
// operation leaves no trace, and the lock ends with the transaction. The rows are read
// after all locks are taken, and so in the state in which the previous holders of the
// locks have left them.
//
// The plans of these statements stay in use when a small table has grown. So until the
// clock is read, the planner must take an index even where reading the whole table would
// cost less.
const (
	lockKeys = limits + `, set_config('enable_seqscan', 'off', true),
	CASE WHEN set_config('lock_timeout', '1000', true) IS NOT NULL THEN (
		SELECT count(pg_advisory_xact_lock(number)) FROM unnest($1::bigint[]) AS number
	) END`
	clock = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, set_config('enable_seqscan', NULL, true)`
)

var (
	lockEntities = statement{
		one:  `SELECT pg_advisory_xact_lock($1)`,
		many: `SELECT FROM unnest($1::bigint[]) AS number WHERE pg_advisory_xact_lock(number) IS NULL`,
	}
	knownKeys = statement{
		one: `SELECT $1::bigint, fingerprint, already, version FROM optimist_keys WHERE user_id = $2 AND key = $3`,
		many: `SELECT n, k.fingerprint, k.already, k.version
FROM unnest((SELECT $1::bigint[]), (SELECT $2::text[]), (SELECT $3::text[])) AS claimed (n, user_id, key),
	LATERAL (SELECT * FROM optimist_keys k WHERE k.user_id = claimed.user_id AND k.key = claimed.key LIMIT 1) k`,
	}
	heldEntities = statement{
		one: `SELECT $1::bigint, version, changed_at FROM optimist_entities WHERE id = $2`,
		many: `SELECT n, e.version, e.changed_at
FROM unnest((SELECT $1::bigint[]), (SELECT $2::text[])) AS claimed (n, id),
	LATERAL (SELECT * FROM optimist_entities e WHERE e.id = claimed.id LIMIT 1) e`,
	}
)

// Begin implements [server.Database]. It takes one round trip.
func (db *Database) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	conn, err := db.acquire(ctx)
	if err != nil {
		return nil, err
	}
	w := &work{db: db, conn: conn, claim: claim, caller: ctx.Done()}
	w.scoped, w.done = db.scope(ctx)
	if err := w.begin(w.scoped); err != nil {
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
	keys, ids := w.claim.Keys, w.claim.Entities
	w.known = make([]*server.Record, len(keys))
	w.held = make([]server.Entity, len(ids))
	users, names, keyLocks := make(values[string], len(keys)), make(values[string], len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		users[i], names[i], keyLocks[i] = k.User, k.Key, lockNumber("key", k.User, k.Key)
	}
	entityLocks := make(values[int64], len(ids))
	for i, id := range ids {
		w.held[i].ID, entityLocks[i] = id, lockNumber("entity", id)
	}
	// All transactions take keys before entities, and both in ascending order.
	slices.Sort(keyLocks)
	slices.Sort(entityLocks)

	var p pipeline
	p.exec(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	p.add(step{fail: busy}, lockKeys, keyLocks)
	p.rows(step{}, lockEntities, len(ids), entityLocks)
	p.rows(step{row: w.lookAtKey}, knownKeys, len(keys), count(len(keys)), users, names)
	p.rows(step{row: w.lookAtEntity}, heldEntities, len(ids), count(len(ids)), values[string](ids))
	p.query(w.lookAtClock, clock)
	for _, r := range w.claim.Reads {
		p.query(r.Row, r.SQL, r.Args...)
	}
	return p.run(ctx, w.conn)
}

func (w *work) lookAtKey(scan server.Scan) error {
	var n int64
	var r server.Record
	var version int64
	if err := scan(&n, &r.Fingerprint, &r.Already, &version); err != nil {
		return err
	}
	r.Version = uint64(version)
	w.known[n] = &r
	return nil
}

func (w *work) lookAtEntity(scan server.Scan) error {
	var n int64
	var version, changedAt int64
	if err := scan(&n, &version, &changedAt); err != nil {
		return err
	}
	w.held[n].Version, w.held[n].ChangedAt = uint64(version), changedAt
	return nil
}

func (w *work) lookAtClock(scan server.Scan) error {
	if err := scan(&w.now, nil); err != nil {
		return err
	}
	if set := w.db.set(); !set.IsZero() {
		w.now = set.UnixMilli()
	}
	return nil
}

// busy turns a lock timeout at the keys into ErrBusy.
func busy(err error) error {
	if isLockTimeout(err) {
		return fmt.Errorf("postgres: %w: %w", server.ErrBusy, err)
	}
	return err
}

// lockNumber returns the number of the lock for a name. Two names with the same number
// would only wait for each other.
func lockNumber(kind string, names ...string) int64 {
	h := sha256.New()
	for _, name := range append(names, kind) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(name)))
		h.Write(size[:])
		h.Write([]byte(name))
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}
