// Package engagedtest runs the engagement server in the process of a test.
package engagedtest

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/optimist-go/optimist/engagement/engaged"
)

// Start runs the real program on a free port, with a database file of its own unless args
// name another one. args are flags of the program. The server is closed when the test
// ends.
func Start(tb testing.TB, args ...string) *engaged.Main {
	tb.Helper()
	m := engaged.New()
	m.Stderr = io.Discard
	args = append([]string{"-addr", "127.0.0.1:0", "-db", filepath.Join(tb.TempDir(), "engaged.db")}, args...)
	if err := m.ParseFlags(args); err != nil {
		tb.Fatal(err)
	}
	if err := m.Run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Errorf("close the server: %v", err)
		}
	})
	return m
}
