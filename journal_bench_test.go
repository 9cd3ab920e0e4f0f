package optimist_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

type args100 struct{ Text string }

func textStored() optimist.Stored[args100] {
	return optimist.Stored[args100]{
		Encode: func(a args100) ([]byte, error) { return []byte(a.Text), nil },
		Decode: func(_ int, data []byte) (args100, error) { return args100{string(data)}, nil },
	}
}

func journaled(b testing.TB, j journal.Journal) (*optimist.Manager, *optimist.Action[note, args100]) {
	m, err := optimist.New(optimist.Options{Journal: j, MaxPending: 1 << 30, Policy: optimist.Policy{
		Debounce: optimist.Debounce{Wait: time.Hour, MaxWait: time.Hour},
	}})
	if err != nil {
		b.Fatal(err)
	}
	notes := optimist.NewStore[note](m, "note")
	a := optimist.Register(notes, optimist.Mutation[note, args100]{
		Type: "edit", Kind: optimist.Create, Slot: func(args100) string { return "text" }, Stored: textStored(),
		Apply: func(n note, a args100) (note, error) { n.Text = a.Text; return n, nil },
		Send: func(context.Context, optimist.Call[args100]) (t optimist.Truth[note], err error) {
			return t, err
		},
	})
	m.SetOnline(false)
	if _, err := m.Restore(); err != nil {
		b.Fatal(err)
	}
	return m, a
}

var hundred = strings.Repeat("x", 100)

// BenchmarkJournaledExecute: what asynchronous durability costs the caller, at a
// pace of 50,000 taps a second. Without a pace the writer, which then has as much to
// do as the caller, competes with it for the machine.
func BenchmarkJournaledExecute(b *testing.B) {
	ctx := context.Background()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range []struct {
		name string
		open func(b *testing.B) journal.Journal
	}{
		{"none", func(*testing.B) journal.Journal { return nil }},
		{"memory", func(*testing.B) journal.Journal { return memjournal.New() }},
		{"file", func(b *testing.B) journal.Journal {
			j, err := filejournal.Open(b.TempDir(), filejournal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return j
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, a := journaled(b, c.open(b))
			took := make([]time.Duration, b.N)
			b.ReportAllocs()
			for i := range b.N {
				id := strconv.Itoa(i % 10_000)
				text := hundred[:90] + strconv.Itoa(i)
				start := time.Now()
				a.Execute(ctx, id, args100{text})
				took[i] = time.Since(start)
				for time.Since(start) < 20*time.Microsecond {
				}
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
			m.Close(ended)
		})
	}
}

// BenchmarkJournalLoad: 100,000 pending operations on disk, restored.
func BenchmarkJournalLoad(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	open := func() journal.Journal {
		j, err := filejournal.Open(dir, filejournal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return j
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m, a := journaled(b, open())
	var last *optimist.Handle
	for i := range n {
		h, err := a.Execute(context.Background(), strconv.Itoa(i), args100{hundred})
		if err != nil {
			b.Fatal(err)
		}
		last = h
	}
	if err := last.Await(context.Background(), optimist.Journaled); err != nil {
		b.Fatal(err)
	}
	m.Close(ended)
	var size int64
	filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return nil
	})
	b.ResetTimer()
	for range b.N {
		j := open()
		m, _ := journaled(b, j)
		if m.Snapshot().Pending != n {
			b.Fatal(m.Snapshot().Pending)
		}
		m.Close(ended)
	}
	b.ReportMetric(float64(size)/n, "B-on-disk/op")
}
