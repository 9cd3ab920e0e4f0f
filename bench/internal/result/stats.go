package result

import (
	"math"
	"slices"
)

// Quantile is the q-quantile of sorted numbers, nearest rank; NaN of none.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Summarise writes the distribution of values into the cell.
func (c *Cell) Summarise(values []float64) {
	if len(values) == 0 {
		return
	}
	s := slices.Sorted(slices.Values(values))
	c.N = len(s)
	c.Min, c.Max = &s[0], &s[len(s)-1]
	p50, p99 := Quantile(s, 0.5), Quantile(s, 0.99)
	c.P50, c.P99 = &p50, &p99
}

// Median is the middle of numbers, the mean of the two middle ones of an even count.
func Median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}
