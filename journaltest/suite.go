package journaltest

import (
	"bytes"
	"math"
	"testing"

	"github.com/optimist-go/optimist/journal"
)

// Run runs the whole suite, each rule as a subtest with a fresh folder.
func Run(t *testing.T, target Target) {
	for _, rule := range []struct {
		name string
		test func(t *testing.T, target Target, dir string)
	}{
		{"EmptyAtFirst", testEmpty},
		{"LatestBytesWin", testLatest},
		{"SettledDisappear", testSettled},
		{"OrderWithinABatch", testBatchOrder},
		{"HeaderSortsFirstAndLoadAscends", testAscending},
		{"EmptyDataAndEmptyBatch", testNothing},
		{"SlicesAreNotRetained", testNotRetained},
		{"LargestRecord", testLargest},
		{"UseAfterClose", testClosed},
		{"SecondOwnerIsRefused", testSecondOwner},
		{"ConcurrentWrites", testConcurrent},
		{"CloseDuringWrites", testCloseDuringWrites},
		{"RandomBatchesAgainstTheModel", testRandom},
		{"ManyLiveRecords", testMany},
		{"BoundedGrowth", testBounded},
		{"IdleSessionsDoNotGrow", testIdleSessions},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.test(t, target, t.TempDir()) })
	}
}

func testEmpty(t *testing.T, target Target, dir string) {
	for range 2 {
		j := target.mustOpen(t, dir)
		if got := mustLoad(t, j); len(got) != 0 {
			t.Errorf("a new journal holds %d records", len(got))
		}
		mustClose(t, j)
	}
}

func testLatest(t *testing.T, target Target, dir string) {
	var m Model
	for _, data := range []string{"a", "bb", "c"} {
		j := target.mustOpen(t, dir)
		mustLoad(t, j)
		batch := []journal.Record{Put(1, data), Put(2, "two "+data), Put(1, data+data)}
		mustWrite(t, j, batch...)
		m.Write(batch)
		mustClose(t, j)
		target.mustHold(t, dir, &m)
	}
}

func testSettled(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	mustWrite(t, j, Put(1, "a"), Put(2, "b"), Put(3, "c"))
	mustWrite(t, j, Settle(2))
	mustWrite(t, j, Settle(99)) // never put: nothing happens
	mustClose(t, j)
	var m Model
	m.Write([]journal.Record{Put(1, "a"), Put(3, "c")})
	target.mustHold(t, dir, &m)

	j = target.mustOpen(t, dir)
	mustWrite(t, j, Settle(1), Settle(3))
	mustClose(t, j)
	target.mustHold(t, dir, new(Model))
}

func testBatchOrder(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	batch := []journal.Record{
		Put(1, "old"), Settle(1), // put and settled in one: gone
		Settle(2), Put(2, "kept"), // the later record counts
		Put(3, "old"), Put(3, "new"),
	}
	mustWrite(t, j, batch...)
	mustClose(t, j)
	var m Model
	m.Write(batch)
	target.mustHold(t, dir, &m)
}

func testAscending(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	batch := []journal.Record{
		Put(math.MaxUint64, "last"), Put(1<<63, "upper half"), Put(300, "c"), Put(7, "a"),
		Put(1<<32, "d"), Put(0, "header"), Put(9, "b"),
	}
	for _, r := range batch {
		mustWrite(t, j, r)
	}
	mustClose(t, j)
	j = target.mustOpen(t, dir)
	loaded := mustLoad(t, j)
	mustClose(t, j)
	if len(loaded) == 0 || loaded[0].Seq != 0 || string(loaded[0].Data) != "header" {
		t.Errorf("the header is not the first record")
	}
	var m Model
	m.Write(batch)
	if err := m.Check(loaded); err != nil {
		t.Error(err)
	}
}

func testNothing(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	mustWrite(t, j) // no record
	batch := []journal.Record{{Seq: 5}, {Seq: 6, Data: []byte{}}}
	mustWrite(t, j, batch...)
	mustWrite(t, j, journal.Record{Seq: 7, Settled: true}) // no outcome
	mustClose(t, j)
	var m Model
	m.Write(batch)
	target.mustHold(t, dir, &m)
}

func testNotRetained(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	data := []byte("as it was at the call")
	records := []journal.Record{{Seq: 1, Data: data}, {Seq: 2, Data: data}}
	mustWrite(t, j, records...)
	if string(data) != "as it was at the call" || records[0].Seq != 1 {
		t.Error("Write changed the caller's slice")
	}
	copy(data, "CHANGED")
	records[1] = Settle(1)
	mustWrite(t, j, Put(3, "next")) // would write the changed data, if the journal had kept the slice
	mustClose(t, j)
	var m Model
	m.Write([]journal.Record{Put(1, "as it was at the call"), Put(2, "as it was at the call"), Put(3, "next")})
	target.mustHold(t, dir, &m)

	j = target.mustOpen(t, dir)
	loaded := mustLoad(t, j)
	copy(loaded[0].Data, "CHANGED") // the caller may change loaded records too
	mustWrite(t, j, Put(4, "later"))
	m.Write([]journal.Record{Put(4, "later")})
	mustClose(t, j)
	target.mustHold(t, dir, &m)
}

func testLargest(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	largest := journal.Record{Seq: 1, Data: bytes.Repeat([]byte{0xF7}, journal.MaxData)}
	mustWrite(t, j, largest, Put(2, "beside"))
	tooLarge := journal.Record{Seq: 3, Data: make([]byte, journal.MaxData+1)}
	err := j.Write([]journal.Record{Put(4, "in the refused batch"), tooLarge})
	mustBe(t, "Write of a record one byte too large", err, journal.ErrTooLarge)
	mustWrite(t, j, Put(5, "after it"))
	mustClose(t, j)
	var m Model
	m.Write([]journal.Record{largest, Put(2, "beside"), Put(5, "after it")})
	target.mustHold(t, dir, &m)
}

func testClosed(t *testing.T, target Target, dir string) {
	j := target.mustOpen(t, dir)
	mustWrite(t, j, Put(1, "a"))
	for range 3 {
		mustClose(t, j)
	}
	mustBe(t, "Write after Close", j.Write([]journal.Record{Put(2, "b")}), journal.ErrClosed)
	_, err := j.Load()
	mustBe(t, "Load after Close", err, journal.ErrClosed)
	var m Model
	m.Write([]journal.Record{Put(1, "a")})
	target.mustHold(t, dir, &m)
}
