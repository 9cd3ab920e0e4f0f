package load_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/server"
)

// TestMain is also the process of clients that a run kills.
func TestMain(m *testing.M) {
	switch os.Getenv("LOAD_PROCESS") {
	case "":
		os.Exit(m.Run())
	case "asleep":
		time.Sleep(time.Hour) // until it is killed
	}
	if err := load.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestNobodyIsLiedTo is a small run of "engaged load".
func TestNobodyIsLiedTo(t *testing.T) {
	// Twelve devices of one user and two posts: there are conflicts.
	report := run(t, load.Config{Clients: 12, Taps: 600, Posts: 2, Devices: 12, Think: 10 * time.Millisecond})
	if report.Taps != 600 || report.Retries == 0 || report.Conflicts == 0 {
		t.Errorf("%+v", report)
	}
}

// TestNobodyIsLiedToWhenClientsAreKilled is a small run of "engaged load -kill".
func TestNobodyIsLiedToWhenClientsAreKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report := run(t, load.Config{
		Clients: 12, Taps: 600, Posts: 6, Think: 10 * time.Millisecond, Kills: 8, Processes: 3,
		Command: func() *exec.Cmd {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), "LOAD_PROCESS=1")
			cmd.Stderr = os.Stderr
			return cmd
		},
	})
	if report.Kills != 8 || report.Taps != 600 || report.Durable == 0 || report.Restored == 0 {
		t.Errorf("%+v", report)
	}
}

// run starts a server, puts a bad network before it, and lets the clients loose.
func run(t *testing.T, c load.Config) *load.Report {
	m := engaged.New()
	m.Stderr = io.Discard
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: filepath.Join(t.TempDir(), "engaged.db"), Demo: true, Rate: -1}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c.URLs = []string{m.URL()}
	c.SetNetwork = func(bad bool) error {
		var r fault.Rule
		if bad {
			r = fault.Rule{JitterMs: 20, LoseRequest: 0.2, LoseAnswer: 0.1, Duplicate: 0.1, ServerError: 0.05}
		}
		return m.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: r})
	}
	report, err := load.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := report.Write(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	if !report.OK() {
		t.Errorf("what must be 0 is not")
	}
	if err := m.Store().Audit(t.Context()); err != nil {
		t.Error(err)
	}
	if kept, gone := countWritten(t, m.Store()); kept == 0 || gone == 0 && c.Kills == 0 {
		t.Errorf("of the posts that were written %d are there and %d gone", kept, gone)
	}
	return report
}

// countWritten counts the posts of the load's users.
func countWritten(t *testing.T, store *sqlstore.Store) (kept, gone int) {
	count := func(scan server.Scan) error {
		var deleted bool
		err := scan(&deleted)
		if deleted {
			gone++
		} else {
			kept++
		}
		return err
	}
	err := store.Kit().Read(t.Context(), func(ctx context.Context, m server.Moment) error {
		return m.Query(ctx, count, `SELECT deleted FROM posts WHERE author LIKE 'load%'`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept, gone
}
