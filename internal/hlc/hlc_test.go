package hlc

import (
	"errors"
	"testing"
	"time"
)

func TestItFollowsAnotherClockAsFarAsItsDriftIsAllowed(t *testing.T) {
	c := Clock{MaxDrift: time.Minute}
	wall := time.UnixMilli(1_000_000)
	ahead := At(wall.Add(time.Minute))
	if err := c.Observe(ahead, wall); err != nil {
		t.Fatal(err)
	}
	if next := c.Next(wall); next <= ahead {
		t.Errorf("%d after %d was observed", next, ahead)
	}
	absurd := At(wall.Add(time.Hour))
	if err := c.Observe(absurd, wall); !errors.Is(err, ErrDrift) {
		t.Errorf("observed %d: %v", absurd, err)
	}
	if next := c.Next(wall); next >= absurd || !Wall(next).Equal(wall.Add(time.Minute)) {
		t.Errorf("it follows to %v", Wall(next))
	}
	if err := c.Observe(1, wall); err != nil {
		t.Errorf("an old timestamp is refused: %v", err)
	}
}
