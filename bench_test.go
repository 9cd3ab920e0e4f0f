package optimist

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The floor is what any debounced change costs at least: a lock, a map write and a
// timer that is reset.
type floor struct {
	mu     sync.Mutex
	values map[string]benchPost
	timers map[string]*time.Timer
}

func newFloor() *floor {
	return &floor{values: make(map[string]benchPost), timers: make(map[string]*time.Timer)}
}

func (f *floor) tap(id string, wait time.Duration, fire func(string)) {
	f.mu.Lock()
	p := f.values[id]
	p.Mine = !p.Mine
	f.values[id] = p
	if t := f.timers[id]; t != nil {
		t.Reset(wait)
	} else {
		f.timers[id] = time.AfterFunc(wait, func() { fire(id) })
	}
	f.mu.Unlock()
}

type benchPost struct {
	Likes int
	Mine  bool
}

func benchManager(b testing.TB, opts Options, send func(Call[Switched]) error) (*Manager, *Store[benchPost], *Switch[benchPost]) {
	checked := afterStep
	afterStep = nil
	b.Cleanup(func() { afterStep = checked })
	if opts.MaxPending == 0 {
		opts.MaxPending = 10_000_000
	}
	m, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	posts := NewStore[benchPost](m, "post")
	like := RegisterToggle(posts, Toggle[benchPost]{
		Type: "like",
		Get:  func(p benchPost, _ string) bool { return p.Mine },
		Set: func(p benchPost, _ string, on bool) benchPost {
			p.Mine = on
			return p
		},
		Send: func(_ context.Context, c Call[Switched]) (Truth[benchPost], error) {
			return Truth[benchPost]{}, send(c)
		},
	})
	return m, posts, like
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "post-" + strconv.Itoa(i)
	}
	return out
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// BenchmarkTap: one tap, until the view has changed and the call has returned, on
// one of 64 entities, with others pending.
func BenchmarkTap(b *testing.B) {
	names := ids(64)
	for _, others := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("floor/others=%d", others), func(b *testing.B) {
			f := newFloor()
			for _, id := range ids(others) {
				f.tap("other-"+id, time.Hour, func(string) {})
			}
			took := make([]time.Duration, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				t := time.Now()
				f.tap(names[i%64], time.Hour, func(string) {})
				took[i] = time.Since(t)
			}
			b.StopTimer()
			percentiles(b, took)
			for _, t := range f.timers {
				t.Stop()
			}
		})
		b.Run(fmt.Sprintf("optimist/others=%d", others), func(b *testing.B) {
			hour := Policy{Debounce: Debounce{Wait: time.Hour, MaxWait: time.Hour}}
			m, posts, like := benchManager(b, Options{Policy: hour}, func(Call[Switched]) error { return nil })
			ctx := context.Background()
			for _, id := range ids(others) {
				posts.Receive("other-"+id, TruthOf(benchPost{}, 1))
				like.Set(ctx, "other-"+id, "u", true)
			}
			for _, id := range names {
				posts.Receive(id, TruthOf(benchPost{}, 1))
			}
			took := make([]time.Duration, b.N)
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				t := time.Now()
				like.Set(ctx, names[i%64], "u", i/64%2 == 0)
				took[i] = time.Since(t)
			}
			b.StopTimer()
			percentiles(b, took)
			m.ClearAll()
		})
	}
}

// BenchmarkSettle: 100,000 taps on 10,000 entities without debounce, by as many
// producers as there are cores, until all is settled. Run it with -cpu 1,2 to see
// what a second core brings: to one manager whose calls cost nothing, to one whose
// calls cost what it takes to write and read a small JSON body, and to a manager per
// producer, as in a server with a manager per session.
func BenchmarkSettle(b *testing.B) {
	const taps = 100_000
	entities := 10_000
	names := ids(taps)
	b.Run("floor", func(b *testing.B) {
		for range b.N {
			f := newFloor()
			var fired atomic.Int64
			produce(taps, func(_, i int) { f.tap(names[i%entities], 0, func(string) { fired.Add(1) }) })
			for fired.Load() < int64(entities) {
				runtime.Gosched()
			}
		}
		b.ReportMetric(taps*float64(b.N)/b.Elapsed().Seconds(), "taps/s")
	})
	settle := func(managers, entities int, send func(Call[Switched]) error) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			var calls atomic.Int64
			ctx := context.Background()
			for range b.N {
				b.StopTimer()
				ms, likes := make([]*Manager, managers), make([]*Switch[benchPost], managers)
				for k := range managers {
					m, posts, like := benchManager(b, Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}}}, func(c Call[Switched]) error {
						calls.Add(1)
						return send(c)
					})
					for _, id := range names[:entities] {
						posts.Receive(id, TruthOf(benchPost{}, 1))
					}
					ms[k], likes[k] = m, like
				}
				b.StartTimer()
				produce(taps, func(p, i int) {
					likes[p%managers].Set(ctx, names[i%entities], "u", i/entities%2 == 0)
				})
				for _, m := range ms {
					m.Flush(ctx)
				}
			}
			b.ReportMetric(float64(calls.Load())/float64(b.N), "calls")
			b.ReportMetric(taps*float64(b.N)/b.Elapsed().Seconds(), "taps/s")
		}
	}
	free := func(Call[Switched]) error { return nil }
	b.Run("optimist", settle(1, entities, free))
	b.Run("each tap a call", settle(1, taps, free))
	b.Run("each tap a JSON call", settle(1, taps, jsonCall))
	b.Run("a manager per core", settle(runtime.GOMAXPROCS(0), entities, free))
}

// produce shares n pieces of work among as many goroutines as there are cores.
func produce(n int, work func(producer, i int)) {
	var wg sync.WaitGroup
	procs := runtime.GOMAXPROCS(0)
	for p := range procs {
		wg.Go(func() {
			for i := p; i < n; i += procs {
				work(p, i)
			}
		})
	}
	wg.Wait()
}

// jsonCall does the least that a call over a wire needs: it writes a body and reads one.
func jsonCall(c Call[Switched]) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var back Call[Switched]
	return json.Unmarshal(body, &back)
}

// BenchmarkPendingMemory: heap per pending operation of the typed door.
func BenchmarkPendingMemory(b *testing.B) {
	const n = 100_000
	names := ids(n)
	for range b.N {
		hour := Policy{Debounce: Debounce{Wait: time.Hour, MaxWait: time.Hour}}
		m, posts, like := benchManager(b, Options{Policy: hour}, func(Call[Switched]) error { return nil })
		for _, id := range names {
			posts.Receive(id, TruthOf(benchPost{}, 1))
		}
		before := heap()
		ctx := context.Background()
		for _, id := range names {
			like.Set(ctx, id, "u7", true)
		}
		during := heap()
		m.ClearAll()
		after := heap()
		b.ReportMetric(float64(during-before)/n, "B/pending")
		b.ReportMetric(float64(after-before)/n, "B/settled")
		runtime.KeepAlive(m)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

type counter struct{ N int }

// BenchmarkChain: a chain of n unsettled operations on one entity.
func BenchmarkChain(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		build := func(b *testing.B) (*Manager, *Store[counter], []*Handle) {
			m, _, _ := benchManager(b, Options{MaxPerEntity: 20_000}, nil)
			s := NewStore[counter](m, "counter")
			add := Register(s, Mutation[counter, int]{
				Type:  "add",
				Apply: func(c counter, by int) (counter, error) { c.N += by; return c, nil },
				Send:  func(context.Context, Call[int]) (Truth[counter], error) { return Truth[counter]{}, nil },
			})
			m.SetOnline(false)
			s.Receive("1", TruthOf(counter{}, 1))
			handles := make([]*Handle, n)
			for i := range handles {
				handles[i], _ = add.Execute(context.Background(), "1", 1)
			}
			return m, s, handles
		}
		b.Run(fmt.Sprintf("first-fails/n=%d", n), func(b *testing.B) {
			took := make([]time.Duration, b.N)
			for i := range b.N {
				m, s, handles := build(b)
				start := time.Now()
				handles[0].Cancel()
				took[i] = time.Since(start)
				if v := s.View("1"); v.Value.N != n-1 {
					b.Fatal(v)
				}
				m.ClearAll()
			}
			percentiles(b, took)
		})
		b.Run(fmt.Sprintf("drain/n=%d", n), func(b *testing.B) {
			took := make([]time.Duration, b.N)
			for i := range b.N {
				m, s, _ := build(b)
				start := time.Now()
				m.SetOnline(true)
				m.Flush(context.Background())
				took[i] = time.Since(start) / time.Duration(n)
				if v := s.View("1"); v.Value.N != n || v.Pending != 0 {
					b.Fatal(v)
				}
			}
			percentiles(b, took)
		})
	}
}

// BenchmarkPush: server truth for an entity with one pending operation.
func BenchmarkPush(b *testing.B) {
	hour := Policy{Debounce: Debounce{Wait: time.Hour, MaxWait: time.Hour}}
	m, posts, like := benchManager(b, Options{Policy: hour}, func(Call[Switched]) error { return nil })
	posts.Receive("1", TruthOf(benchPost{}, 1))
	like.Set(context.Background(), "1", "u", true)
	b.ReportAllocs()
	for i := range b.N {
		posts.Receive("1", TruthOf(benchPost{Likes: i}, uint64(i+2)))
	}
	m.ClearAll()
}
