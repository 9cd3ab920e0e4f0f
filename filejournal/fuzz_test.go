//go:build !plan9

package filejournal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

// resum makes the header of log valid again after a change.
func resum(log []byte) {
	if len(log) >= headerSize {
		binary.LittleEndian.PutUint32(log[16:], crc32.Checksum(log[:16], castagnoli))
	}
}

// FuzzOpen opens any bytes as a log: the result is records or a typed error, and
// an accepted log can be written and read again.
func FuzzOpen(f *testing.F) {
	for seed := range uint64(4) {
		log, _, _ := sample(f, seed, int(seed)*3, seed%2 == 0)
		f.Add(log, true)
		f.Add(log[:len(log)*2/3], false)
	}
	f.Fuzz(func(t *testing.T, log []byte, fix bool) {
		if fix {
			resum(log)
		}
		d := diskWith(log)
		j, err := open(d, simDir, Options{CompactAt: 1})
		if err != nil {
			if !errors.Is(err, ErrVersion) {
				t.Fatalf("Open: %v", err)
			}
			return
		}
		loaded, err := j.Load()
		if err != nil && !errors.Is(err, journal.ErrCorrupt) {
			t.Fatalf("Load: %v", err)
		}
		var m journaltest.Model
		m.Write(loaded)
		if err := m.Check(loaded); err != nil {
			t.Fatal(err) // not ascending
		}
		if err != nil {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			checkRepair(t, d, log, loaded)
			return
		}
		batch := []journal.Record{journaltest.Put(1, "new"), {Seq: 2, Settled: true}}
		if err := j.Write(batch); err != nil {
			t.Fatal(err)
		}
		m.Write(batch)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if j, err = open(d, simDir, Options{}); err != nil {
			t.Fatal(err)
		}
		if loaded, err = j.Load(); err != nil {
			t.Fatal(err)
		}
		if err := m.Check(loaded); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDamage overwrites a stretch of a closed log: never a silent loss.
func FuzzDamage(f *testing.F) {
	f.Add(uint64(1), uint16(30), []byte{0xFF})
	f.Add(uint64(2), uint16(0), make([]byte, 64))
	f.Add(uint64(3), uint16(200), bytes.Repeat([]byte("x"), 300))
	f.Fuzz(func(t *testing.T, seed uint64, at uint16, over []byte) {
		log, batches, _ := sample(t, seed, 8, true)
		start := min(int(at), len(log))
		// Damage that reaches the end of the file has the look of an unfinished write.
		end := min(start+len(over), len(log)-frameHeader)
		if start >= end {
			return
		}
		copy(log[start:end], over)
		checkDamaged(t, log, batches)
	})
}
