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

func TestAgeIsMeasuredByTheWallClockUnlessThatWasSetBack(t *testing.T) {
	taken := time.UnixMilli(1_000_000)
	for ahead, rows := range map[time.Duration]map[time.Duration]time.Duration{ // of the latest timestamp, and of the wall
		time.Hour:    {time.Minute: time.Minute, 0: 1, -time.Minute: time.Hour},
		-time.Second: {time.Minute: time.Minute, 0: 1, -time.Minute: 1},
	} {
		for wall, want := range rows {
			c := Clock{Last: At(taken.Add(ahead))}
			if got := c.Age(At(taken), taken.Add(wall)); got != want {
				t.Errorf("the wall clock %v later, the latest timestamp %v: %v, want %v", wall, ahead, got, want)
			}
		}
	}
}
