package deadline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// begun is the context of a call that begins a second after the engine's time 0, and has to end
// so long after its begin.
func begun(t *testing.T, until time.Duration, l Limits) *Context {
	if l.Until = engine.Never; until > 0 {
		l.Until = Later(engine.Time(time.Second), until)
	}
	c := New("call", time.Now().Add(-time.Second), l)
	if err := c.Begin(c.now()); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestItEndsAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := begun(t, time.Minute, Limits{Timeout: 10 * time.Second})
		if end, ok := c.Deadline(); !ok || end.Sub(start) != 10*time.Second {
			t.Errorf("deadline %v %v", end, ok)
		}
		<-c.Done()
		if since := time.Since(start); since != 10*time.Second || c.Err() != context.DeadlineExceeded {
			t.Errorf("ended after %v: %v", since, c.Err())
		}
	})
}

func TestItEndsWithTheOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := begun(t, 3*time.Second, Limits{Timeout: 10 * time.Second})
		<-c.Done()
		if since := time.Since(start); since != 3*time.Second {
			t.Errorf("ended after %v", since)
		}
	})
}

func TestWithoutLimitsItNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := begun(t, 0, Limits{Timeout: -1})
		if _, ok := c.Deadline(); ok {
			t.Error("it has a deadline")
		}
		time.Sleep(1000 * time.Hour)
		if c.Err() != nil {
			t.Error(c.Err())
		}
	})
}

func TestProgressMovesTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := begun(t, 0, Limits{Timeout: 10 * time.Second, Longest: 25 * time.Second})
		done := c.Done()
		var lasted []time.Duration
		for range 6 {
			time.Sleep(6 * time.Second)
			if _, lasts := c.Report(c.now(), 1, 2); lasts {
				lasted = append(lasted, time.Since(start))
			}
		}
		<-done
		if began, end := c.Times(); began != 1e9 || time.Duration(end-began) != 25*time.Second {
			t.Errorf("it had to end after %v", time.Duration(end-began))
		}
		if len(lasted) != 1 || lasted[0] != 12*time.Second {
			t.Errorf("it went on beyond its timeout at %v", lasted)
		}
		if done, total := c.Reported(); done != 1 || total != 2 {
			t.Errorf("reported %d of %d", done, total)
		}
	})
}

func TestReportsAreToldNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := begun(t, 0, Limits{})
		told := 0
		for range 100 {
			if tell, _ := c.Report(c.now(), 1, 0); tell {
				told++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if told != 10 {
			t.Errorf("told %d times in a second", told)
		}
	})
}

func TestItEndsForTheFirstReason(t *testing.T) {
	ended := errors.New("ended")
	c := New("call", time.Now(), Limits{})
	ran := make(chan string, 2)
	c.AfterFunc(func() { ran <- "run" })
	stop := c.AfterFunc(func() { ran <- "stopped" })
	if !stop() || stop() {
		t.Error("it was stopped twice, or not at all")
	}
	c.End(ended)
	c.End(context.Canceled)
	if c.Err() != ended || <-ran != "run" || len(ran) != 0 {
		t.Error(c.Err())
	}
	<-c.Done()
	c.AfterFunc(func() { ran <- "late" })
	if got := <-ran; got != "late" {
		t.Error(got)
	}
	if err := c.Begin(1); err != ended {
		t.Errorf("it began after its end: %v", err)
	}
	if tell, lasts := c.Report(1, 1, 1); tell || lasts {
		t.Error("a report after the end is told")
	}
}

func TestDerivedContextsEndWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := begun(t, 0, Limits{Timeout: time.Second})
		derived, cancel := context.WithCancel(c)
		defer cancel()
		<-derived.Done()
		if derived.Err() != context.DeadlineExceeded || derived.Value(Key{}) != "call" {
			t.Error(derived.Err())
		}
	})
}
