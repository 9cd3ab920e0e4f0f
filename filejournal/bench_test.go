package filejournal_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/internal/groupcommit"
	"github.com/optimist-go/optimist/journal"
)

// The benchmarks of appending put the journal beside the floor: the same bytes
// appended to a bare file and synced, by one writer after the other (serial) or by
// the bare file's writers in shared syncs (shared), on the same disk in the same run.
// Compare their appends/s; the times of one run mean nothing on another disk.

// operation is as large as a journaled operation with 100 bytes of arguments.
var operation = make([]byte, 300)

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		name := map[int]string{1: "writers=1/", 64: "writers=64/"}[writers]
		b.Run(name+"floor=serial", func(b *testing.B) {
			f := bareFile(b)
			var mu sync.Mutex
			var at int64
			appendAll(b, writers, func() error {
				mu.Lock()
				defer mu.Unlock()
				_, err := f.WriteAt(operation, at)
				at += int64(len(operation))
				if err == nil {
					err = f.Sync()
				}
				return err
			})
		})
		b.Run(name+"floor=shared", func(b *testing.B) {
			f := bareFile(b)
			var at int64
			queue := groupcommit.NewQueue(1<<24, func(calls []struct{}) error {
				_, err := f.WriteAt(make([]byte, len(calls)*len(operation)), at)
				at += int64(len(calls) * len(operation))
				if err == nil {
					err = f.Sync()
				}
				return err
			})
			appendAll(b, writers, func() error { return queue.Commit(struct{}{}, len(operation)) })
		})
		b.Run(name+"journal", func(b *testing.B) {
			benchJournal(b, writers, filejournal.Options{CompactAt: 1 << 40})
		})
		b.Run(name+"journal-compacting", func(b *testing.B) {
			benchJournal(b, writers, filejournal.Options{})
		})
		b.Run(name+"journal-relaxed", func(b *testing.B) {
			benchJournal(b, writers, filejournal.Options{Sync: filejournal.SyncRelaxed})
		})
	}
}

func bareFile(b *testing.B) *os.File {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}

// benchJournal puts and settles operations in turns, so that few are live.
func benchJournal(b *testing.B, writers int, options filejournal.Options) {
	j, err := filejournal.Open(b.TempDir(), options)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var mu sync.Mutex
	seq := uint64(0)
	appendAll(b, writers, func() error {
		mu.Lock()
		seq++
		r := journal.Record{Seq: seq / 2, Settled: seq%2 == 1, Data: operation}
		mu.Unlock()
		return j.Write([]journal.Record{r})
	})
}

// appendAll shares b.N appends among writers.
func appendAll(b *testing.B, writers int, write func() error) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < b.N; i += writers {
				if err := write(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLoad opens a journal with 100,000 live records of 300 bytes and loads it.
func BenchmarkLoad(b *testing.B) {
	const live = 100_000
	dir := b.TempDir()
	j, err := filejournal.Open(dir, filejournal.Options{Sync: filejournal.SyncRelaxed})
	if err != nil {
		b.Fatal(err)
	}
	for seq := range uint64(live) { // a frame each, which is the worst case
		if err := j.Write([]journal.Record{{Seq: seq, Data: operation}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		j, err := filejournal.Open(dir, filejournal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if records, err := j.Load(); err != nil || len(records) != live {
			b.Fatal(len(records), err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(live)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkSize reports the size of a record on disk beside its own bytes when every
// record is a write of its own, which is the worst case.
func BenchmarkSize(b *testing.B) {
	const live = 10_000
	for b.Loop() {
		j, err := filejournal.Open(b.TempDir(), filejournal.Options{Sync: filejournal.SyncRelaxed})
		if err != nil {
			b.Fatal(err)
		}
		for seq := range uint64(live) {
			// Far from the start, so that sequence numbers are not small.
			if err := j.Write([]journal.Record{{Seq: seq + 1<<40, Data: operation}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(j.Stats().FileBytes)/live-float64(len(operation)), "overhead-B/record")
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
