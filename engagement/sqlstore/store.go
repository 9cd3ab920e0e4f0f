// Package sqlstore implements [engagement.Store] in a SQL database, on the kit of module
// server: a SQLite file for one process, or PostgreSQL for any number of them. Both use
// the same SQL, except for the migrations and the limits that servers share.
//
// The kit keeps the promises about keys, versions and the feed. The tables of this package
// hold posts, marks, comments, and the records by which the server recognises its users.
package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/postgres"
	"github.com/optimist-go/optimist/server/sqlite"
)

//go:embed migrations
var migrations embed.FS

// Options of a Store. The zero value is ready for use.
type Options struct {
	// Now replaces the database's clock for tests and for writing old data: the time that it
	// returns is used unless it is the zero time. nil: the database's clock is always used.
	Now func() time.Time
	// Keep is the least time for which records of operations and entries of the feed are
	// kept; 0 means the default of [server.Options].
	Keep time.Duration
	// User returns the sender of a request for the kit's handlers; see [server.Options].
	User func(*http.Request) (string, error)
	// Log receives the messages for operators; nil means [slog.Default].
	Log *slog.Logger
}

// Store is an [engagement.Store]. Make one with [Open].
type Store struct {
	kit    *server.Kit
	db     server.Database
	spends atomic.Int64 // calls of Spend that have succeeded
}

var (
	_ engagement.Store      = (*Store)(nil)
	_ engagement.Allowances = (*Store)(nil)
)

// Memory is the address of a database that is gone when it is closed.
const Memory = "memory"

// Open opens the database: a URL postgres://… or postgresql://…, Memory, or the name of a
// SQLite file, which is created if it does not exist. It brings the schema up to date.
func Open(ctx context.Context, address string, options Options) (*Store, error) {
	db, err := openDatabase(ctx, address, options.Now)
	if err != nil {
		return nil, err
	}
	kit, err := server.Open(ctx, db, server.Options{User: options.User, Truth: truths, Keep: options.Keep, Log: options.Log})
	if err != nil {
		db.Close()
		return nil, err
	}
	server.Decide(kit, decision, operations()...)
	return &Store{kit: kit, db: db}, nil
}

// IsPostgres reports whether the address is the URL of a PostgreSQL database.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

func openDatabase(ctx context.Context, address string, now func() time.Time) (server.Database, error) {
	folder := "migrations/sqlite"
	if IsPostgres(address) {
		folder = "migrations/postgres"
	}
	steps, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, err
	}
	if IsPostgres(address) {
		return postgres.Open(ctx, address, postgres.Options{Now: now, Migrations: steps})
	}
	with := sqlite.Options{Now: now, Inspect: inspect, Migrations: steps}
	if address == Memory {
		return sqlite.Memory(ctx, with)
	}
	return sqlite.Open(ctx, address, with)
}

// Kit returns the kit on which the store is built.
func (s *Store) Kit() *server.Kit { return s.kit }

// Forget implements [engagement.Store]. The kit also drops its old rows by itself, after
// Options.Keep and the greatest lead of a key's clock.
func (s *Store) Forget(ctx context.Context, age time.Duration) error {
	if err := s.db.Forget(ctx, age); err != nil {
		return explain(err)
	}
	return s.DropExpired(ctx)
}

// DropExpired drops ends of sessions that would have expired by now, and the network
// settings of expired sessions.
func (s *Store) DropExpired(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx server.Tx, now int64) error {
		if _, err := tx.Exec(ctx, forgetEnded, now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, forgetNetworks, now-keepNetworks.Milliseconds())
		return err
	})
}

// Ready implements [engagement.Store].
func (s *Store) Ready(ctx context.Context) error { return explain(s.db.Ready(ctx)) }

// Close implements [engagement.Store].
func (s *Store) Close() error { return s.kit.Close() }

// Audit implements [engagement.Store].
func (s *Store) Audit(ctx context.Context) error {
	return s.at(ctx, func(ctx context.Context, m server.Moment) error {
		return m.Query(ctx, func(scan server.Scan) error {
			var id string
			var counted, there [3]int
			if err := scan(&id, &counted[0], &counted[1], &counted[2], &there[0], &there[1], &there[2]); err != nil {
				return err
			}
			return fmt.Errorf("sqlstore: post %s counts likes, saves, comments %v, there are %v", id, counted, there)
		}, selectMiscount)
	})
}
