package groupcommit

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestCallsShareTheNextFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var groups [][]int
		q := NewQueue(100, func(calls []int) error {
			groups = append(groups, slices.Clone(calls))
			<-release
			return nil
		})
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if err := q.Commit(i, 1); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // call 0 is in its flush; the others gather in order
		}
		close(release)
		wg.Wait()
		want := [][]int{{0}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}
		if !slices.EqualFunc(groups, want, slices.Equal) {
			t.Errorf("groups = %v, want %v", groups, want)
		}
	})
}

func TestWeightClosesAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var groups [][]int
		q := NewQueue(5, func(calls []int) error {
			groups = append(groups, slices.Clone(calls))
			<-release
			return nil
		})
		var wg sync.WaitGroup
		for _, weight := range []int{9, 3, 2, 1, 7} { // 9 alone, 3+2, then the rest
			wg.Go(func() { _ = q.Commit(weight, weight) })
			synctest.Wait()
		}
		close(release)
		wg.Wait()
		for _, g := range groups {
			sum := 0
			for _, w := range g {
				sum += w
			}
			if len(g) > 1 && sum > 5 {
				t.Errorf("group %v weighs %d, limit 5", g, sum)
			}
		}
		if len(groups) < 4 {
			t.Errorf("groups = %v, want 9 and 7 alone", groups)
		}
	})
}

func TestEveryCallGetsItsFlushsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("bad")
		release := make(chan struct{})
		q := NewQueue(100, func(calls []int) error {
			<-release
			if slices.Contains(calls, 3) {
				return bad
			}
			return nil
		})
		errs := make([]error, 5)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = q.Commit(i, 1) })
			synctest.Wait()
		}
		close(release)
		wg.Wait()
		for i, err := range errs {
			if (i == 0) != (err == nil) {
				t.Errorf("call %d: error %v; call 0 was flushed alone, 1 to 4 with the bad one", i, err)
			}
		}
	})
}

// Under load nothing is lost, doubled, or flushed by two callers at once.
func TestUnderLoad(t *testing.T) {
	const callers, each = 16, 500
	var busy atomic.Bool
	var got []int // guarded by the promise that flushes never overlap; -race checks it
	q := NewQueue(40, func(calls []int) error {
		if !busy.CompareAndSwap(false, true) {
			t.Error("two flushes overlap")
		}
		got = append(got, calls...)
		busy.Store(false)
		return nil
	})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				_ = q.Commit(c*each+i, 1+i%7)
			}
		})
	}
	wg.Wait()
	last := make(map[int]int)
	for _, v := range got {
		if v < last[v/each] {
			t.Errorf("caller %d: %d flushed after %d", v/each, v, last[v/each])
		}
		last[v/each] = v
	}
	slices.Sort(got)
	if len(got) != callers*each || len(slices.Compact(got)) != callers*each {
		t.Errorf("flushed %d calls, want each of %d once", len(got), callers*each)
	}
}
