package order

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBy(t *testing.T) {
	for n := range 200 {
		v := rand.Perm(n)
		By(n, func(i, j int) bool { return v[i] < v[j] }, func(i, j int) { v[i], v[j] = v[j], v[i] })
		if !slices.IsSorted(v) {
			t.Fatalf("%d elements: %v", n, v)
		}
	}
}

func TestKeys(t *testing.T) {
	m := map[string]int{"b": 1, "": 2, "a": 3, "ab": 4}
	if got := Keys(len(m), maps.Keys(m)); !slices.Equal(got, []string{"", "a", "ab", "b"}) {
		t.Error(got)
	}
}
