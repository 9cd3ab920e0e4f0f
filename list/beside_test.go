package list_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"runtime"
)

// BenchmarkBeside measures taps with lists beside the tap without one, alternated in short
// rounds in one process, so that the noise of a shared machine falls on all alike. It reports
// the median time of each, and how many times that of the tap without a list it is.
func BenchmarkBeside(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			const taps = 40 // short enough to be left alone
			variants := []struct {
				name  string
				keep  func(b testing.TB, f *field)
				moves bool
				f     *field
				next  int
				took  []float64
			}{
				{name: "floor", moves: true},
				{name: "stays", keep: keepList(0)},
				{name: "moves", keep: keepList(0), moves: true},
				{name: "ten", keep: keepTen, moves: true},
			}
			for i := range variants {
				v := &variants[i]
				v.f = newField(b, n)
				if v.keep != nil {
					v.keep(b, v.f)
				}
			}
			runtime.GC()
			b.ResetTimer()
			for range b.N {
				for i := range variants {
					v := &variants[i]
					t := time.Now()
					for range taps {
						id := v.next * 7919 % n
						hours := hoursOf(id)
						if v.moves {
							hours = v.next * 7919 % 1000
						}
						v.f.tap(b, v.f.ids[id], task{Text: "x" + strconv.Itoa(v.next&1), Hours: hours})
						v.next++
					}
					v.took = append(v.took, float64(time.Since(t).Nanoseconds())/taps)
				}
			}
			b.StopTimer()
			b.ReportMetric(0, "ns/op")
			for i := range variants {
				v := &variants[i]
				slices.Sort(v.took)
				med, floor := v.took[len(v.took)/2], variants[0].took[len(variants[0].took)/2]
				b.ReportMetric(med, v.name+"-ns")
				b.ReportMetric(med/floor, v.name+"-x")
				b.ReportMetric(v.took[0]/variants[0].took[0], v.name+"-minx")
			}
		})
	}
}

func keepTen(b testing.TB, f *field) {
	for range 10 {
		keepList(0)(b, f)
	}
}
