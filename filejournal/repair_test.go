//go:build !plan9

package filejournal

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

// A lost frame takes its own batch with it and nothing else.
func TestDamageLosesOneFrameOnly(t *testing.T) {
	log, batches, ends := sample(t, journaltest.Seed(t), 10, true)
	for k := range batches {
		log[ends[k]-1] ^= 1
		d := diskWith(log)
		log[ends[k]-1] ^= 1
		j, err := open(d, simDir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := j.Load()
		if !errors.Is(err, journal.ErrCorrupt) {
			t.Fatalf("batch %d: Load: error %v", k, err)
		}
		rest := slices.Concat(batches[:k], batches[k+1:])
		if err := modelOf(rest).Check(loaded); err != nil {
			t.Errorf("batch %d: %v", k, err)
		}
	}
}

// The frames are found without the header too.
func TestLostHeaderLosesNothing(t *testing.T) {
	log, batches, _ := sample(t, journaltest.Seed(t), 10, true)
	clear(log[:headerSize])
	j, err := open(diskWith(log), simDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := j.Load()
	if !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Load: error %v", err)
	}
	if err := modelOf(batches).Check(loaded); err != nil {
		t.Error(err)
	}
}

// After a death of the process in any call of Repair, a later Repair makes the
// journal sound, with all readable records and a copy of the damaged log.
func TestRepairDiesAnywhere(t *testing.T) {
	log, batches, ends := sample(t, journaltest.Seed(t), 10, true)
	log[ends[4]-1] ^= 1
	rest := slices.Concat(batches[:4], batches[5:])
	for at := 1; ; at++ {
		for _, f := range []fault{ioError, diskIsFull, killBefore, killDuring, killAfter} {
			for _, how := range []aftermath{carryOn, loseAll, keepAll, tornFront, keepWrites} {
				d := diskWith(log)
				d.calls, d.faults = 0, map[int]fault{at: f}
				_, err := repair(d, simDir)
				if len(d.struck) == 0 {
					return // all calls have been struck
				}
				if err != nil && !d.dead && !errors.Is(err, journal.ErrFailed) {
					t.Errorf("%v: Repair: error %v", d.struck, err)
				}
				d.restart(how, rand.New(rand.NewPCG(1, 2)))
				done, err := repair(d, simDir)
				if err != nil {
					t.Fatalf("%v, aftermath %d: the second Repair: %v", d.struck, how, err)
				}
				if d.names[simDir+"/journal.damaged-1"] == nil {
					t.Fatalf("%v, aftermath %d: %+v, and the damaged log is nowhere", d.struck, how, done)
				}
				j, err := open(d, simDir, Options{})
				if err != nil {
					t.Fatal(err)
				}
				loaded, err := j.Load()
				if err != nil {
					t.Fatalf("%v, aftermath %d: %v", d.struck, how, err)
				}
				if err := modelOf(rest).Check(loaded); err != nil {
					t.Fatalf("%v, aftermath %d: %v", d.struck, how, err)
				}
			}
		}
	}
}

// FuzzBody opens a log with one frame that is intact and holds any bytes.
func FuzzBody(f *testing.F) {
	f.Add([]byte{1, 2, 'x'})
	f.Add([]byte{1, 200, 1, 'x'})                                                      // larger than the frame
	f.Add([]byte{1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1})          // larger than memory
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}) // more than 64 bits
	f.Add([]byte{7})
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newSalt()
		frame := append(beginFrame(nil), body...)
		endFrame(frame, s, headerSize)
		j, err := open(diskWith(append(appendHeader(nil, s), frame...)), simDir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Load(); err != nil {
			t.Fatal(err) // the last frame: at worst it was cut off
		}
	})
}
