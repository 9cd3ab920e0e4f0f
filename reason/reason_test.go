package reason

import (
	"testing"
	"time"
)

// The laws about reasons have most sentences; here are the forms of those that have two.
func TestSentencesSayNothingThatIsNotKnown(t *testing.T) {
	for _, row := range []struct {
		reason Reason
		want   string
	}{
		{Reason{}, ""},
		{Reason{Kind: Decision}, "it failed, and somebody has to retry, edit or discard it"},
		{Reason{Kind: Decision, Operation: "a", Entity: "post:1"}, "operation a of post:1 failed, and somebody has to decide about that one first"},
		{Reason{Kind: Retry}, "it waits for its next attempt"},
		{Reason{Kind: Retry, Due: 1234567 * time.Microsecond}, "its next attempt leaves in 1.23s"},
		{Reason{Kind: Truth, Entity: "post:1"}, "the server has it, and the truth of post:1 does not show it yet"},
		{Reason{Kind: Truth, Entity: "post:1", Version: 7}, "the server has it, and truth of post:1 at version 7 has not come yet"},
	} {
		if got := row.reason.String(); got != row.want {
			t.Errorf("%q, not %q", got, row.want)
		}
	}
	for kind := Quarantine; kind <= Loading; kind++ {
		if (Reason{Kind: kind, Operation: "a", Entity: "post:1", Version: 1, Due: time.Second}).String() == "" {
			t.Errorf("reason %d has no sentence", kind)
		}
	}
}
