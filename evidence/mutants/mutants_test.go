package mutants

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	all   = flag.Bool("mutants", false, "try all faults, not only a few; takes some minutes")
	only  = flag.String("mutants.only", "", "try only faults that say this, such as (law 36)")
	table = flag.Bool("mutants.table", false, "print the table for docs/evidence.md")
)

const few = 5 // faults of the short form

// TestFaultsAreFound puts each fault into a copy of the engine; the test that is named
// beside it must fail there.
func TestFaultsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the engine's tests several times")
	}
	dir := t.TempDir()
	if err := copyModule(dir); err != nil {
		t.Fatal(err)
	}
	if out, err := run(dir, "TestTwin|TestNetZero", 5*time.Second); err != nil {
		t.Fatalf("fails without a fault: %s", out)
	}
	chosen := faults
	switch {
	case *only != "":
		chosen = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.what, *only) })
	case !*all:
		chosen = faults[:few]
	}
	found := 0
	for _, f := range chosen {
		file := filepath.Join(dir, "internal", "engine", f.file)
		right, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(right), f.old); n != 1 {
			t.Errorf("%s: the code to change occurs %d times in %s", f.what, n, f.file)
			continue
		}
		wrong := strings.Replace(string(right), f.old, f.new, 1)
		if err := os.WriteFile(file, []byte(wrong), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := run(dir, f.test, 5*time.Second)
		if err == nil { // on a busy machine that is not long
			out, err = run(dir, f.test, time.Minute)
		}
		switch {
		case err == nil:
			t.Errorf("%s: not found by %s", f.what, f.test)
		case strings.Contains(out, "[build failed]") || !strings.Contains(out, "--- FAIL: "+f.test):
			t.Errorf("%s: %s did not get to fail:\n%s", f.what, f.test, out)
		default:
			found++
			if *table {
				t.Log(f.row())
			}
		}
		if err := os.WriteFile(file, right, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d faults found; %d are known", found, len(chosen), len(faults))
}

// TestFaultsFit checks that the code that the faults change exists, and that the table of
// docs/evidence.md names them.
func TestFaultsFit(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.Contains(string(docs), f.row()) {
			t.Errorf("docs/evidence.md has no row %s; -mutants.table prints the table", f.row())
		}
		right, err := os.ReadFile(filepath.Join("..", "..", "internal", "engine", f.file))
		if n := strings.Count(string(right), f.old); err != nil || n != 1 {
			t.Errorf("%s: the code to change occurs %d times in %s (%v)", f.what, n, f.file, err)
		}
	}
}

// row is the fault in the table of docs/evidence.md.
func (f fault) row() string { return "| " + f.what + " | `" + f.file + "` | `" + f.test + "` |" }

// run runs tests of the copy's engine by name, for some time: explorations for four times as long.
func run(dir, tests string, long time.Duration) (string, error) {
	cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=10m", "-run", "^("+tests+")", "./internal/engine",
		"-twins="+long.String(), "-explore.time="+(4*long).String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyModule copies the files that the engine needs.
func copyModule(dir string) error {
	root := filepath.Join("..", "..")
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
}
