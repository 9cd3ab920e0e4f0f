package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/server/pgcluster"
)

// runWell runs "engaged load" and looks for lines in its table.
func runWell(t *testing.T, args string, want ...string) {
	t.Helper()
	stdout, stderr, status := runToEnd(t, strings.Fields(args)...)
	table := spaces.ReplaceAllString(stdout, " ")
	for _, line := range append(want, "lost effects 0 as it must be", "divergence 0 as it must be", "PASS") {
		if !strings.Contains(table, line+"\n") {
			t.Errorf("there is no %q", line)
		}
	}
	if status != 0 || !strings.HasSuffix(stdout, "\nPASS\n") || t.Failed() {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

// TestLoadKillsServer: the one server, on SQLite.
func TestLoadKillsServer(t *testing.T) {
	runWell(t, "load -clients 6 -taps 150 -think 5ms -kill-server 2", "servers killed 2 ")
}

// TestLoadDisturbsServers: three on one PostgreSQL.
func TestLoadDisturbsServers(t *testing.T) {
	cluster, err := pgcluster.Start()
	if errors.Is(err, pgcluster.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Close(); err != nil { // the command starts its own
		t.Fatal(err)
	}
	runWell(t, "load -clients 9 -taps 300 -think 5ms -servers 3 -kill-server 3 -kill-db 2 -db-down 500ms -cut-listen 2 -hold-foreign 1s",
		"servers killed 3 ", "database restarts 2 ", "listeners cut 2 ", "foreign transactions 1 ")
}

// TestAudit: it finds an operation that was acknowledged and is not there.
func TestAudit(t *testing.T) {
	store, err := sqlstore.Open(t.Context(), sqlstore.Memory, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := audit(t.Context(), store.Kit(), nil); err != nil {
		t.Error(err)
	}
	err = audit(t.Context(), store.Kit(), []load.Effect{{User: "zoe", Key: "k"}})
	if err == nil || !strings.Contains(err.Error(), "1 operations were acknowledged and have no key") {
		t.Error(err)
	}
}
