package courier

import (
	"slices"
	"testing"
)

func TestAttemptsLeaveInTheirOrder(t *testing.T) {
	var c Courier[int]
	var took []int
	for f := 1; f <= 3; f++ {
		if !c.Add(f) {
			t.Errorf("nobody takes %d", f)
		}
	}
	for range 2 {
		f, _ := c.Take()
		took = append(took, f)
	}
	c.Add(4)
	if got := c.Waiting(); !slices.Equal(got, []int{3, 4}) {
		t.Errorf("waiting are %v", got)
	}
	for f, ok := c.Take(); ok; f, ok = c.Take() {
		took = append(took, f)
	}
	if !slices.Equal(took, []int{1, 2, 3, 4}) || !slices.Equal(c.Flying(), took) {
		t.Errorf("taken were %v, and flying are %v", took, c.Flying())
	}
	c.Land(2)
	if got := c.Flying(); !slices.Equal(got, []int{1, 3, 4}) {
		t.Errorf("flying are %v", got)
	}
}

func TestAWorkerThatRunsTakesTheNextAttempt(t *testing.T) {
	var c Courier[int]
	for f := range 3 { // three workers, whose calls end together
		c.Add(f)
		c.Take()
	}
	c.HandIn(3)
	if c.Workers() != 1 {
		t.Errorf("two of three have ended, and %d are left", c.Workers())
	}
	if c.Add(3) {
		t.Error("a worker is hired although one runs")
	}
	if !c.Add(4) {
		t.Error("nobody takes the second attempt")
	}
	c.HandedIn()
	if !c.Add(5) {
		t.Error("nobody takes the third attempt")
	}
	if c.Workers() != 3 {
		t.Errorf("there are %d workers for three attempts", c.Workers())
	}
}

func TestTheLastWorkerLeavesNothing(t *testing.T) {
	var c Courier[int]
	c.Add(1)
	c.Hire()
	c.Take()
	left := c.Left()
	if c.Quit(); closed(left) {
		t.Error("the first of two was the last")
	}
	if c.Quit(); !closed(left) || c.waiting != nil {
		t.Errorf("the last one left %v", c.waiting)
	}
	if !closed(c.Left()) {
		t.Error("nobody is left, and who waits does not learn it")
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
