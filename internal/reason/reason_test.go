package reason

import (
	"testing"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// The laws about reasons have most sentences; here are the forms of those that have two.
func TestSentencesSayNothingThatIsNotKnown(t *testing.T) {
	for _, row := range []struct {
		kind              engine.ReasonKind
		operation, entity string
		version           uint64
		due               time.Duration
		want              string
	}{
		{engine.NoReason, "", "", 0, 0, ""},
		{engine.WaitsForDecision, "", "", 0, 0, "it failed, and somebody has to retry, edit or discard it"},
		{engine.WaitsForDecision, "a", "post:1", 0, 0, "operation a of post:1 failed, and somebody has to decide about that one first"},
		{engine.WaitsForRetry, "", "", 0, 0, "it waits for its next attempt"},
		{engine.WaitsForRetry, "", "", 0, 1234567 * time.Microsecond, "its next attempt leaves in 1.23s"},
		{engine.WaitsForTruth, "", "post:1", 0, 0, "the server has it, and the truth of post:1 does not show it yet"},
		{engine.WaitsForTruth, "", "post:1", 7, 0, "the server has it, and truth of post:1 at version 7 has not come yet"},
	} {
		if got := Sentence(row.kind, row.operation, row.entity, row.version, row.due); got != row.want {
			t.Errorf("%q, not %q", got, row.want)
		}
	}
	for kind := engine.InQuarantine; kind <= engine.WaitsForLoading; kind++ {
		if Sentence(kind, "a", "post:1", 1, time.Second) == "" {
			t.Errorf("reason %d has no sentence", kind)
		}
	}
}
