package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/optimist-go/optimist/bench/internal/runner"
)

// Write puts results.json, .md, .svg and .txt into a directory, which it makes, and
// returns their paths.
func Write(dir string, run *runner.Run) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range []struct {
		name  string
		write func(io.Writer, *runner.Run) error
	}{
		{"results.json", JSON}, {"results.md", Markdown}, {"results.svg", SVG}, {"results.txt", Benchstat},
	} {
		var b bytes.Buffer
		if err := f.write(&b, run); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// JSON writes a run with all its documents.
func JSON(w io.Writer, run *runner.Run) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(run)
}

// Benchstat writes every round of every timed cell as a line that benchstat reads:
// benchstat -col /lib results.txt compares libraries, benchstat old.txt new.txt two
// runs.
func Benchstat(w io.Writer, run *runner.Run) error {
	units := map[string]struct {
		name  string
		scale float64
	}{
		"us": {"ns/op", 1000}, "us/tap": {"ns/op", 1000}, "bytes/op": {"B/op", 1},
	}
	if _, err := fmt.Fprintf(w, "pkg: github.com/optimist-go/optimist/bench\ncpu: %s\n", run.Machine); err != nil {
		return err
	}
	for _, d := range run.Documents {
		for _, c := range d.Results {
			unit, ok := units[c.Unit]
			v, has := c.Main()
			if !ok || !has {
				continue
			}
			key := strings.ReplaceAll(c.Key(), ",", "/")
			if _, err := fmt.Fprintf(w, "Benchmark%s/%s/lib=%s %d %.4g %s\n", d.Workload, key, d.Library, max(c.N, 1), v*unit.scale, unit.name); err != nil {
				return err
			}
		}
	}
	return nil
}
