package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	lab "github.com/optimist-go/optimist/internal/engine/enginetest"
	"github.com/optimist-go/optimist/reason"
)

// TestWhy takes the reason of every operation of random states away.
func TestWhy(t *testing.T) {
	budget := *twinsFlag / 2
	if testing.Short() {
		budget = min(budget, time.Second)
	}
	looked := make(map[reason.Kind]int)
	n := 0
	for start, first := time.Now(), rand.Uint64()>>16; time.Since(start) < budget; n++ {
		seed := first + uint64(n)
		if err := lab.CheckWhy(bytesOf(seed, 20+n%140), looked); err != nil {
			t.Fatalf("seed %d, length %d: %v", seed, 20+n%140, err)
		}
	}
	t.Logf("%d states, by kind of reason: %v", n, looked)
	for k := reason.Disk; k <= reason.Loading; k++ {
		if looked[k] == 0 && n > 20_000 {
			t.Errorf("no operation waited for %d", k)
		}
	}
}
