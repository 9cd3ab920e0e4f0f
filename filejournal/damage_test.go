//go:build !plan9

package filejournal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

const simDir, simLog = "/journal", "/journal/" + logName

// diskWith is a disk on which the log is these bytes.
func diskWith(log []byte) *simDisk {
	d := newSimDisk()
	d.put(simDir, &simFile{folder: true})
	d.put(simLog, &simFile{cached: bytes.Clone(log), durable: bytes.Clone(log)})
	_, _ = d.SyncDir("/"), d.SyncDir(simDir)
	return d
}

// sample writes a log of random batches and returns its bytes, the batches, and
// where the log ended after each of them.
func sample(t testing.TB, seed uint64, n int, closeIt bool) (log []byte, batches [][]journal.Record, ends []int64) {
	t.Helper()
	d := newSimDisk()
	j, err := open(d, simDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := journaltest.NewGenerator(seed, 1, 1)
	g.Largest = 80
	for range n {
		batch := g.Next()
		if err := j.Write(batch); err != nil {
			t.Fatal(err)
		}
		batches = append(batches, batch)
		ends = append(ends, j.Stats().FileBytes)
	}
	if closeIt {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return bytes.Clone(d.names[simLog].cached), batches, ends
}

func modelOf(batches [][]journal.Record) *journaltest.Model {
	var m journaltest.Model
	for _, batch := range batches {
		m.Write(batch)
	}
	return &m
}

// checkDamaged opens a log that was closed and then changed: either nothing is lost,
// or the loss is reported, nothing is made up, nothing can be built on it, and
// Repair makes it sound.
func checkDamaged(t testing.TB, log []byte, batches [][]journal.Record) (reported bool) {
	t.Helper()
	d := diskWith(log)
	j, err := open(d, simDir, Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	loaded, err := j.Load()
	if err == nil {
		if err := modelOf(batches).Check(loaded); err != nil {
			t.Fatalf("a silent loss: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return false
	}
	if !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Load: error %v, want one that wraps journal.ErrCorrupt", err)
	}
	if err := journaltest.Within(loaded, batches); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(batches[0]); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Write to a damaged journal: error %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.names[simLog].cached, log) {
		t.Fatal("a damaged log was changed")
	}
	checkRepair(t, d, log, loaded)
	return true
}

func checkRepair(t testing.TB, d *simDisk, log []byte, loaded []journal.Record) {
	t.Helper()
	done, err := repair(d, simDir)
	if err != nil || done.Records != len(loaded) {
		t.Fatalf("Repair = %+v, %v; %d records could be read", done, err, len(loaded))
	}
	if !bytes.Equal(d.names[done.Aside].durable, log) {
		t.Fatal("the damaged log was not set aside, durably")
	}
	j, err := open(d, simDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var m journaltest.Model
	m.Write(loaded)
	again, err := j.Load()
	if err != nil {
		t.Fatalf("after Repair: %v", err)
	}
	if err := m.Check(again); err != nil {
		t.Fatalf("after Repair: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := repair(d, simDir); err != nil || again.Aside != "" {
		t.Fatalf("Repair of a sound journal = %+v, %v", again, err)
	}
}

// Every byte of a closed log, with one bit, another bit, and all bits changed.
func TestEveryByteOfAClosedLogMatters(t *testing.T) {
	t.Parallel()
	log, batches, _ := sample(t, journaltest.Seed(t), 12, true)
	silent := 0
	for at := range log {
		for _, flip := range []byte{1, 0x80, 0xFF} {
			log[at] ^= flip
			if !checkDamaged(t, log, batches) {
				silent++
			}
			log[at] ^= flip
		}
	}
	if want := 3 * frameHeader; silent != want {
		t.Errorf("%d changes were harmless, want the %d in the closing mark", silent, want)
	}
}

// A log that was never closed may end anywhere: the rest has whole batches only, and
// all batches that are complete.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	log, batches, ends := sample(t, journaltest.Seed(t), 12, false)
	whole := 0
	for size := headerSize; size <= len(log); size++ {
		for whole < len(ends) && ends[whole] <= int64(size) {
			whole++
		}
		for _, zeros := range []int{0, 1, 5000} { // a size that grew before the data came
			torn := append(bytes.Clone(log[:size]), make([]byte, zeros)...)
			d := diskWith(torn)
			j, err := open(d, simDir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if left := int64(len(d.names[simLog].durable)); left != j.Stats().FileBytes {
				t.Fatalf("cut at %d of %d: Open left %d bytes of which %d count", size, len(log), left, j.Stats().FileBytes)
			}
			loaded, err := j.Load()
			if err != nil {
				t.Fatalf("cut at %d of %d: %v", size, len(log), err)
			}
			m := modelOf(batches[:whole])
			if zeros > 0 && whole < len(batches) {
				m.Doubt(batches[whole]) // its last bytes may have been zeros anyway
			}
			if err := m.Check(loaded); err != nil {
				t.Fatalf("cut at %d of %d: %v", size, len(log), err)
			}
		}
	}
}

// Bytes of this very log inside a record must not be taken for frames, not even
// when the frame around them is torn.
func TestLogInsideARecord(t *testing.T) {
	log, batches, _ := sample(t, journaltest.Seed(t), 3, false)
	d := diskWith(log)
	j, err := open(d, simDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write([]journal.Record{{Seq: 1 << 40, Data: log}}); err != nil {
		t.Fatal(err)
	}
	torn := d.names[simLog].cached
	j, err = open(diskWith(torn[:len(torn)-1]), simDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := modelOf(batches).Check(loaded); err != nil {
		t.Error(err)
	}
}

func TestOtherVersionIsLeftAlone(t *testing.T) {
	log, _, _ := sample(t, 1, 3, true)
	binary.LittleEndian.PutUint16(log[8:], version+1)
	resum(log)
	d := diskWith(log)
	for range 2 { // the second time proves that the lock was given back
		if _, err := open(d, simDir, Options{}); !errors.Is(err, ErrVersion) {
			t.Fatalf("Open: error %v, want ErrVersion", err)
		}
	}
	if !bytes.Equal(d.names[simLog].cached, log) {
		t.Error("the log was changed")
	}
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	for _, content := range []string{"", "x", "This is a diary and no journal of ours, sorry."} {
		j, err := open(diskWith([]byte(content)), simDir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if records, err := j.Load(); !errors.Is(err, journal.ErrCorrupt) || len(records) != 0 {
			t.Errorf("Load of %q = %d records, %v", content, len(records), err)
		}
	}
}
