package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/sqlite"
)

// The bank is a program for tests: accounts that hold from 0 to most.
const most = 1000

// pay is the payload of all its operations: From loses N, To gets it. From may be empty.
type pay struct {
	From, To string
	N        int
	// Fault makes the program misbehave: see misbehave.
	Fault string
}

func (p pay) entities() []string {
	if p.From == "" {
		return []string{p.To}
	}
	return []string{p.From, p.To}
}

// decide is the rule of the bank, for both shapes and for the twin.
func (p pay) decide(balances map[string]int) error {
	switch {
	case p.Fault == "refuse":
		return &server.Refusal{Status: 403, Detail: "no"}
	case p.N == 0:
		return server.Already
	case p.From != "" && balances[p.From] < p.N, balances[p.To]+p.N > most:
		return &server.Refusal{Status: 409, Detail: "that is more than there is"}
	}
	if p.From != "" {
		balances[p.From] -= p.N
	}
	balances[p.To] += p.N
	return nil
}

// errProgram is an error of the program's own.
var errProgram = errors.New("the bank is closed")

// misbehave commits the fault, if it is one of this place.
func misbehave(fault, place string) error {
	switch fault {
	case place + " panics":
		panic("oh")
	case place + " panics with an error":
		panic(fmt.Errorf("oh: %w", server.Already))
	case place + " ends its goroutine":
		runtime.Goexit()
	case place + " fails":
		return errProgram
	}
	return nil
}

// faults are all of them, by shape.
var faults = map[string][]string{
	"decided": {"read panics", "read ends its goroutine", "row panics", "row fails", "decide panics", "middle panics", "decide panics with an error",
		"decide ends its goroutine", "decide fails", "write panics", "write ends its goroutine", "bad write", "bad read"},
	"run": {"run panics", "run panics with an error", "run ends its goroutine", "run fails", "bad write", "bad write, kept quiet"},
}

const (
	readBalance  = `SELECT n FROM accounts WHERE id = $1`
	writeBalance = `INSERT INTO accounts (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n`
	badWrite     = `INSERT INTO accounts (id, n) VALUES ('bad', -1)`
)

var bankTables = sqlite.Options{Migrations: tables(`CREATE TABLE accounts (id TEXT PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0 AND n <= 1000));`)}

// tables are migrations of one file.
func tables(sql string) fs.FS {
	return fstest.MapFS{"1_tables.sql": {Data: []byte("-- +goose Up\n" + sql)}}
}

// books are the rows that a group has read.
type books struct {
	balances map[string]int
	touched  map[string]bool
	faults   []string
}

func balance(to map[string]int, id string) func(server.Scan) error {
	return func(scan server.Scan) error {
		var n int
		err := scan(&n)
		to[id] = n
		return err
	}
}

// openBank returns the kit of a bank, which is closed when the test ends. ran is called
// when a function runs for the key; nil: it is not.
func openBank(tb testing.TB, db server.Database, ran func(key string)) *server.Kit {
	tb.Helper()
	kit, err := server.Open(tb.Context(), db, server.Options{Truth: server.Truth[int, any]{
		Read: func(ctx context.Context, q server.Query, ids []string) (map[string]int, error) {
			balances := make(map[string]int)
			for _, id := range ids {
				if err := q.Query(ctx, balance(balances, id), readBalance, id); err != nil {
					return nil, err
				}
			}
			return balances, nil
		},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { kit.Close() })
	if ran == nil {
		ran = func(string) {}
	}
	server.Decide(kit, server.Decision[*books]{
		Read: func(r *server.Reads, ops []server.Op) *books {
			b := &books{balances: make(map[string]int), touched: make(map[string]bool)}
			for _, op := range ops {
				p := op.Args.(pay)
				misbehave(p.Fault, "read")
				if p.Fault == "bad read" {
					r.Query(func(server.Scan) error { return nil }, `SELECT n FROM nowhere`)
				}
				if p.Fault == "row panics" || p.Fault == "row fails" {
					r.Query(func(server.Scan) error { return misbehave(p.Fault, "row") }, `SELECT 1`)
				}
				for _, e := range op.Entities {
					r.Query(balance(b.balances, e.ID), readBalance, e.ID)
				}
			}
			return b
		},
		Decide: func(b *books, op server.Op) error {
			ran(op.Key)
			p := op.Args.(pay)
			if err := misbehave(p.Fault, "decide"); err != nil {
				return err
			}
			err := p.decide(b.balances)
			misbehave(p.Fault, "middle") // has changed something already
			if err == nil {
				for _, id := range p.entities() {
					b.touched[id] = true
				}
				b.faults = append(b.faults, p.Fault)
			}
			return err
		},
		Write: func(w *server.Writes, b *books) {
			for id := range b.touched {
				w.Exec(writeBalance, id, b.balances[id])
			}
			for _, fault := range b.faults {
				misbehave(fault, "write")
				if fault == "bad write" {
					w.Exec(badWrite)
				}
			}
		},
	}, server.Name("decided", pay.entities))
	server.Run(kit, server.Name("run", pay.entities), func(ctx context.Context, tx server.Tx, op server.Op, p pay) error {
		ran(op.Key)
		balances := make(map[string]int)
		for _, e := range op.Entities {
			if err := tx.Query(ctx, balance(balances, e.ID), readBalance, e.ID); err != nil {
				return err
			}
		}
		err := p.decide(balances)
		if err != nil && !errors.Is(err, server.Already) {
			return err
		}
		for id, n := range balances {
			if _, err := tx.Exec(ctx, writeBalance, id, n); err != nil {
				return err
			}
		}
		if p.Fault == "bad write" || p.Fault == "bad write, kept quiet" {
			if _, err := tx.Exec(ctx, badWrite); err != nil && p.Fault == "bad write" {
				return err
			}
		}
		if err := misbehave(p.Fault, "run"); err != nil {
			return err
		}
		return err
	})
	return kit
}

func openMemory(tb testing.TB) *sqlite.Database {
	tb.Helper()
	db, err := sqlite.Memory(tb.Context(), bankTables)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

// kindOf is the kind of an error, as far as the twin knows it.
func kindOf(err error) string {
	refusal, refused := errors.AsType[*server.Refusal](err)
	switch {
	case err == nil:
		return ""
	case refused:
		return fmt.Sprint("refused with ", refusal.Status)
	case errors.Is(err, server.ErrUnavailable), errors.Is(err, server.ErrBusy), errors.Is(err, server.ErrAgain),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "try again"
	}
	return "fault"
}

// twin is the kit with the bank, done in the dumbest way.
type twin struct {
	balances map[string]int
	versions map[string]uint64
	keys     map[string]twinKey
	contains map[string][]string // by entity and user
	changes  int
}

type twinKey struct {
	payload string
	outcome server.Outcome
}

func newTwin() *twin {
	return &twin{balances: make(map[string]int), versions: make(map[string]uint64), keys: make(map[string]twinKey), contains: make(map[string][]string)}
}

func (w *twin) apply(name, user, key string, p pay) (server.Outcome, string) {
	payload, err := json.Marshal([]any{name, p})
	if err != nil {
		panic(err)
	}
	if strings.HasPrefix(p.Fault, "read ") || strings.HasPrefix(p.Fault, "row ") || p.Fault == "bad read" {
		return server.Outcome{}, "fault" // reading comes before the look at the key
	}
	if known, ok := w.keys[user+"/"+key]; ok {
		if known.payload != string(payload) {
			return server.Outcome{}, "refused with 422"
		}
		known.outcome.Replayed = true
		return known.outcome, ""
	}
	if p.Fault != "" && p.Fault != "refuse" && !w.escapes(name, p) {
		return server.Outcome{}, "fault"
	}
	err = p.decide(w.balances)
	if err != nil && !errors.Is(err, server.Already) {
		return server.Outcome{}, kindOf(err)
	}
	for _, id := range p.entities() {
		if err == nil {
			w.versions[id]++
			w.changes++
		}
		w.contains[id+"/"+user] = append(w.contains[id+"/"+user], key)
	}
	outcome := server.Outcome{Already: err != nil, Version: w.versions[p.entities()[0]]}
	w.keys[user+"/"+key] = twinKey{string(payload), outcome}
	return outcome, ""
}

// escapes reports whether the operation does not come to the place of its fault: neither
// shape writes for a refused operation, and a decision writes nothing for an effect that
// is there already.
func (w *twin) escapes(name string, p pay) bool {
	err := w.try(p)
	if strings.HasPrefix(p.Fault, "decide") || strings.HasPrefix(p.Fault, "middle") {
		return false
	}
	return err != nil && (name == "decided" || !errors.Is(err, server.Already))
}

func (w *twin) try(p pay) error {
	balances := make(map[string]int)
	for _, id := range p.entities() {
		balances[id] = w.balances[id]
	}
	return p.decide(balances)
}
