package journaltest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/journal"
)

// Variables through which a test binary runs itself as another process.
const (
	envRole  = "JOURNALTEST_CHILD" // "write" or "hold"
	envDir   = "JOURNALTEST_CHILD_DIR"
	envSeed  = "JOURNALTEST_CHILD_SEED"
	envFirst = "JOURNALTEST_CHILD_FIRST"
)

// processWriters is how many goroutines of a killed process write at once.
const processWriters = 3

// RunProcesses tests with processes of their own that everything acknowledged outlives
// kill -9 at random instants, and that there is one owner among processes. The test
// binary must call [Child] at the beginning of its TestMain.
//
// It kills 40 processes, or the number in the environment variable JOURNALTEST_ROUNDS.
func RunProcesses(t *testing.T, target Target) {
	t.Run("KillAtRandomInstants", func(t *testing.T) { testKill(t, target, t.TempDir()) })
	t.Run("OneOwnerAmongProcesses", func(t *testing.T) { testOwnerProcess(t, target, t.TempDir()) })
}

// Child returns at once in an ordinary run of the tests. In a process started by
// [RunProcesses] it writes to the journal or holds it, and does not return.
func Child(target Target) {
	role := os.Getenv(envRole)
	if role == "" {
		return
	}
	j, err := target.Open(os.Getenv(envDir))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("open")
	if role == "hold" {
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed, or left alone
		os.Exit(0)
	}
	var seed, first uint64
	_, _ = fmt.Sscan(os.Getenv(envSeed), &seed)
	_, _ = fmt.Sscan(os.Getenv(envFirst), &first)
	for w := range processWriters {
		go func() {
			g := childGenerator(seed, first, w)
			for {
				if err := j.Write(g.Next()); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Println(w) // the acknowledgement
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// childGenerator makes the batches of one writer, the same in both processes.
func childGenerator(seed, first uint64, w int) *Generator {
	return NewGenerator(seed, first+uint64(w), processWriters)
}

// child is a running process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func startChild(t *testing.T, dir, role string, seed, first uint64) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir,
		envSeed+"="+strconv.FormatUint(seed, 10), envFirst+"="+strconv.FormatUint(first, 10))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, stdin, bufio.NewScanner(stdout)}
	t.Cleanup(func() { c.kill() })
	return c
}

// next returns the next line that the process prints; ok is false at its end.
func (c *child) next(t *testing.T) (line string, ok bool) {
	t.Helper()
	if !c.lines.Scan() {
		return "", false
	}
	if line = c.lines.Text(); strings.HasPrefix(line, "error") {
		t.Fatalf("the child process says: %s", line)
	}
	return line, true
}

// kill ends the process without a chance to clean up.
func (c *child) kill() { _ = c.cmd.Process.Kill() }

// gone waits until the process has ended.
func (c *child) gone() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

func testKill(t *testing.T, target Target, dir string) {
	rounds := 40
	if s := os.Getenv("JOURNALTEST_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatalf("JOURNALTEST_ROUNDS: %v", err)
		}
	}
	seed := Seed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	models := make([]Model, processWriters)
	total := 0
	for round := range rounds {
		first := uint64(round) * roundSeqs
		c := startChild(t, dir, "write", seed+uint64(round), first)
		var acked [processWriters]int
		// Some rounds kill the process while it starts and opens.
		for n := rng.IntN(160) - 20; n > 0 && c.acknowledgement(t, &acked); n-- {
		}
		c.kill()
		for c.acknowledgement(t, &acked) { // the last acknowledgements
		}
		c.gone()

		for w := range models {
			g := childGenerator(seed+uint64(round), first, w)
			for range acked[w] {
				models[w].Write(g.Next())
			}
			models[w].Doubt(g.Next()) // the batch that was being written when the process died
			total += acked[w]
		}
		j := target.mustOpen(t, dir)
		checkWriters(t, mustLoad(t, j), models)
		mustClose(t, j)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds, %d acknowledged batches", rounds, total)
}

// roundSeqs is the number of sequence numbers for each round, a multiple of
// processWriters, so that a number tells its writer.
const roundSeqs = processWriters << 24

// acknowledgement reads one line of the process and counts the batch that it
// acknowledges. It returns false at the end of the process's output.
func (c *child) acknowledgement(t *testing.T, acked *[processWriters]int) bool {
	t.Helper()
	line, ok := c.next(t)
	if ok && line != "open" {
		w, err := strconv.Atoi(line)
		if err != nil || w < 0 || w >= processWriters {
			t.Fatalf("the child process says %q", line)
		}
		acked[w]++
	}
	return ok
}

func testOwnerProcess(t *testing.T, target Target, dir string) {
	c := startChild(t, dir, "hold", 0, 0)
	if line, ok := c.next(t); !ok || line != "open" {
		t.Fatalf("the child process says %q", line)
	}
	began := time.Now()
	if j, err := target.Open(dir); !errors.Is(err, journal.ErrOwned) {
		if err == nil {
			_ = j.Close()
		}
		t.Errorf("Open of another process's journal: error %v, want journal.ErrOwned", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the refusal took %v, more than a second", took)
	}
	c.kill()
	c.gone()
	began = time.Now()
	j := target.mustOpen(t, dir)
	if took := time.Since(began); took > time.Second {
		t.Errorf("taking over took %v, more than a second", took)
	}
	mustWrite(t, j, Put(1, "of the new owner"))
	mustClose(t, j)
}
