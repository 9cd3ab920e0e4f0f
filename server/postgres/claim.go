package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist/server"
)

const (
	// lock takes locks in the order of the numbers. Nothing is written for it, so that a
	// refused operation leaves nothing, and the locks go with the transaction.
	lock = `SELECT FROM unnest($1::bigint[]) AS number WHERE pg_advisory_xact_lock(number) IS NULL`

	// look comes after all is locked: it sees what those have committed that were waited
	// for. The limits have each row looked up in the index, however small the planner
	// believes the tables to be; and that the arrays are hidden from it has it plan once
	// and not each time.
	look = `SELECT 0, 0, '', false, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0::bigint
UNION ALL
SELECT 1, n - 1, k.fingerprint, k.already, k.version, 0
FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) WITH ORDINALITY AS claimed (user_id, key, n),
	LATERAL (SELECT * FROM optimist_keys k WHERE k.user_id = claimed.user_id AND k.key = claimed.key LIMIT 1) k
UNION ALL
SELECT 2, n - 1, '', false, e.version, e.changed_at
FROM unnest((SELECT $3::text[])) WITH ORDINALITY AS claimed (id, n),
	LATERAL (SELECT * FROM optimist_entities e WHERE e.id = claimed.id LIMIT 1) e`
)

// Kinds of rows that look returns.
const (
	rowClock = iota
	rowKey
	rowEntity
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
	keys, ids := w.claim.Keys, w.claim.Entities
	w.known = make([]*server.Record, len(keys))
	w.held = make([]server.Entity, len(ids))
	users, names := make([]string, len(keys)), make([]string, len(keys))
	keyLocks, entityLocks := make([]int64, len(keys)), make([]int64, len(ids))
	for i, k := range keys {
		users[i], names[i] = k.User, k.Key
		keyLocks[i] = lockNumber("key", k.User, k.Key)
	}
	for i, id := range ids {
		w.held[i].ID = id
		entityLocks[i] = lockNumber("entity", id)
	}

	var p pipeline
	p.exec(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	p.exec(limits)
	// Everybody takes keys before entities, and both in ascending order.
	if len(keys) > 0 {
		slices.Sort(keyLocks)
		p.add(step{fail: busy}, lock, keyLocks)
	}
	if len(ids) > 0 {
		slices.Sort(entityLocks)
		p.exec(lock, entityLocks)
	}
	p.query(w.look, look, users, names, ids)
	for _, r := range w.claim.Reads {
		p.query(r.Row, r.SQL, r.Args...)
	}
	return p.run(ctx, w.conn)
}

// look takes one row of the statement of that name.
func (w *work) look(scan server.Scan) error {
	var kind, n int
	var r server.Record
	var version, time int64
	if err := scan(&kind, &n, &r.Fingerprint, &r.Already, &version, &time); err != nil {
		return err
	}
	switch kind {
	case rowClock:
		if w.now = version; !w.db.set().IsZero() {
			w.now = w.db.set().UnixMilli()
		}
	case rowKey:
		r.Version = uint64(version)
		w.known[n] = &r
	case rowEntity:
		w.held[n].Version, w.held[n].ChangedAt = uint64(version), time
	}
	return nil
}

// busy says of an error at the keys that another transaction has one of them.
func busy(err error) error {
	if isLockTimeout(err) {
		return fmt.Errorf("postgres: %w", errors.Join(server.ErrBusy, err))
	}
	return err
}

// lockNumber is what is locked for a name. Two names with one number would only wait for
// each other.
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
