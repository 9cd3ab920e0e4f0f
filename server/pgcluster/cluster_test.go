package pgcluster

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// start starts a cluster, or skips the test where there is none to be had.
func start(t *testing.T, settings ...string) *Cluster {
	t.Helper()
	c, err := Start(settings...)
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// answer asks the database one question.
func answer(t *testing.T, url, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var text string
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestClusterKeepsWhatWasCommittedWhateverEndsIt(t *testing.T) {
	c := start(t)
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `create table kept (n int)`); err != nil {
		t.Fatal(err)
	}
	ends := map[string]func() error{
		"stopped":    func() error { return c.Stop(Fast) },
		"broken off": func() error { return c.Stop(Immediate) },
		"killed":     c.Kill,
	}
	for name, end := range ends {
		answer(t, c.Socket("postgres"), `with new as (insert into kept values (1) returning n) select n::text from new`)
		before := answer(t, c.URL("postgres"), `select count(*)::text from kept`)
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.Start(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if after := answer(t, c.URL("postgres"), `select count(*)::text from kept`); after != before {
			t.Errorf("%s: %s rows before and %s after", name, before, after)
		}
	}
}

func TestClusterWantsThePassword(t *testing.T) {
	c := start(t)
	guessed := strings.Replace(c.URL("postgres"), c.password, "guessed", 1)
	if conn, err := pgx.Connect(t.Context(), guessed); err == nil {
		conn.Close(t.Context())
		t.Error("connected with a wrong password")
	}
}

// TestClusterEndsWithItsProcess kills a process that has a cluster.
func TestClusterEndsWithItsProcess(t *testing.T) {
	if os.Getenv("PGCLUSTER_CHILD") != "" {
		c := start(t)
		os.Stdout.WriteString("folder " + c.folder + "\n")
		time.Sleep(time.Minute) // until it is killed
		return
	}
	start(t).Close() // skips
	cmd := exec.Command(os.Args[0], "-test.run=^TestClusterEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), "PGCLUSTER_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var folder string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found, ok := strings.CutPrefix(lines.Text(), "folder "); ok {
			folder = found
			break
		}
	}
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("the child has no cluster: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(30 * time.Second)
	for {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s is still there", folder)
		}
	}
}
