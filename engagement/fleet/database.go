package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/optimist-go/optimist/server/pgcluster"
)

// Restart stops the cluster, and starts it again after the time down, or when ctx ends.
func Restart(ctx context.Context, c *pgcluster.Cluster, mode pgcluster.Mode, down time.Duration) error {
	if err := c.Stop(mode); err != nil {
		return err
	}
	select {
	case <-time.After(down):
	case <-ctx.Done():
	}
	return c.Start()
}

// CreateDatabase makes an empty database in the cluster that url leads to.
func CreateDatabase(ctx context.Context, url, name string) error {
	return insist(ctx, url, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		return err
	})
}

// longestQuery bounds the time for one query of this package, while the database may be
// away.
const longestQuery = time.Minute

// CutListeners ends all connections to the database at url that wait for notifications.
func CutListeners(ctx context.Context, url string) error {
	return insist(ctx, url, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE 'listen %'`)
		return err
	})
}

// HoldForeign keeps a transaction with a write open in the database at url, for the given
// time. If the database goes away meanwhile, it begins another transaction.
func HoldForeign(ctx context.Context, url string, long time.Duration) error {
	for until := time.Now().Add(long); time.Now().Before(until); {
		err := insist(ctx, url, func(ctx context.Context, conn *pgx.Conn) error {
			tx, err := conn.Begin(ctx)
			if err != nil {
				return err
			}
			defer tx.Rollback(ctx)
			if _, err := tx.Exec(ctx, `SELECT pg_current_xact_id()`); err != nil {
				return err
			}
			for time.Now().Before(until) {
				if _, err := tx.Exec(ctx, `SELECT pg_sleep(0.2)`); err != nil {
					return nil // the transaction ended with the database
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// insist calls do with a connection to the database at url, and repeats it while the
// database is away.
func insist(ctx context.Context, url string, do func(context.Context, *pgx.Conn) error) error {
	var err error
	for began := time.Now(); time.Since(began) < longestQuery && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(ctx, url); err != nil {
			continue
		}
		err = do(ctx, conn)
		closing := conn.Close(context.WithoutCancel(ctx))
		if err == nil {
			return nil
		}
		err = errors.Join(err, closing)
	}
	return fmt.Errorf("fleet: the database: %w", errors.Join(err, ctx.Err()))
}
