package sim

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds = flag.Int("sim.seeds", 2000, "how many seeds to simulate")
	first = flag.Uint64("sim.first", 1, "the first of them")
	small = flag.Bool("sim.shrink", true, "look for a shorter script that fails as well")
	one   = flag.Uint64("sim.seed", 0, "simulate this seed alone, and print what happens")
)

// TestSimulation plays many seeds. A failure prints the seed and the shortest script
// found that still fails.
func TestSimulation(t *testing.T) {
	if *one != 0 {
		r := Run(t, Draw(*one), true)
		t.Log("\n" + r.Script.String() + strings.Join(r.Trace, "\n"))
		report(t, r)
		return
	}
	var mu sync.Mutex
	var total Stats
	var virtual time.Duration
	var failed *Report
	unsure := 0
	var said time.Duration
	var next atomic.Uint64
	next.Store(*first - 1)
	last := *first + uint64(*seeds) - 1
	began := time.Now()
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1); seed <= last; seed = next.Add(1) {
					r := Run(t, Draw(seed), false)
					mu.Lock()
					total.Add(r.Stats)
					virtual += r.Virtual
					unsure += r.Unsure
					if len(r.Problems) > 0 && (failed == nil || r.Script.Seed < failed.Script.Seed) {
						failed = &r
					}
					stop := failed != nil
					if now := time.Since(began); now > said+15*time.Second {
						said = now
						fmt.Printf("%v: at seed %d\n", now.Round(time.Second), seed)
					}
					mu.Unlock()
					if stop {
						return
					}
				}
			})
		}
	})
	took := time.Since(began)
	fmt.Printf("%d seeds in %v: %v of virtual time, %d operations (%.0f a second), %d views checked, %d histories not decided\n%+v\n",
		*seeds, took.Round(time.Millisecond), virtual.Round(time.Hour), total.Operations,
		float64(total.Operations)/took.Seconds(), total.Views, unsure, total)
	if failed != nil {
		if *small {
			*failed = Shrink(t, *failed)
		}
		report(t, *failed)
	}
}

// report fails the test with the data for a repetition.
func report(t *testing.T, r Report) {
	t.Helper()
	if len(r.Problems) > 0 {
		t.Fatalf("%s\n\nrun again: go test ./evidence/sim -run TestSimulation -v -sim.seed=%d\n\nthe shortest script found:\n%v\n%s",
			strings.Join(r.Problems, "\n"), r.Script.Seed, r.Script, strings.Join(r.Trace, "\n"))
	}
}
