package order

import (
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
