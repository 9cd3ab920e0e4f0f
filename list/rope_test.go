package list

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

// TestRopeIsASortedSlice compares a rope of thousands of rows with a sorted slice, and ropes
// that readers got earlier with what they were.
func TestRopeIsASortedSlice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 1))
	var r rope[int]
	var keys []string
	type read struct {
		blocks []*block[int]
		keys   []string
	}
	var readers []read
	grow := 3 // of 4 steps
	for step := range 20_000 {
		if step%5_000 == 4_999 {
			grow = 4 - grow
		}
		key := fmt.Sprintf("%06d", rnd.IntN(8_000))
		at, there := slices.BinarySearch(keys, key)
		b, i, found := r.find(key)
		if found != there || r.rank(b, i) != at {
			t.Fatalf("step %d: %s is at %d (%v), want %d (%v)", step, key, r.rank(b, i), found, at, there)
		}
		switch insert := rnd.IntN(4) < grow; {
		case there && !insert:
			r.remove(b, i)
			keys = slices.Delete(keys, at, at+1)
		case there:
			r.replace(b, i, &entry[int]{key: key, row: Row[int]{ID: key}})
		case insert:
			r.insert(b, i, &entry[int]{key: key, row: Row[int]{ID: key}})
			keys = slices.Insert(keys, at, key)
		}
		if step%500 == 0 {
			readers = append(readers, read{r.share(), slices.Clone(keys)})
		}
		if step%2_000 == 0 {
			if got := keysOf(r.blocks); !slices.Equal(got, keys) || r.n != len(keys) {
				t.Fatalf("step %d: %d rows, %d counted, want %d", step, len(got), r.n, len(keys))
			}
		}
	}
	for i, old := range readers {
		if !slices.Equal(keysOf(old.blocks), old.keys) {
			t.Fatalf("reader %d: its rows have changed", i)
		}
	}
	most := 2*r.n/(maxBlock/2) + 2
	if len(r.blocks) > most {
		t.Errorf("%d blocks for %d rows", len(r.blocks), r.n)
	}
}

func keysOf(blocks []*block[int]) (keys []string) {
	for _, b := range blocks {
		for _, e := range b.rows {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// TestKeysOrderAsTheirValues compares the order of keys with that of values.
func TestKeysOrderAsTheirValues(t *testing.T) {
	floats := []float64{math.NaN(), math.Inf(-1), -1e300, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1, math.Inf(1)}
	ints := []int64{math.MinInt64, -256, -1, 0, 1, 255, 256, math.MaxInt64}
	uints := []uint8{0, 1, 127, 128, 255}
	texts := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00a", "\x01", "a", "a\x00", "a\x00b", "aa", "b", "\xff", "\xff\xff"}
	ascends(t, floats)
	ascends(t, ints)
	ascends(t, uints)
	ascends(t, texts)
	type name string
	ascends(t, []name{"a", "b"})
	if a, b := key(Asc(func(string, float64) float64 { return math.Copysign(0, -1) })), key(Asc(func(string, float64) float64 { return 0 })); a != b {
		t.Error("-0 and 0 differ")
	}
}

func key(k Key[float64]) string { return string(k.extend(nil, "", 0)) }

func ascends[K interface {
	~int64 | ~uint8 | ~string | ~float64
}](t *testing.T, values []K) {
	t.Helper()
	self := func(_ string, v K) K { return v }
	for _, tail := range []string{"", "id", "\xff"} { // as the id and further keys follow
		var up, down []string
		for _, v := range values {
			up = append(up, string(Asc(self).extend(nil, "", v))+tail)
			down = append(down, string(Desc(self).extend(nil, "", v))+tail)
		}
		slices.Reverse(down)
		if !sort.StringsAreSorted(up) || !sort.StringsAreSorted(down) || len(slices.Compact(up)) != len(values) {
			t.Errorf("the keys of %v do not ascend: %q", values, strings.Join(up, " "))
		}
	}
}
