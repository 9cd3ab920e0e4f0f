package policy

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

const ms = time.Millisecond

func TestZeroFieldsAreThoseOfTheBase(t *testing.T) {
	none := new(Policy).Over(&Default, true)
	if none.Debounce != Default.Debounce || none.Retry.Max != 3 || none.Retry.Jitter != 0.25 || none.MaxConflicts != 3 ||
		none.Failure != engine.Revert || none.Cancel != engine.LetCallsEnd {
		t.Errorf("nothing was given, and the policy is %+v", none)
	}
	own := Policy{Retry: Retry{Max: -1, Timeout: time.Second}, Failure: engine.Park, MaxConflicts: -1}
	all := own.Over(&Default, true)
	if all.Retry.Max != -1 || all.Retry.Timeout != time.Second || all.Failure != engine.Park || all.MaxConflicts != -1 ||
		all.Retry.Base != Default.Retry.Base {
		t.Errorf("some was given, and the policy is %+v", all)
	}
	if own.Retry.Base != 0 {
		t.Error("the policy that was given has changed")
	}
}

func TestOfTwoFieldsTheGivenOneCounts(t *testing.T) {
	for _, row := range []struct{ given, want Debounce }{
		{Debounce{Wait: 5 * time.Second}, Debounce{Wait: 5 * time.Second, MaxWait: 5 * time.Second}},
		{Debounce{MaxWait: 100 * ms}, Debounce{Wait: 100 * ms, MaxWait: 100 * ms}},
		{Debounce{Wait: -1}, Debounce{Wait: -1, MaxWait: 2 * time.Second}},
		{Debounce{Leading: true}, Debounce{Wait: 300 * ms, MaxWait: 2 * time.Second, Leading: true}},
	} {
		if got := (&Policy{Debounce: row.given}).Over(&Default, true).Debounce; got != row.want {
			t.Errorf("%+v becomes %+v, not %+v", row.given, got, row.want)
		}
	}
	long := (&Policy{Retry: Retry{Base: time.Minute, Timeout: 2 * time.Hour}}).Over(&Default, true).Retry
	if long.Cap != time.Minute || long.MaxTimeout != 2*time.Hour {
		t.Errorf("the limits are %v and %v", long.Cap, long.MaxTimeout)
	}
	without := (&Policy{Retry: Retry{Timeout: -1}}).Over(&Default, true).Retry
	if without.Timeout != -1 || without.MaxTimeout != time.Hour {
		t.Errorf("the limits are %v and %v", without.Timeout, without.MaxTimeout)
	}
}

func TestWithoutASlotOnlyTheOwnPolicyDebounces(t *testing.T) {
	if d := new(Policy).Over(&Default, false).Debounce; d.Wait >= 0 {
		t.Errorf("nothing was given, and the debounce is %v", d.Wait)
	}
	if d := (&Policy{Debounce: Debounce{MaxWait: time.Second}}).Over(&Default, false).Debounce; d.Wait != 300*ms {
		t.Errorf("a debounce was given, and it is %v", d.Wait)
	}
}

func TestPoliciesThatCannotWorkAreRefused(t *testing.T) {
	if err := new(Policy).Check(); err != nil {
		t.Error(err)
	}
	for _, p := range []Policy{
		{Retry: Retry{Jitter: 1.5}}, {Retry: Retry{Jitter: math.NaN()}}, {Retry: Retry{Base: -1}}, {Retry: Retry{Cap: -1}},
		{Retry: Retry{Base: 2, Cap: 1}}, {Retry: Retry{Timeout: 2, MaxTimeout: 1}},
		{Debounce: Debounce{MaxWait: -1}}, {Debounce: Debounce{Wait: 2, MaxWait: 1}},
		{Failure: engine.Park + 1}, {Cancel: engine.EndCalls + 1},
	} {
		if err := p.Check(); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestTheEngineGetsNumbers(t *testing.T) {
	var typ engine.Type
	all := (&Policy{Retry: Retry{Max: Forever, Jitter: -1, Deadline: -1}, MaxConflicts: 1000}).Over(&Default, true)
	all.Apply(&typ)
	if typ.Retry.Max != -1 || typ.Retry.Jitter != 0 || typ.Deadline != 0 || typ.MaxConflicts != 255 || typ.Debounce.Wait != engine.Time(300*ms) {
		t.Errorf("%+v", typ)
	}
	if none := (&Retry{Max: -5}).Schedule(); none.Max != 0 {
		t.Errorf("no retries are %d", none.Max)
	}
}
