package postgres

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
)

// errand are the arguments of the operations of newErrands.
type errand struct{ ID, Fault string }

// panicking is an argument of a statement that the driver cannot encode.
type panicking struct{}

func (panicking) Value() (driver.Value, error) { panic("the program's fault") }

// newErrands is a kit with an operation of each shape, both of which misbehave when their
// arguments say so.
func newErrands(t *testing.T, db server.Database) *server.Kit {
	t.Helper()
	kit, err := server.Open(t.Context(), db, server.Options{Truth: server.Truth[int, any]{
		Read: func(context.Context, server.Query, []string) (map[string]int, error) { return nil, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kit.Close() })
	entities := func(e errand) []string { return []string{e.ID} }
	server.Run(kit, server.Name("run", entities), func(ctx context.Context, tx server.Tx, _ server.Op, e errand) error {
		if e.Fault != "nested" {
			return nil
		}
		return tx.Query(ctx, func(server.Scan) error {
			_, err := tx.Exec(ctx, `SELECT 1`)
			return err
		}, `SELECT 1`)
	})
	server.Decide(kit, server.Decision[[]server.Op]{
		Read:   func(_ *server.Reads, ops []server.Op) []server.Op { return ops },
		Decide: func([]server.Op, server.Op) error { return nil },
		Write: func(w *server.Writes, ops []server.Op) {
			if ops[0].Args.(errand).Fault == "panicking" {
				w.Exec(`SELECT $1::text`, panicking{})
			}
		},
	}, server.Name("decide", entities))
	return kit
}

// TestFaultsOfTheProgramAreItsOwn: each is an error of that operation, and the kit goes on.
func TestFaultsOfTheProgramAreItsOwn(t *testing.T) {
	kit := newErrands(t, open(t, pgtest.Database(t), Options{}))
	long := make([]byte, 6000)
	rand.Read(long)
	for _, c := range []struct {
		name   string
		errand errand
		status int
	}{
		{"run", errand{"a", "nested"}, 500},
		{"decide", errand{"a", "panicking"}, 500},
		{"run", errand{hex.EncodeToString(long), ""}, 400},
		{"decide", errand{hex.EncodeToString(long), ""}, 400},
	} {
		_, err := kit.Apply(t.Context(), c.name, "ada", "key", c.errand)
		if status := server.ProblemOf(err).Status; err == nil || status != c.status {
			t.Errorf("%s %s: %v, %d, want %d", c.name, c.errand.Fault, err, status, c.status)
		}
		if _, err := kit.Apply(t.Context(), c.name, "ada", "after "+c.errand.Fault, errand{ID: "a"}); err != nil && !errors.As(err, new(*server.Refusal)) {
			t.Errorf("%s after %s: %v", c.name, c.errand.Fault, err)
		}
	}
}

// lossy loses the connection at its first commit, after which the database is away for
// one attempt.
type lossy struct {
	server.Database
	commits, begins int
}

func (d *lossy) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	if d.commits == 1 {
		if d.begins++; d.begins == 1 {
			return nil, fmt.Errorf("it is starting: %w", server.ErrUnavailable)
		}
	}
	w, err := d.Database.Begin(ctx, claim)
	if err != nil {
		return nil, err
	}
	return lossyWork{w, d}, nil
}

type lossyWork struct {
	server.Work
	db *lossy
}

func (w lossyWork) Commit(ctx context.Context, c server.Commit) error {
	err := w.Work.Commit(ctx, c)
	if err != nil {
		return err
	}
	if w.db.commits++; w.db.commits == 1 {
		return fmt.Errorf("lost: %w", server.ErrUnavailable)
	}
	return nil
}

// TestALostCommitIsAskedAgain: in both shapes the client sees nothing of it.
func TestALostCommitIsAskedAgain(t *testing.T) {
	for _, name := range []string{"run", "decide"} {
		kit := newErrands(t, &lossy{Database: open(t, pgtest.Database(t), Options{})})
		if outcome, err := kit.Apply(t.Context(), name, "ada", "key", errand{ID: "a"}); err != nil || outcome.Version != 1 {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
	}
}
