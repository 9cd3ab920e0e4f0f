package mutants

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	all   = flag.Bool("mutants", false, "try all faults, not only a few; takes about 20 minutes")
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
	chosen := faults
	switch {
	case *only != "":
		chosen = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.what, *only) })
	case !*all:
		chosen = faults[:few]
	}
	right := []string{"TestTwin|TestNetZero"}
	if slices.ContainsFunc(chosen, func(f fault) bool { return strings.HasPrefix(f.test, "list.") }) {
		right = append(right, "list.TestTwin")
	}
	for _, tests := range right {
		if out, err := run(dir, tests, 5*time.Second); err != nil {
			t.Fatalf("fails without a fault: %s", out)
		}
	}
	found := 0
	for _, f := range chosen {
		file := filepath.Join(dir, f.path())
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
		_, name := packageOf(f.test)
		out, err := run(dir, f.test, 5*time.Second)
		if err == nil { // on a busy machine that is not long
			out, err = run(dir, f.test, time.Minute)
		}
		switch {
		case err == nil:
			t.Errorf("%s: not found by %s", f.what, f.test)
		case strings.Contains(out, "[build failed]") || !strings.Contains(out, "--- FAIL: "+name):
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
		right, err := os.ReadFile(filepath.Join("..", "..", f.path()))
		if n := strings.Count(string(right), f.old); err != nil || n != 1 {
			t.Errorf("%s: the code to change occurs %d times in %s (%v)", f.what, n, f.file, err)
		}
	}
}

// row is the fault in the table of docs/evidence.md.
func (f fault) row() string { return "| " + f.what + " | `" + f.file + "` | `" + f.test + "` |" }

// path is where the fault is, from the root on.
func (f fault) path() string {
	if strings.Contains(f.file, "/") {
		return f.file
	}
	return "internal/engine/" + f.file
}

// packageOf is the folder of the package that has tests, and their names alone.
func packageOf(tests string) (folder, names string) {
	if folder, names, ok := strings.Cut(tests, "."); ok {
		return folder, names
	}
	return "internal/engine", tests
}

// run runs tests of one of the copy's packages by name, for some time: explorations for four
// times as long.
func run(dir, tests string, long time.Duration) (string, error) {
	folder, names := packageOf(tests)
	args := []string{"test", "-count=1", "-vet=off", "-timeout=10m", "-run", "^(" + names + ")", "./" + folder}
	if folder == "list" { // it makes about 1,000 steps a second
		args = append(args, "-list.steps="+strconv.Itoa(int(long.Milliseconds())))
	} else {
		args = append(args, "-twins="+long.String(), "-explore.time="+(4*long).String())
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyModule copies the code of the root's module.
func copyModule(dir string) error {
	root := filepath.Join("..", "..")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if _, err := os.Stat(filepath.Join(path, "go.mod")); rel != "." && (err == nil || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir // a module of its own
			}
			return nil
		case filepath.Ext(path) != ".go" && rel != "go.mod":
			return nil
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
