// Package reason puts the reason for which an operation waits into words, and the operations
// for which a call has waited.
package reason

import (
	"strings"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Sentence is a reason as a sentence about the operation, "it"; empty for none. operation is the
// id of the one that the kind speaks of (empty: none, or itself), entity the full name of its
// entity, or of the one whose truth is awaited at a version (0: not known), and due the time
// until the wait ends by itself (0: no time is set).
func Sentence(kind engine.ReasonKind, operation, entity string, version uint64, due time.Duration) string {
	other := "operation " + operation + " of " + entity
	in := due.Round(10 * time.Millisecond)
	switch kind {
	case engine.InQuarantine:
		return "it is in quarantine, because this program cannot restore it"
	case engine.WaitsForOpening:
		return "the manager has stopped, and sends nothing any more"
	case engine.WaitsForDisk:
		return "the journal has not taken its record yet"
	case engine.WaitsForDecision:
		if operation == "" {
			return "it failed, and somebody has to retry, edit or discard it"
		}
		return other + " failed, and somebody has to decide about that one first"
	case engine.WaitsForCreation:
		return other + " has to create the entity first"
	case engine.WaitsForDependency:
		return "it comes after " + other
	case engine.WaitsForLane:
		return other + " goes first"
	case engine.WaitsForDebounce:
		return errorf.Text("it waits %v for further changes", in)
	case engine.WaitsForRetry:
		if due == 0 {
			return "it waits for its next attempt"
		}
		return errorf.Text("its next attempt leaves in %v", in)
	case engine.WaitsForNetwork:
		return "there is no network"
	case engine.WaitsForProbe:
		if operation != "" {
			return "the server answers nobody, and " + other + " asks whether it is back"
		}
		return errorf.Text("the server answers nobody, and is asked again in %v", in)
	case engine.WaitsForAuthentication:
		return "the server did not accept the user's authentication"
	case engine.WaitsForCap:
		return "as many calls are under way as are allowed at a time"
	case engine.WaitsForAnswer:
		return "its call is under way"
	case engine.WaitsForTruth:
		if version == 0 {
			return "the server has it, and the truth of " + entity + " does not show it yet"
		}
		return errorf.Text("the server has it, and truth of %s at version %d has not come yet", entity, version)
	case engine.WaitsForLoading:
		return "the server has it, and " + entity + " was never loaded"
	}
	return ""
}

// Listed is the text of the first ten names.
func Listed(names []string) string {
	text := strings.Join(names[:min(len(names), 10)], ", ")
	if len(names) > 10 {
		text += ", ..."
	}
	return text
}
