package memjournal_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
	"github.com/optimist-go/optimist/memjournal"
)

func TestSuite(t *testing.T) {
	var mu sync.Mutex
	disks := make(map[string]*memjournal.Disk)
	journaltest.Run(t, journaltest.Target{Open: func(dir string) (journal.Journal, error) {
		mu.Lock()
		defer mu.Unlock()
		if disks[dir] == nil {
			disks[dir] = new(memjournal.Disk)
		}
		j, err := disks[dir].Open()
		if err != nil {
			return nil, err
		}
		return j, nil
	}})
}

// Every fault at every write of a random run: acknowledged writes are there, refused
// ones are not, and the state after a Crash fits the fault's name.
func TestFaultAtEveryWrite(t *testing.T) {
	seed := journaltest.Seed(t)
	const writes = 25
	for fault := memjournal.Refuse; fault <= memjournal.CrashAfter; fault++ {
		for nth := 1; nth <= writes; nth++ {
			t.Run(fmt.Sprintf("fault%d/write%d", fault, nth), func(t *testing.T) {
				var disk memjournal.Disk
				var m journaltest.Model
				g := journaltest.NewGenerator(seed, 1, 1)
				disk.Inject(nth, fault)
				j := reopen(t, &disk)
				for i := 1; i <= writes; i++ {
					batch := g.Next()
					err := j.Write(batch)
					if (err != nil) != (i == nth) {
						t.Fatalf("write %d of fault at %d: error %v", i, nth, err)
					}
					if err == nil || fault == memjournal.FailKept || fault == memjournal.CrashAfter {
						m.Write(batch)
					}
					if err != nil {
						j = afterFault(t, &disk, j, fault, err)
					}
				}
				disk.Crash()
				if err := m.Check(load(t, reopen(t, &disk))); err != nil {
					t.Error(err)
				}
				if disk.Writes() != writes {
					t.Errorf("Writes = %d, want %d", disk.Writes(), writes)
				}
			})
		}
	}
}

// afterFault checks the error of a struck write and returns the journal to go on with.
func afterFault(t *testing.T, disk *memjournal.Disk, j *memjournal.Journal, fault memjournal.Fault, err error) *memjournal.Journal {
	t.Helper()
	again := j.Write(nil)
	switch fault {
	case memjournal.Refuse:
		if !errors.Is(err, journal.ErrRefused) || !errors.Is(err, memjournal.ErrDiskFull) || again != nil {
			t.Fatalf("refused write: %v, then %v", err, again)
		}
		return j
	case memjournal.FailLost, memjournal.FailKept:
		if !errors.Is(err, journal.ErrFailed) || again != err {
			t.Fatalf("failed write: %v, then %v", err, again)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	default:
		if !errors.Is(err, memjournal.ErrCrashed) || again != err {
			t.Fatalf("crashed write: %v, then %v", err, again)
		}
	}
	return reopen(t, disk)
}

func TestLazyDiskForgetsWhatWasNotSynced(t *testing.T) {
	var disk memjournal.Disk
	disk.SetLazy(true)
	write := func(j *memjournal.Journal, seq uint64) {
		t.Helper()
		if err := j.Write([]journal.Record{journaltest.Put(seq, "x")}); err != nil {
			t.Fatal(err)
		}
	}
	j := reopen(t, &disk)
	write(j, 1)
	disk.Sync()
	write(j, 2)
	disk.Crash()
	j = reopen(t, &disk)
	if got := load(t, j); len(got) != 1 || got[0].Seq != 1 {
		t.Fatalf("after a crash: %v, want record 1 alone", got)
	}
	write(j, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	if got := load(t, reopen(t, &disk)); len(got) != 2 {
		t.Fatalf("after Close and a crash: %v, want records 1 and 3", got)
	}
}

func TestSaysThatNothingIsDurable(t *testing.T) {
	if d := memjournal.New().Durability(); d != journal.DurableNever {
		t.Errorf("Durability = %v", d)
	}
}

func reopen(t *testing.T, disk *memjournal.Disk) *memjournal.Journal {
	t.Helper()
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func load(t *testing.T, j *memjournal.Journal) []journal.Record {
	t.Helper()
	records, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	return records
}
