// Package journaltest states the contract of [journal.Journal] as tests. Every
// journal passes [Run]; a journal that survives its process also passes
// [RunProcesses].
//
//	func TestJournal(t *testing.T) {
//		journaltest.Run(t, journaltest.Target{
//			Open: func(dir string) (journal.Journal, error) { return myjournal.Open(dir) },
//		})
//	}
//
// Random tests print their seed when they fail; the variable JOURNALTEST_SEED runs
// them with that seed. Package journaltest imports testing: import it only from
// tests.
package journaltest

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/optimist-go/optimist/journal"
)

// Target is a kind of journal under test.
type Target struct {
	// Open opens the journal in the folder dir, which exists and is empty at first. Two
	// calls with the same dir open the same journal.
	Open func(dir string) (journal.Journal, error)

	// Size returns the bytes that the journal in dir takes, open or not. Nil skips
	// the tests of bounded growth.
	Size func(dir string) (int64, error)

	// MaxSize is the greatest allowed Size, in bytes, while a few small records are live
	// and any number has settled. Zero means 2 MiB.
	MaxSize int64
}

func (target Target) mustOpen(t testing.TB, dir string) journal.Journal {
	t.Helper()
	j, err := target.Open(dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func mustWrite(t testing.TB, j journal.Journal, records ...journal.Record) {
	t.Helper()
	if err := j.Write(records); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func mustClose(t testing.TB, j journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func mustLoad(t testing.TB, j journal.Journal) []journal.Record {
	t.Helper()
	records, err := j.Load()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return records
}

// mustHold reopens dir and checks that the journal is in a state that the model
// allows.
func (target Target) mustHold(t testing.TB, dir string, m *Model) {
	t.Helper()
	j := target.mustOpen(t, dir)
	if err := m.Check(mustLoad(t, j)); err != nil {
		t.Fatalf("after reopening: %v", err)
	}
	mustClose(t, j)
}

func mustBe(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want one that wraps %q", what, err, want)
	}
}

// Put returns a record of an unsettled operation.
func Put(seq uint64, data string) journal.Record {
	return journal.Record{Seq: seq, Data: []byte(data)}
}

// Settle returns a record that ends the operation seq.
func Settle(seq uint64) journal.Record {
	return journal.Record{Seq: seq, Settled: true, Data: []byte("done")}
}

// Seed returns the seed of a random test and logs it: JOURNALTEST_SEED, or a new one.
func Seed(t testing.TB) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("JOURNALTEST_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("JOURNALTEST_SEED: %v", err)
		}
	}
	t.Logf("repeat with JOURNALTEST_SEED=%d", seed)
	return seed
}
