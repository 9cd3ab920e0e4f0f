package deadline

import (
	"testing"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

func TestACallThatRunsOnIsToldOnce(t *testing.T) {
	const second = engine.Time(time.Second)
	limits := Limits{Until: engine.Never, Timeout: 10 * time.Second}
	c := New("call", time.Now().Add(-time.Hour), limits)
	o := c.Depart(second, 5*time.Second)
	if o.At() != 16*second {
		t.Errorf("it is looked for at %d", o.At())
	}
	told := func(now engine.Time) bool {
		tell, _, _ := o.Look(now)
		return tell
	}
	if told(15*second) || told(16*second) || o.At() != 21*second {
		t.Errorf("its time has not begun, and it is looked for at %d", o.At())
	}
	c.Begin(8 * second)
	if told(22*second) || o.At() != 27*second {
		t.Errorf("its time is over for 4 s, and it is looked for at %d", o.At())
	}
	if tell, ran, limit := o.Look(27 * second); !tell || ran != 19*time.Second || limit != 10*time.Second {
		t.Errorf("%v, after %v of %v", tell, ran, limit)
	}
	if o.At() != engine.Never || told(100*second) {
		t.Error("it is told again")
	}
	c = New("call", time.Now(), Limits{Until: engine.Never})
	if o := c.Depart(second, time.Second); o.At() != engine.Never {
		t.Error("a call without limits is looked for")
	}
}
