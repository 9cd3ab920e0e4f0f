//go:build !plan9

package filejournal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

// script is a run of a program on a simulated disk: sessions of opening, loading,
// writing and closing, with compactions, in which the disk fails. The program acts
// like a real one: when a write fails it goes on if the journal does, else opens it
// again.
type script struct {
	t       *testing.T
	what    string
	disk    *simDisk
	options Options
	after   aftermath
	rng     *rand.Rand
	model   journaltest.Model
	opens   int
	strikes int // that a loss of power has followed

	// For the aftermaths soon and late: openings and writes since the first fault, and
	// whether the power has failed.
	opensSince  int
	writesSince int
	failedLater bool
}

const (
	scriptSessions = 3
	scriptWrites   = 9 // per session
)

// run plays the script and checks that nothing acknowledged is ever missing. The
// batches are the same in every run of one seed.
func (s *script) run(seed uint64) {
	g := journaltest.NewGenerator(seed, 1, 1)
	g.Largest = 80
	for range scriptSessions {
		j := s.open()
		for range scriptWrites {
			batch := g.Next()
			err := j.Write(batch)
			s.mustBeTyped("Write", err)
			switch {
			case err == nil:
				s.model.Write(batch)
			case errors.Is(err, journal.ErrRefused) && !s.disk.dead:
				// Nothing of it may ever appear.
			default:
				s.model.Doubt(batch)
			}
			if len(s.disk.struck) > 0 {
				s.writesSince++
			}
			for s.disk.dead || errors.Is(err, journal.ErrFailed) || s.powerFails() {
				err = nil
				s.disk.dead = s.disk.dead || s.powerFails()
				_ = j.Close()
				j = s.open()
			}
		}
		s.mustBeTyped("Close", j.Close())
	}
	s.disk.faults = nil
	if err := s.open().Close(); err != nil {
		s.fatal("the last Close: %v", err)
	}
}

// powerFails reports whether the power is to fail now.
func (s *script) powerFails() bool {
	struck := len(s.disk.struck) > s.strikes
	switch s.after {
	case carryOn:
		return false
	case soon:
		return s.opensSince >= 1 && !s.failedLater
	case late:
		return s.writesSince >= 3 && !s.failedLater
	}
	return struck
}

// open begins the next life of the program. As long as faults strike it tries again.
func (s *script) open() *Journal {
	for {
		if s.disk.dead || s.powerFails() {
			how := s.after
			switch {
			case how == carryOn:
				how = killed
			case (how == soon || how == late) && s.powerFails():
				how = loseAll
				s.failedLater = true
			}
			s.strikes = len(s.disk.struck)
			s.disk.restart(how, s.rng)
		}
		if s.opens++; s.opens > 50 {
			s.fatal("the journal cannot be opened any more")
		}
		j, err := open(s.disk, "/a/b/journal", s.options)
		if err != nil {
			s.mustBeTyped("Open", err)
			if errors.Is(err, journal.ErrOwned) {
				s.fatal("a failed Open kept the lock")
			}
			continue
		}
		records, err := j.Load()
		if err != nil {
			s.mustBeTyped("Load", err)
			_ = j.Close()
			continue
		}
		if err := s.model.Check(records); err != nil {
			s.fatal("after opening: %v", err)
		}
		if len(s.disk.struck) > 0 {
			s.opensSince++
		}
		return j
	}
}

// mustBeTyped accepts errors that a program can tell apart, and no damage: a crash
// or a failing disk must never look like it.
func (s *script) mustBeTyped(what string, err error) {
	switch {
	case err == nil, s.disk.dead,
		errors.Is(err, journal.ErrFailed), errors.Is(err, journal.ErrRefused):
		return
	}
	if len(s.disk.struck) == 0 {
		s.fatal("%s failed without a fault: %v", what, err)
	}
	s.fatal("%s: an error of no known type: %v", what, err)
}

func (s *script) fatal(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s, struck %v: %s", s.what, s.disk.struck, fmt.Sprintf(format, args...))
}

// play runs the script with faults and returns how many calls it made.
func play(t *testing.T, seed uint64, options Options, after aftermath, faults map[int]fault) int {
	t.Helper()
	s := newScript(t, seed, options, after, faults)
	s.run(seed)
	return s.disk.calls
}

func newScript(t *testing.T, seed uint64, options Options, after aftermath, faults map[int]fault) *script {
	s := &script{
		t: t, what: fmt.Sprintf("faults %v then aftermath %d", faults, after),
		disk: newSimDisk(), options: options, after: after, rng: rand.New(rand.NewPCG(seed, 7)),
	}
	s.disk.faults = faults
	return s
}

var small = Options{CompactAt: 400} // several compactions in a script

// Every fault at every call of the script, with every aftermath.
func TestFaultAtEveryCall(t *testing.T) {
	t.Parallel()
	seed := journaltest.Seed(t)
	calls := play(t, seed, small, carryOn, nil)
	mustVisit(t, seed)
	runs := 0
	for after := range aftermathCount {
		for f := ioError; f < faultCount; f++ {
			for at := 1; at <= calls; at++ {
				play(t, seed, small, after, map[int]fault{at: f})
				runs++
			}
		}
	}
	t.Logf("%d calls, %d runs", calls, runs)
}

// mustVisit checks that the script makes every kind of call, so that a fault at every
// call of it is a fault at every kind.
func mustVisit(t *testing.T, seed uint64) {
	t.Helper()
	s := newScript(t, seed, small, carryOn, nil)
	s.run(seed)
	for _, kind := range []string{
		"mkdir", "lock", "exists", "create", "write", "sync", "rename", "syncdir", "open", "size", "read",
	} {
		if !s.disk.kinds[kind] {
			t.Errorf("the script makes no call of %s", kind)
		}
	}
}

// A second fault in the calls with which the journal recovers from the first. With
// JOURNALTEST_LONG=1 all of them, else one each.
func TestFaultDuringRecovery(t *testing.T) {
	t.Parallel()
	seed := journaltest.Seed(t)
	long := os.Getenv("JOURNALTEST_LONG") != ""
	calls := play(t, seed, small, carryOn, nil)
	runs := 0
	for i, first := range []fault{ioError, killDuring, killAfter} {
		for k, second := range []fault{ioError, diskIsFull, killBefore, killDuring, killAfter} {
			for at := 1; at <= calls; at++ {
				for gap := 1; gap <= 12; gap++ {
					if !long && gap != 1+(at+k)%12 {
						continue
					}
					for n, after := range []aftermath{loseAll, tornFront, keepSome} {
						if !long && n != (at+i)%3 {
							continue
						}
						play(t, seed, small, after, map[int]fault{at: first, at + gap: second})
						runs++
					}
				}
			}
		}
	}
	t.Logf("%d calls, %d runs", calls, runs)
}

// Without syncs everything survives the death of the process.
func TestRelaxedSurvivesTheProcess(t *testing.T) {
	t.Parallel()
	seed := journaltest.Seed(t)
	options := Options{Sync: SyncRelaxed, CompactAt: 400}
	calls := play(t, seed, options, carryOn, nil)
	for _, after := range []aftermath{carryOn, killed} {
		for f := ioError; f < faultCount; f++ {
			for at := 1; at <= calls; at++ {
				play(t, seed, options, after, map[int]fault{at: f})
			}
		}
	}
}

// Three faults anywhere.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	seed := journaltest.Seed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	calls := play(t, seed, small, carryOn, nil)
	for range 3000 {
		faults := make(map[int]fault)
		for range 3 {
			faults[1+rng.IntN(calls)] = killBefore + fault(rng.IntN(3))
		}
		play(t, seed, small, loseAll+aftermath(rng.IntN(5)), faults)
	}
}
