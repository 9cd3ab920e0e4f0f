package workload_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/workload"
)

// optimist must be right in every workload, at all speeds. The variant without
// debounce sends a pair of taps that changes nothing: E8 counts that as wrong.
func TestOptimistIsRight(t *testing.T) {
	for _, name := range workload.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cells, err := workload.Run(client.Libraries[0], name, "quick")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cells {
				if !c.Right && !(c.Variant == client.NoDebounce && c.Key() == "row=E8") {
					t.Errorf("%s %s: got %q, want %q, error %q", c.Key(), c.Variant, c.Got, c.Want, c.Error)
				}
			}
		})
	}
}

func TestEveryWorkloadHasBothForms(t *testing.T) {
	for _, name := range workload.Names {
		for _, form := range []string{"full", "quick"} {
			if _, err := workload.SizesOf(name, form); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := workload.Run(client.Libraries[0], "W9", "full"); !errors.Is(err, workload.ErrUnknown) {
		t.Errorf("unknown workload: %v", err)
	}
}
