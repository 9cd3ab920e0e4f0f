package load

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// TestTroublesAreSpread: each comes when its share of the taps is made, and none when it
// is not.
func TestTroublesAreSpread(t *testing.T) {
	for _, test := range []struct {
		early bool
		times int
		want  []int
	}{{false, 1, []int{51}}, {false, 4, []int{13, 38, 63, 88}}, {true, 1, []int{1}}, {true, 2, []int{1, 51}}} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			var came []int
			c := newCourse(Trouble{Times: test.times, Early: test.early, Do: func(context.Context) error {
				came = append(came, made)
				return nil
			}}, 100)
			go c.run(t.Context())
			for range 100 {
				made++
				c.tapped(made)
				synctest.Wait()
			}
			if !slices.Equal(came, test.want) || c.count().Times != test.times {
				t.Errorf("%+v: %v", test, came)
			}
		})
	}
}

// TestTapsWaitForTroubles: while two are due, nobody taps.
func TestTapsWaitForTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		c := newCourse(Trouble{Times: 2, Do: func(context.Context) error { <-done; return nil }}, 100)
		go c.run(t.Context())
		waits := func(made int) bool {
			c.tapped(made)
			ctx, cancel := context.WithCancel(t.Context())
			paced := false
			go func() { paced = c.pace(ctx) == nil }()
			synctest.Wait()
			cancel()
			synctest.Wait()
			return !paced
		}
		if waits(30) || !waits(76) {
			t.Error("with one that is not done, taps wait from the second on")
		}
		done <- struct{}{}
		synctest.Wait()
		if waits(76) {
			t.Error("with one left, nobody has to wait")
		}
		close(done)
	})
}

// TestTroubleThatFails ends the course, with its name.
func TestTroubleThatFails(t *testing.T) {
	c := newCourse(Trouble{Name: "servers killed", Times: 1, Do: func(context.Context) error { return errors.New("gone") }}, 10)
	c.tapped(10)
	if err := c.run(t.Context()); err == nil || err.Error() != "servers killed, 1 of 1: gone" || c.count().Times != 0 {
		t.Error(err)
	}
}
