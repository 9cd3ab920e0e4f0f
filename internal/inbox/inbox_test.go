package inbox

import (
	"slices"
	"sync"
	"testing"
)

func TestTheFirstOneHandsInForAll(t *testing.T) {
	var b Inbox[int]
	for n := 1; n <= 3; n++ {
		if first := b.Put(n); first != (n == 1) {
			t.Errorf("%d has to hand in: %v", n, first)
		}
	}
	if got := b.Take(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("there were %v", got)
	}
	if !b.Put(4) {
		t.Error("nobody hands in the next")
	}
	if got := b.Take(); !slices.Equal(got, []int{4}) {
		t.Errorf("then there were %v", got)
	}
}

func TestNothingIsLostBetweenGoroutines(t *testing.T) {
	var b Inbox[int]
	var receiver sync.Mutex
	var got []int
	var all sync.WaitGroup
	for n := range 1000 {
		all.Go(func() {
			if b.Put(n) {
				receiver.Lock()
				got = append(got, b.Take()...)
				receiver.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(got)
	if len(got) != 1000 || len(slices.Compact(got)) != 1000 {
		t.Errorf("%d of 1000 were handed in", len(got))
	}
}
