package load_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/load"
)

// TestNobodyIsLiedTo is a small run of what "engaged load" does.
func TestNobodyIsLiedTo(t *testing.T) {
	m := engaged.New()
	m.Stderr = io.Discard
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: filepath.Join(t.TempDir(), "engaged.db"), Demo: true, Rate: -1}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	report, err := load.Run(t.Context(), load.Config{
		URL: m.URL(), Clients: 12, Taps: 600, Posts: 6, Think: 10 * time.Millisecond,
		SetNetwork: func(bad bool) error {
			var r fault.Rule
			if bad {
				r = fault.Rule{JitterMs: 20, LoseRequest: 0.2, LoseAnswer: 0.1, Duplicate: 0.1, ServerError: 0.05}
			}
			return m.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: r})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := report.Write(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	if !report.OK() || report.Missed != 0 || report.Taps != 600 || report.Retries == 0 || report.Conflicts == 0 {
		t.Errorf("%+v", report)
	}
	if err := m.Store().Audit(t.Context()); err != nil {
		t.Error(err)
	}
}
