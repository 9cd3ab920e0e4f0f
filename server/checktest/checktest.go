// Package checktest runs the checks of package check as a Go test.
package checktest

import (
	"testing"

	"github.com/optimist-go/optimist/server/check"
)

// Run makes all checks of [check.Run], with one subtest for each line of the report:
// a line that is not checked skips its subtest.
func Run(t *testing.T, target check.Target) {
	t.Helper()
	for _, line := range check.Run(t.Context(), target).Lines {
		t.Run(line.Name, func(t *testing.T) {
			switch line.Verdict {
			case check.Fail:
				t.Errorf("%s\nThe server: %s", line.Want, line.Seen)
			case check.NotChecked:
				t.Skipf("not checked: %s", line.Seen)
			default:
				t.Log(line.Seen)
			}
		})
	}
}
