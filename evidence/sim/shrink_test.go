package sim

import (
	"slices"
	"testing"
)

// Shrink drops steps of a failing script for as long as it still fails, and returns the
// last failure with its trace.
func Shrink(t *testing.T, failed Report) Report {
	best := failed
	budget := 400
	for size := max(len(best.Script.Steps)/2, 1); size >= 1; size /= 2 {
		for at := 0; at < len(best.Script.Steps) && budget > 0; {
			try := best.Script
			try.Steps = slices.Delete(slices.Clone(try.Steps), at, min(at+size, len(try.Steps)))
			budget--
			if r := Run(t, try, true); len(r.Problems) > 0 {
				best = r
			} else {
				at += size
			}
		}
	}
	if best.Trace == nil {
		best = Run(t, best.Script, true)
	}
	return best
}
