package journaltest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/journal"
)

func testSecondOwner(t *testing.T, target Target, dir string) {
	first := target.mustOpen(t, dir)
	mustWrite(t, first, Put(1, "a"))
	for range 3 {
		began := time.Now()
		second, err := target.Open(dir)
		if err == nil {
			mustClose(t, second)
		}
		mustBe(t, "Open of an owned journal", err, journal.ErrOwned)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the refusal took %v, more than a second", took)
		}
		mustWrite(t, first, Put(2, "undisturbed"))
	}
	mustClose(t, first)
	var m Model
	m.Write([]journal.Record{Put(1, "a"), Put(2, "undisturbed")})
	target.mustHold(t, dir, &m) // takes over
	mustClose(t, first)         // an earlier owner: its Close must not free the lock of the next
	j := target.mustOpen(t, dir)
	mustClose(t, first)
	_, err := target.Open(dir)
	mustBe(t, "Open after a late second Close of the former owner", err, journal.ErrOwned)
	mustClose(t, j)
}

// Writers with records of their own share the journal; the writes of each stay in
// order.
func testConcurrent(t *testing.T, target Target, dir string) {
	const writers, writes = 64, 12
	seed := Seed(t)
	j := target.mustOpen(t, dir)
	models := make([]Model, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			g := NewGenerator(seed, uint64(w), writers)
			for range writes {
				batch := g.Next()
				if err := j.Write(batch); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				models[w].Write(batch)
			}
		})
	}
	wg.Wait()
	mustClose(t, j)
	j = target.mustOpen(t, dir)
	checkWriters(t, mustLoad(t, j), models)
	mustClose(t, j)
}

// checkWriters checks records that writer w numbered w, w+n, w+2n and so on.
func checkWriters(t testing.TB, loaded []journal.Record, models []Model) {
	t.Helper()
	parts := make([][]journal.Record, len(models))
	for _, r := range loaded {
		w := r.Seq % uint64(len(models))
		parts[w] = append(parts[w], r)
	}
	for w := range models {
		if err := models[w].Check(parts[w]); err != nil {
			t.Errorf("writer %d: %v", w, err)
		}
	}
}

// A Write during Close either succeeds, and its records are there, or is refused,
// and they are not.
func testCloseDuringWrites(t *testing.T, target Target, dir string) {
	const writers = 8
	seed := Seed(t)
	j := target.mustOpen(t, dir)
	models := make([]Model, writers)
	var started, wg sync.WaitGroup
	started.Add(writers)
	for w := range writers {
		wg.Go(func() {
			g := NewGenerator(seed, uint64(w), writers)
			for i := 0; ; i++ {
				batch := g.Next()
				if err := j.Write(batch); err != nil {
					mustBe(t, "Write during Close", err, journal.ErrClosed)
					break
				}
				models[w].Write(batch)
				if i == 0 {
					started.Done()
				}
			}
		})
	}
	started.Wait()
	mustClose(t, j)
	wg.Wait()
	j = target.mustOpen(t, dir)
	checkWriters(t, mustLoad(t, j), models)
	mustClose(t, j)
}

func testRandom(t *testing.T, target Target, dir string) {
	seed := Seed(t)
	g := NewGenerator(seed, 1, 1)
	var m Model
	for session := range 12 {
		j := target.mustOpen(t, dir)
		if err := m.Check(mustLoad(t, j)); err != nil {
			t.Fatalf("session %d: %v", session, err)
		}
		for range 1 + g.rng.IntN(60) {
			batch := g.Next()
			mustWrite(t, j, batch...)
			m.Write(batch)
		}
		mustClose(t, j)
	}
	target.mustHold(t, dir, &m)
}

func testMany(t *testing.T, target Target, dir string) {
	total, perBatch := 100_000, 5_000
	if testing.Short() {
		total = 10_000
	}
	j := target.mustOpen(t, dir)
	var m Model
	for from := 1; from <= total; from += perBatch {
		batch := make([]journal.Record, perBatch)
		for i := range batch {
			batch[i] = Put(uint64(from+i), fmt.Sprintf("%0100d", from+i))
		}
		mustWrite(t, j, batch...)
		m.Write(batch)
	}
	mustClose(t, j)
	began := time.Now()
	target.mustHold(t, dir, &m)
	t.Logf("opened, loaded and compared %d live records in %v", total, time.Since(began))
}

// Settled records must not pile up.
func testBounded(t *testing.T, target Target, dir string) {
	if target.Size == nil {
		t.Skip("the journal has no size to look at")
	}
	limit := target.MaxSize
	if limit == 0 {
		limit = 2 << 20
	}
	j := target.mustOpen(t, dir)
	mustWrite(t, j, Put(0, "header"), Put(1, "lives on"))
	const perBatch = 500
	for from := uint64(2); from < 80*perBatch; from += perBatch {
		put := make([]journal.Record, perBatch)
		settle := make([]journal.Record, perBatch)
		for i := range put {
			put[i] = Put(from+uint64(i), fmt.Sprintf("%0200d", i))
			settle[i] = Settle(from + uint64(i))
		}
		mustWrite(t, j, put...)
		mustWrite(t, j, settle...)
		size, err := target.Size(dir)
		if err != nil {
			t.Fatal(err)
		}
		if size > limit {
			t.Fatalf("with %d settled records the journal takes %d bytes, the bound is %d", from+perBatch, size, limit)
		}
	}
	mustClose(t, j)
	var m Model
	m.Write([]journal.Record{Put(0, "header"), Put(1, "lives on")})
	target.mustHold(t, dir, &m)
}

func testIdleSessions(t *testing.T, target Target, dir string) {
	if target.Size == nil {
		t.Skip("the journal has no size to look at")
	}
	sizes := make([]int64, 10)
	for i := range sizes {
		j := target.mustOpen(t, dir)
		mustLoad(t, j)
		mustClose(t, j)
		var err error
		if sizes[i], err = target.Size(dir); err != nil {
			t.Fatal(err)
		}
	}
	if sizes[9] > sizes[1] {
		t.Errorf("opening and closing makes the journal grow: %d bytes", sizes)
	}
}
