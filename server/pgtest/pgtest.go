// Package pgtest starts private PostgreSQL clusters and databases for tests.
//
// On a machine without PostgreSQL the tests that need it are skipped and say why. If the
// environment variable CI is "true" they fail instead.
package pgtest

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/optimist-go/optimist/server/pgcluster"
)

// shared is the cluster that the tests of this process share. It ends with the process.
var shared = sync.OnceValues(func() (*pgcluster.Cluster, error) { return pgcluster.Start() })

var numbers atomic.Int64

// Database makes an empty database on a cluster that all tests of the process share, and
// returns its URL. It is dropped when the test ends.
func Database(tb testing.TB) string {
	tb.Helper()
	c, err := shared()
	if err != nil {
		missing(tb, err)
	}
	return On(tb, c)
}

// Cluster starts a cluster for this test alone, which the test may stop and kill. The
// cluster ends with the test.
func Cluster(tb testing.TB, settings ...string) *pgcluster.Cluster {
	tb.Helper()
	c, err := pgcluster.Start(settings...)
	if err != nil {
		missing(tb, err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// On makes an empty database on the cluster and returns its URL. It is dropped when the
// test ends, if the cluster runs then.
func On(tb testing.TB, c *pgcluster.Cluster) string {
	tb.Helper()
	name := "test" + strconv.FormatInt(numbers.Add(1), 10)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := execute(ctx, c, "create database "+name); err != nil {
		tb.Fatalf("make a database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = execute(ctx, c, "drop database "+name+" with (force)") // otherwise it ends with the cluster
	})
	return c.URL(name)
}

// execute runs one statement outside of the tests' databases.
func execute(ctx context.Context, c *pgcluster.Cluster, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// missing ends a test that could not get its database.
func missing(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, pgcluster.ErrMissing) && os.Getenv("CI") != "true" {
		tb.Skipf("%v; install postgresql to run this test", err)
	}
	tb.Fatal(err)
}
